"""The status page: what each chapter cost, what it claims, by what margin, on which machine."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence

from medlib.experiment.record import Claim, Record
from press.page.masthead import (
    NBSP,
    commit_html,
    data_badge,
    data_kinds,
    device_text,
    mebibytes,
    seconds,
)
from press.results.accepted import seeds_path
from press.results.seed_table import ClaimOverSeeds, SeedTable, read_seed_table
from press.source.project import Project
from press.source.weave import code_digest, weave

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
    """A chapter's claims with margins, and how often each held over other seeds."""
    made = f"Commit {commit_html(record)}, seed `{record.seed}`, Python {record.python}."
    if not record.claims:
        return f"{made} It makes no claim."
    path = seeds_path(project.results, chapter)
    table = read_seed_table(path) if path.is_file() else None
    if table is None:
        after = "No table of other seeds has been accepted yet."
    elif table.code_sha256 == code_digest(weave(project.chapter(chapter).source)):
        after = "The other seeds ran the same code as this page."
    else:
        after = "The other seeds ran an earlier version of the chapter's code."
    return "\n\n".join([made, claims_table(record.claims, table), after])


def claims_table(claims: Sequence[Claim], table: SeedTable | None) -> str:
    """One row a claim: its margin on this page's seed, and how it fared over others."""
    head = ["Claim", "Margin", *(["Other seeds", "Margins there"] if table else [])]
    lines = ["| " + " | ".join(head) + " |", "|---|---:|" + ("---:|---|" if table else "")]
    over = {row.text: row for row in table.claims} if table else {}
    for claim in claims:
        mark = "✓" if claim.holds else "✗"
        kind = " *(negative control)*" if claim.control else ""
        text = claim.text.replace("|", "\\|")
        row = [f"{mark} {text}{kind}", number(claim.margin, claim.unit)]
        if table:
            row += seed_cells(over.get(claim.text), count=len(table.seeds), unit=claim.unit)
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def seed_cells(row: ClaimOverSeeds | None, *, count: int, unit: str) -> list[str]:
    """How often a claim held over other seeds, and from where to where its margins went."""
    if row is None:
        return ["not tried", ""]
    known = [margin for margin in row.margins if margin is not None]
    span = f"{number(min(known), '')} to {number(max(known), unit)}" if known else ""
    return [f"{row.held}{NBSP}of{NBSP}{count}", span]


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
