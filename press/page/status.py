"""The status page: what each chapter cost, what it claims, by what margin, on which machine."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence

from medlib.experiment.record import Claim, Record
from medlib.experiment.tables import ClaimColumn, SweepTable
from press.page.masthead import (
    NBSP,
    commit_html,
    data_badge,
    data_kinds,
    device_text,
    mebibytes,
    seconds,
)
from press.page.recorded import recorded_list
from press.results.falsified import FalsifiedTable, Refutation, read_falsified
from press.results.seeds import read_seeds_table
from press.results.stale import same_code
from press.source.grounds import Grounds, grounds_of
from press.source.project import Project

SHOWN_PACKAGES = ("torch", "numpy", "scipy", "scikit-image", "scikit-learn", "monai", "matplotlib")


def status_markdown(
    project: Project, records: Mapping[str, Record], titles: Mapping[str, str]
) -> str:
    """The body of the status page.

    Args:
        project: where accepted results of other seeds lie.
        records: chapter id -> the record of the run that its page shows, in book order.
        titles: chapter id -> title.
    """
    if not records:
        return "No chapter has run yet."
    return "\n\n".join(
        [
            summary_table(records, titles),
            *(
                f"## {titles[chapter]}\n\n{chapter_markdown(project, chapter, record)}"
                for chapter, record in records.items()
            ),
            "## The machine and the versions",
            machine_table(list(records.values())),
        ]
    )


def summary_table(records: Mapping[str, Record], titles: Mapping[str, str]) -> str:
    """One row a chapter, and their sum."""
    lines = [
        "| Chapter | Claims | Wall | CPU | Memory | Device | Data | Profile |",
        "|---|---|---:|---:|---:|---|---|---|",
    ]
    for chapter, record in records.items():
        held = sum(claim.holds for claim in record.claims)
        mark = "✓" if held == len(record.claims) else "✗"
        lines.append(
            f"| [{titles[chapter]}](/{chapter}.ipynb)"
            f" | {mark}{NBSP}{held}{NBSP}of{NBSP}{len(record.claims)}"
            f" | {seconds(record.wall_s)} | {seconds(record.cpu_s)}"
            f" | {mebibytes(record.peak_memory_mib)} | {html.escape(device_text(record))}"
            f" | {data_badge(data_kinds(record))} | `{record.profile}` |"
        )
    if len(records) > 1:
        every = list(records.values())
        held = sum(claim.holds for record in every for claim in record.claims)
        count = sum(len(record.claims) for record in every)
        lines.append(
            f"| **All** | **{held} of {count}** | {seconds(sum(r.wall_s for r in every))}"
            f" | {seconds(sum(r.cpu_s for r in every))}"
            f" | {mebibytes(max(r.peak_memory_mib for r in every))} | | | |"
        )
    return "\n".join(lines)


def chapter_markdown(project: Project, chapter: str, record: Record) -> str:
    """A chapter's claims: by what margin each holds, how it fares elsewhere, what makes it fail."""
    made = f"Commit {commit_html(record)}, seed `{record.seed}`, Python {record.python}."
    if not record.claims:
        return f"{made} It makes no claim."
    seeds = read_seeds_table(project, chapter)
    falsified = read_falsified(project, chapter)
    grounds = grounds_of(project, project.chapter(chapter))
    parts = [made, claims_list(record.claims, seeds, falsified, grounds)]
    parts += [text for text in (seeds_text(project, chapter, seeds),) if text]
    return "\n\n".join([*parts, *recorded_list(project, chapter)])


def seeds_text(project: Project, chapter: str, table: SweepTable | None) -> str:
    """On which code the other seeds ran."""
    if table is None:
        return "No table of other seeds has been accepted yet."
    if same_code(table.made_by, project.chapter(chapter)):
        return "The other seeds ran the same code as this page."
    return "The other seeds ran an earlier version of the chapter's code."


