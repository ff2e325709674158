"""Other seeds: how often each claim holds when the dice fall differently, and by what margin.

They are a sweep over `seed`, made and kept like any other (`press.results.sweep`); this file says
which seeds are tried, and judges the table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from medlib.experiment.tables import ClaimColumn, SweepTable
from press.errors import UserError
from press.finding import Finding
from press.results import kept
from press.results.sweep import Sweep, plan_points
from press.run.execute import settled_parameters
from press.source.project import Chapter, Project

HOLD_SHARE = 0.9


def other_seeds(book_seed: int, count: int) -> list[int]:
    """The first `count` seeds from 1 on that are not the book's.

    >>> other_seeds(2, 4)
    [1, 3, 4, 5]
    """
    return [seed for seed in range(1, count + 2) if seed != book_seed][:count]


def plan_seeds(project: Project, chapter: Chapter, *, count: int) -> Sweep:
    """The sweep of a chapter over other seeds than the book's.

    Raises:
        UserError: the source is broken, or declares no seed.
    """
    book_seed = settled_parameters(project, chapter).get("seed")
    if book_seed is None:
        raise UserError(f"{chapter} declares no parameter seed; it cannot be run on other seeds")
    seeds = other_seeds(book_seed, count)
    every = [{"seed": seed} for seed in seeds]
    return plan_points(project, chapter, every, grid={"seed": seeds}, kind="seeds")


def read_seeds_table(project: Project, chapter: str) -> SweepTable | None:
    """The accepted table of other seeds; None where there is none.

    Raises:
        UserError: it is damaged.
    """
    return kept.read(project, chapter, "seeds", SweepTable)


def needed(count: int) -> int:
    """On how many of `count` other seeds a claim must hold.

    >>> [needed(count) for count in (1, 5, 9, 10, 11, 20)]
    [1, 5, 9, 9, 10, 18]
    """
    return math.ceil(round(HOLD_SHARE * count, 9))


def findings(table: SweepTable) -> list[Finding]:
    """What is wrong over the seeds: claims that hold too rarely, runs that failed."""
    count, enough = len(table.points), needed(len(table.points))
    found = []
    for claim in table.claims:
        if claim.held < enough:
            margin = "" if claim.least is None else f"; smallest margin {claim.least:.4g}"
            message = (
                f"{claim.text!r} held on {claim.held} of {count} other seeds, at least"
                f" {enough} are needed{margin} {claim.unit}".rstrip()
            )
            found.append(Finding(table.chapter, "seeds", message))
        if claim.one_draw:
            message = (
                f"{claim.text!r} has one and the same margin on {len(claim.known)} seeds: n = 1"
            )
            found.append(Finding(table.chapter, "seeds", message, "note"))
    for point in table.failed:
        severity = "note" if count - len(table.failed) >= enough else "error"
        message = f"seed {point.parameters['seed']}: {point.error}"
        found.append(Finding(table.chapter, "seeds", message, severity))
    if not table.claims and not table.failed:
        found.append(Finding(table.chapter, "seeds", "states no claim"))
    return found


def as_markdown(tables: Sequence[SweepTable]) -> str:
    """The tables as one Markdown table, one row a claim."""
    lines = [
        "| chapter | claim | held | smallest margin | median margin | spread | unit |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for table in tables:
        for claim in table.claims:
            text = claim.text.replace("|", "\\|") + (" *(control)*" if claim.control else "")
            lines.append(
                f"| {table.chapter} | {text} | {claim.held} of {len(table.points)}"
                f" | {_number(claim.least)} | {_number(claim.median)} | {spread_text(claim)}"
                f" | {claim.unit} |"
            )
        for point in table.failed:
            seed = point.parameters["seed"]
            lines.append(f"| {table.chapter} | seed {seed} failed: {point.error} | | | | | |")
    return "\n".join(lines) + "\n"


def spread_text(claim: ClaimColumn) -> str:
    """The standard deviation of the margins; "n = 1" where all are one and the same."""
    return "n = 1" if claim.one_draw else _number(claim.spread)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
