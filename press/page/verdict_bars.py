"""The sources on trial in one picture: a bar a part of the book, a piece of it a verdict."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping

from medlib.experiment.record import Record
from press.check.verdicts import Verdict, judged
from press.page.on_trial import summary
from press.source.project import Project

MARKS = {
    Verdict.HELD: "✓",
    Verdict.IN_PART: "◐",
    Verdict.CONTRADICTED: "✗",
    Verdict.OPEN: "?",
    Verdict.UNTESTED: "–",
}
LINK = "Each assertion, its verdict and the numbers: [](sources_on_trial.md)."


def verdict_bars(project: Project, records: Mapping[str, Record]) -> str:
    """A bar for each part, as long as it has assertions; marks, words and colours tell verdicts.

    It is a list of lists: what is drawn is also read aloud. An assertion that several chapters
    judge is counted once, with the first of them.

    Raises:
        UserError: a sheet of verdicts is wrong.
    """
    rows = judged(project, records)
    if not rows:
        return "No assertion has been listed yet."
    counts: dict[str, Counter[Verdict]] = {}
    for row in rows:
        part = row.assertion.judged_by[0].partition("/")[0]
        counts.setdefault(part, Counter())[row.verdict] += 1
    longest = max(map(Counter.total, counts.values()))
    bars = "".join(_bar(part, found, longest) for part, found in counts.items())
    shown = [verdict for verdict in Verdict if any(found[verdict] for found in counts.values())]
    legend = "".join(
        f'<li><i class="{_css(v)}">{MARKS[v]}</i> {html.escape(v)}</li>' for v in shown
    )
    drawn = (
        f'<div class="medbook-verdicts"><ul aria-label="Verdicts in each part">{bars}</ul>'
        f'<ul class="medbook-legend" aria-hidden="true">{legend}</ul></div>'
    )
    return f"```{{raw}} html\n{drawn}\n```\n\n{summary(rows)} {LINK}"


def _bar(part: str, found: Counter[Verdict], longest: int) -> str:
    pieces = "".join(
        f'<li class="{_css(verdict)}" style="flex-grow:{found[verdict]}">'
        f'<span aria-hidden="true">{MARKS[verdict]}</span> {found[verdict]}'
        f' <span class="visually-hidden">{html.escape(verdict)}</span></li>'
        for verdict in Verdict
        if found[verdict]
    )
    name = html.escape(part.capitalize())
    width = 100 * found.total() / longest
    return f'<li><b>{name}</b><ul aria-label="{name}" style="width:{width:.1f}%">{pieces}</ul></li>'


def _css(verdict: Verdict) -> str:
    return verdict.value.replace(" ", "-")
