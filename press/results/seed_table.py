"""The table of other seeds: how often each claim of a chapter held, and by what margin.

`press.results.seeds` fills it by running chapters; this file makes, judges, prints, keeps and reads
it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from medlib.experiment.record import Record, write_atomically
from press.finding import Finding
from press.results.accepted import read_table, seeds_path, to_json
from press.source.project import Project

HOLD_SHARE = 0.9


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClaimOverSeeds(_Part):
    """How one claim fared: margins in the order of the seeds, None where a run made none."""

    text: str
    unit: str = ""
    control: bool = False
    held: int
    min_margin: float | None = None
    median_margin: float | None = None
    margins: list[float | None]


class SeedTable(_Part):
    """One chapter over other seeds; committed as ``results/<part>/<name>/seeds.json``."""

    schema_version: Literal[1] = 1
    chapter: str
    code_sha256: str = ""
    seeds: list[int]
    failed: dict[int, str] = {}
    claims: list[ClaimOverSeeds] = []

    @property
    def needed(self) -> int:
        """On how many of the seeds a claim must hold: nine tenths, rounded up."""
        return needed(len(self.seeds))


def needed(count: int) -> int:
    """On how many of `count` other seeds a claim must hold.

    >>> [needed(count) for count in (1, 5, 9, 10, 11, 20)]
    [1, 5, 9, 9, 10, 18]
    """
    return math.ceil(round(HOLD_SHARE * count, 9))


def tabulate(
    chapter: str,
    *,
    seeds: Sequence[int],
    records: Mapping[int, Record],
    failed: Mapping[int, str] | None = None,
    code_sha256: str = "",
) -> SeedTable:
    """The table of a chapter's claims over seeds.

    Args:
        chapter: id, `part/name`.
        seeds: all seeds that were tried.
        records: the records of those whose run ended well.
        failed: why the others did not.
        code_sha256: of the code cells that were run.
    """
    stated = {claim.text: claim for record in records.values() for claim in record.claims}
    rows = []
    for text, claim in stated.items():
        found = [
            next((c for c in records[seed].claims if c.text == text), None)
            if seed in records
            else None
            for seed in seeds
        ]
        margins = [None if c is None else c.margin for c in found]
        known = [margin for margin in margins if margin is not None]
        rows.append(
            ClaimOverSeeds(
                text=text,
                unit=claim.unit,
                control=claim.control,
                held=sum(c is not None and c.holds for c in found),
                min_margin=min(known, default=None),
                median_margin=statistics.median(known) if known else None,
                margins=margins,
            )
        )
    return SeedTable(
        chapter=chapter,
        code_sha256=code_sha256,
        seeds=list(seeds),
        failed=dict(failed or {}),
        claims=rows,
    )


def findings(table: SeedTable) -> list[Finding]:
    """What is wrong over the seeds: claims that hold too rarely, runs that failed."""
    count = len(table.seeds)
    found = []
    for claim in table.claims:
        if claim.held < table.needed:
            margin = "" if claim.min_margin is None else f"; smallest margin {claim.min_margin:.4g}"
            message = (
                f"{claim.text!r} held on {claim.held} of {count} other seeds, at least"
                f" {table.needed} are needed{margin} {claim.unit}".rstrip()
            )
            found.append(Finding(table.chapter, "seeds", message))
    for seed, reason in table.failed.items():
        severity = "note" if count - len(table.failed) >= table.needed else "error"
        found.append(Finding(table.chapter, "seeds", f"seed {seed}: {reason}", severity))
    if not table.claims and not table.failed:
        found.append(Finding(table.chapter, "seeds", "states no claim"))
    return found


def as_markdown(tables: Sequence[SeedTable]) -> str:
    """The tables as one Markdown table, one row a claim."""
    lines = [
        "| chapter | claim | held | smallest margin | median margin | unit |",
        "|---|---|---:|---:|---:|---|",
    ]
    for table in tables:
        for claim in table.claims:
            text = claim.text.replace("|", "\\|") + (" *(control)*" if claim.control else "")
            lines.append(
                f"| {table.chapter} | {text} | {claim.held} of {len(table.seeds)}"
                f" | {_number(claim.min_margin)} | {_number(claim.median_margin)}"
                f" | {claim.unit} |"
            )
        for seed, reason in table.failed.items():
            lines.append(f"| {table.chapter} | seed {seed} failed: {reason} | | | | |")
    return "\n".join(lines) + "\n"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def write_seed_table(project: Project, table: SeedTable) -> Path:
    """Keep `table` under ``results/`` as the accepted one, and say where."""
    path = seeds_path(project.results, table.chapter)
    write_atomically(path, to_json(table.model_dump(mode="json")))
    return path


def read_seed_table(path: Path) -> SeedTable:
    """Read an accepted table of seeds.

    Raises:
        UserError: it is missing or damaged.
    """
    return read_table(path, SeedTable, of="seeds", made_by="medbook check --seeds 10 --accept")
