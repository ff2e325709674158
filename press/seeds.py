"""Other seeds: how often each claim holds when the dice fall differently, and by what margin.

Every chapter is run again on seeds that are not the book's, side by side on the cores there are.
A run that is still fresh is kept, so that a killed sweep goes on where it stopped. A run that
fails counts as one on which no claim held.
"""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from medlib.experiment.record import Record, read_record, write_atomically
from press.build import run_jobs
from press.errors import UserError
from press.execute import RECORD, Job, plan
from press.finding import Finding
from press.freshness import freshness_of
from press.project import Chapter, Project
from press.results import seeds_path, to_json

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
    """One chapter over other seeds; committed as ``results/<part>/<name>.seeds.json``."""

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


def other_seeds(book_seed: int, count: int) -> list[int]:
    """The first `count` seeds from 1 on that are not the book's.

    >>> other_seeds(2, 4)
    [1, 3, 4, 5]
    """
    return [seed for seed in range(1, count + 2) if seed != book_seed][:count]


def seed_jobs(project: Project, chapter: Chapter, *, count: int) -> list[Job]:
    """The jobs of running `chapter` on other seeds, each into a folder of its own.

    Raises:
        UserError: the source is broken, or declares no seed.
    """
    book_seed = plan(project, chapter).parameters.get("seed")
    if book_seed is None:
        raise UserError(f"{chapter} declares no parameter seed; it cannot be run on other seeds")
    folder = project.build / "seeds" / chapter.part / chapter.name
    jobs = []
    for seed in other_seeds(book_seed, count):
        job = plan(project, chapter, given={"seed": seed}, label=f"{chapter.id} seed {seed}")
        jobs.append(dataclasses.replace(job, destination=folder / f"seed-{seed}"))
    return jobs


def sweep(
    project: Project,
    chapters: Sequence[Chapter],
    *,
    count: int,
    workers: int | None = None,
    echo: Callable[[str], None] = print,
) -> list[SeedTable]:
    """Run every chapter on `count` other seeds, keeping the runs that are fresh already.

    Returns:
        One table a chapter, in the order of `chapters`.
    """
    plans = {chapter.id: seed_jobs(project, chapter, count=count) for chapter in chapters}
    every = [job for jobs in plans.values() for job in jobs]
    todo = [job for job in every if not freshness_of(project, job).fresh]
    if len(todo) < len(every):
        echo(f"{len(every) - len(todo)} of {len(every)} runs are fresh and kept")
    failed: dict[str, dict[int, str]] = {}
    for outcome in run_jobs(project, todo, workers=workers, echo=echo) if todo else []:
        if outcome.failure:
            reasons = failed.setdefault(outcome.job.chapter.id, {})
            line = outcome.failure.line.removeprefix(f"{outcome.job.name}: ")
            reasons[outcome.job.parameters["seed"]] = line
    tables = []
    for name, jobs in plans.items():
        lost = failed.get(name, {})
        good = {job.parameters["seed"]: job for job in jobs if job.parameters["seed"] not in lost}
        tables.append(
            tabulate(
                name,
                seeds=[job.parameters["seed"] for job in jobs],
                records={s: read_record(job.destination / RECORD) for s, job in good.items()},
                failed=lost,
                code_sha256=jobs[0].code_sha256,
            )
        )
    return tables


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
    try:
        return SeedTable.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UserError(f"{path}: no such table; `medbook check --seeds 10 --accept`") from None
    except (OSError, ValueError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise UserError(f"{path}: damaged table of seeds: {first}; restore it from git") from None