def claims_list(
    claims: Sequence[Claim],
    seeds: SweepTable | None,
    falsified: FalsifiedTable | None,
    grounds: Grounds | None = None,
) -> str:
    """One entry a claim. A list, not a table: it must be read on a telephone as well."""
    over = {column.text: column for column in seeds.claims} if seeds else {}
    under = {row.text: row for row in falsified.claims} if falsified else {}
    items = []
    for claim in claims:
        mark = "✓" if claim.holds else "✗"
        kind = " *(negative control)*" if claim.control else ""
        facts = [grounds.said(claim.text)] if grounds else []
        facts.append(f"margin {number(claim.margin, claim.unit)}")
        if seeds:
            facts += seed_facts(over.get(claim.text), count=len(seeds.points), unit=claim.unit)
        facts.append(falsifier_fact(claim, under.get(claim.text)))
        items.append(f"- {mark} **{claim.text}**{kind}\\\n  {'; '.join(facts)}.")
    return "\n".join(items)


def seed_facts(column: ClaimColumn | None, *, count: int, unit: str) -> list[str]:
    """How a claim fared over other seeds: how often, from where to where, the spread, the ratio."""
    if column is None:
        return ["not tried on other seeds"]
    facts = [f"other seeds {column.held}{NBSP}of{NBSP}{count}"]
    if not column.known:
        return facts
    if column.one_draw:
        return [*facts, "the same margin on every seed, so that n = 1"]
    low, high = min(column.known), max(column.known)
    facts[0] += f", margins {number(low, '')} to {number(high, unit)}"
    if column.spread is not None and column.safety is not None:
        spread = number(column.spread, unit).removeprefix("+")
        facts.append(
            f"spread {spread}, least margin is {column.safety:.2g} of it".replace("-", "−")
        )
    return facts


def falsifier_fact(claim: Claim, row: Refutation | None) -> str:
    """What must make a claim fail, and whether it did."""
    if not claim.falsified_by:
        return "no falsifier is named"
    name = f"falsifier `{claim.falsified_by}`"
    if row is None or row.falsified_by != claim.falsified_by:
        return f"{name}, not run yet"
    if row.error or row.margin_there is None:
        return f"{name} **could not be run**"
    said = "refutes it" if row.refuted else "**does not refute it**"
    return f"{name} {said} (margin there {number(row.margin_there, row.unit)})"


def machine_table(records: Sequence[Record]) -> str:
    """What the runs had in common: machine, Python, packages; all values where they differ."""
    rows: list[tuple[str, str]] = [
        ("Processor", _all(record.processor for record in records)),
        ("Platform", _all(record.platform for record in records)),
        ("Python", _all(record.python for record in records)),
    ]
    names = sorted({name for record in records for name in record.packages}, key=str.lower)
    by_lower = {name.lower(): name for name in names}
    for wanted in SHOWN_PACKAGES:
        if name := by_lower.get(wanted):
            rows.append((name, _all(record.packages.get(name, "") for record in records)))
    return "\n".join(
        ["| What | Value |", "|---|---|", *(f"| {key} | {value} |" for key, value in rows)]
    )


def tally(records: Mapping[str, Record], *, body: str = "") -> str:
    """The book in four numbers, each counted from the runs."""
    every = list(records.values())
    held = sum(claim.holds for record in every for claim in record.claims)
    numbers = [
        (len(every), "chapter" if len(every) == 1 else "chapters"),
        (sum(len(record.results) for record in every), "measured results"),
        (sum(len(record.figures) for record in every), "figures"),
        (held, f"of {sum(len(record.claims) for record in every)} claims hold"),
    ]
    items = "".join(f"<div><dd>{n}</dd><dt>{html.escape(what)}</dt></div>" for n, what in numbers)
    return f'```{{raw}} html\n<dl class="medbook-tally">{items}</dl>\n```'


def number(value: float, unit: str) -> str:
    """A margin with its sign and unit.

    >>> number(0.4213, "dB").replace(NBSP, " "), number(-2.0, "")
    ('+0.421 dB', '−2')
    """
    return f"{value:+.3g} {unit}".strip().replace("-", "−").replace(" ", NBSP)


def _all(values: Iterable[str]) -> str:
    return " / ".join(dict.fromkeys(str(value) for value in values if value)) or "not recorded"
