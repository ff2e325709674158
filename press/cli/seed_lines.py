"""The table of other seeds as a person reads it in a terminal: numbers first, the claim last."""

from __future__ import annotations

import textwrap

import click

from press.results.seed_table import ClaimOverSeeds, SeedTable

NARROWEST = 24


def as_lines(table: SeedTable, *, width: int | None = None) -> list[str]:
    """The lines to print; a claim goes on in its own column where `width` columns are too few.

    Args:
        table: one chapter over other seeds.
        width: of the terminal; None where the lines go to a file.
    """
    seeds = ", ".join(map(str, table.seeds))
    title = click.style(table.chapter, bold=True)
    lines = ["", f"{title}  seeds {seeds}; a claim must hold on {table.needed}"]
    rows = [_cells(claim, of=len(table.seeds)) for claim in table.claims]
    if rows:
        head = ("held", "min margin", "median", "unit")
        wide = [max(len(row[column]) for row in [head, *rows]) for column in range(4)]
        lines.append(click.style(f"  {_aligned(head, wide)}  claim", dim=True))
    for claim, row in zip(table.claims, rows, strict=True):
        numbers = f"  {_aligned(row, wide)}  "
        room = None if width is None else max(width - len(numbers), NARROWEST)
        text = claim.text + (" (control)" if claim.control else "")
        first, *more = textwrap.wrap(text, room) if room else [text]
        enough = claim.held >= table.needed
        lines.append(click.style(numbers, fg="green" if enough else "red") + first)
        lines += [" " * len(numbers) + line for line in more]
    for seed, reason in table.failed.items():
        lines.append(click.style(f"  seed {seed} failed: {reason}", fg="red"))
    return [*lines, ""]


def _cells(claim: ClaimOverSeeds, *, of: int) -> tuple[str, str, str, str]:
    margins = (claim.min_margin, claim.median_margin)
    low, middle = ("" if margin is None else f"{margin:+.3g}" for margin in margins)
    return f"{claim.held} of {of}", low, middle, claim.unit


def _aligned(cells: tuple[str, str, str, str], wide: list[int]) -> str:
    *numbers, unit = cells
    right = "  ".join(f"{cell:>{room}}" for cell, room in zip(numbers, wide[:3], strict=True))
    return f"{right}  {unit:<{wide[3]}}"
