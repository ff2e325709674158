"""The sources on trial: each of their assertions, with the verdict that the book's runs give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from medlib.experiment.record import Record, Result
from press.check.verdicts import Judged, Speaks, Verdict, Weighed, judged
from press.page.masthead import NBSP
from press.source.project import Project

MARKS = {Speaks.FOR: "✓", Speaks.AGAINST: "✗", Speaks.NEITHER: "?"}
TO_COME = "Chapters to come"


def on_trial_markdown(
    project: Project, records: Mapping[str, Record], titles: Mapping[str, str]
) -> str:
    """The body of the page: how many verdicts of each kind, then one list a chapter.

    A list, not a table: it must be read on a telephone as well.

    Raises:
        UserError: a sheet of verdicts is wrong.
    """
    rows = judged(project, records)
    if not rows:
        return "No assertion has been listed yet."
    parts = [summary(rows)]
    for chapter, title in titles.items():
        own = [row for row in rows if _first(row, titles) == chapter]
        if own:
            parts += [f"## {title}", f"[To the chapter](/{chapter}.ipynb).", _items(own, titles)]
    if later := [row for row in rows if not _first(row, titles)]:
        parts += [f"## {TO_COME}", _items(later, titles)]
    return "\n\n".join(parts)


def summary(rows: Sequence[Judged]) -> str:
    """How many assertions there are, and how many of each verdict.

    The sentence is computed; a verdict that no assertion has is left out.
    """
    counts = Counter(row.verdict for row in rows)
    later = sum(row.verdict is Verdict.UNTESTED and not row.reasons for row in rows)
    said = [f"**{counts[verdict]}** {verdict}" for verdict in Verdict if counts[verdict]]
    text = f"Of {len(rows)} assertions: {', '.join(said)}."
    return f"{text} Of those not tested, {later} wait for a chapter to come." if later else text


def _first(row: Judged, titles: Mapping[str, str]) -> str:
    """The first chapter there is that judges an assertion; empty where there is none."""
    return next((chapter for chapter in row.assertion.judged_by if chapter in titles), "")


def _items(rows: Sequence[Judged], titles: Mapping[str, str]) -> str:
    return "\n".join(_item(row, titles) for row in rows)


def _item(row: Judged, titles: Mapping[str, str]) -> str:
    lines = [f"- **{row.number}** {row.assertion.says} **{row.verdict.capitalize()}.**"]
    lines += [_evidence(row, each, titles) for each in row.weighed]
    rest = "The rest is not tested" if row.weighed else "Why not"
    lines += [f"{rest}: {reason}" for reason in row.reasons]
    if row.to_come:
        names = ", ".join(f"`{name}`" for name in row.to_come)
        lines.append(f"To be judged by {names}.")
    return "\\\n  ".join(lines)


def _evidence(row: Judged, each: Weighed, titles: Mapping[str, str]) -> str:
    way = {
        Speaks.FOR: "speaks for it",
        Speaks.AGAINST: "speaks against it",
        Speaks.NEITHER: "the interval leaves it open",
    }[each.speaks]
    text = f"{MARKS[each.speaks]}{NBSP}{each.evidence.what}: {way}"
    if each.measured is not None:
        text += f" ({number_text(each.measured)})"
    if each.chapter != _first(row, titles):
        text += f"; [{titles[each.chapter]}](/{each.chapter}.ipynb)"
    return f"{text}."


def number_text(result: Result) -> str:
    """A result with its unit, interval and n, as a person reads it.

    >>> number_text(Result(name="x", value=0.25, low=0.1, high=0.4, n=20, unit="dB"))
    '0.25 (0.1 to 0.4) dB, n = 20'
    """
    text = f"{result.value:.3g}"
    if result.interval is not None:
        low, high = result.interval
        text += f" ({low:.3g} to {high:.3g})"
    text = f"{text} {result.unit}".strip().replace("-", "−")
    return f"{text}, n = {result.n}" if result.n else text
