"""Tables of claims as a person reads them in a terminal: numbers first, the claim last."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import click

from medlib.experiment.tables import ClaimColumn, SweepTable
from press.results.falsified import FalsifiedTable, Refutation
from press.results.longer import TIMES, keeps_sign, margins_at
from press.results.seeds import needed, spread_text

NARROWEST = 24


def seed_lines(table: SweepTable, *, width: int | None = None) -> list[str]:
    """One chapter over other seeds; a claim goes on in its own column where `width` is too small.

    Args:
        table: one chapter over other seeds.
        width: of the terminal; None where the lines go to a file.
    """
    count, enough = len(table.points), needed(len(table.points))
    seeds = ", ".join(map(str, table.seeds))
    title = f"seeds {seeds}; a claim must hold on {enough}"
    rows = [(_seed_cells(claim, of=count), claim.held >= enough) for claim in table.claims]
    head = ("held", "min margin", "median", "spread", "unit")
    lost = [f"seed {p.parameters['seed']} failed: {p.error}" for p in table.failed]
    return _block(table.chapter, title, head, rows, _texts(table.claims), lost, width=width)


def _seed_cells(claim: ClaimColumn, *, of: int) -> tuple[str, ...]:
    numbers = (_signed(claim.least), _signed(claim.median), spread_text(claim))
    return f"{claim.held} of {of}", *numbers, claim.unit


def falsifier_lines(table: FalsifiedTable, *, width: int | None = None) -> list[str]:
    """One chapter's claims under their falsifiers."""
    rows = [(_falsifier_cells(claim), claim.refuted) for claim in table.claims]
    head = ("refuted", "margin", "margin there", "falsifier")
    lost = [f"{each.name} failed: {each.error}" for each in table.falsifiers if each.error]
    title = f"profile {table.profile}; each claim must fail under its falsifier"
    return _block(table.chapter, title, head, rows, _texts(table.claims), lost, width=width)


def _falsifier_cells(claim: Refutation) -> tuple[str, ...]:
    there = "" if claim.margin_there is None else _signed(claim.margin_there)
    said = "yes" if claim.refuted else "no"
    return said, _signed(claim.margin), there, claim.falsified_by or "none"


def longer_lines(table: SweepTable, *, width: int | None = None) -> list[str]:
    """One chapter's claims at one, two and four times its training lengths."""
    rows = []
    for claim in table.claims:
        cells = [", ".join(map(_signed, margins_at(table, claim, times))) for times in TIMES]
        good = keeps_sign(table, claim)
        rows.append((("yes" if good else "no", *cells, claim.unit), good))
    head = ("keeps sign", *(f"×{times}" for times in TIMES), "unit")
    seeds = ", ".join(map(str, table.grid["seed"]))
    lost = [f"×{p.parameters['times']} seed {p.parameters['seed']} failed: {p.error}"
            for p in table.failed]  # fmt: skip
    return _block(
        table.chapter, f"seeds {seeds}", head, rows, _texts(table.claims), lost, width=width
    )


def _texts(claims: Sequence[ClaimColumn] | Sequence[Refutation]) -> list[str]:
    return [claim.text + (" (control)" if claim.control else "") for claim in claims]


def _block(
    chapter: str,
    title: str,
    head: tuple[str, ...],
    rows: Sequence[tuple[tuple[str, ...], bool]],
    texts: Sequence[str],
    lost: Sequence[str],
    *,
    width: int | None,
) -> list[str]:
    lines = ["", f"{click.style(chapter, bold=True)}  {title}"]
    cells = [row for row, _ in rows]
    wide = [max(len(row[column]) for row in [head, *cells]) for column in range(len(head))]
    if rows:
        lines.append(click.style(f"  {_aligned(head, wide)}  claim", dim=True))
    for text, (row, good) in zip(texts, rows, strict=True):
        numbers = f"  {_aligned(row, wide)}  "
        room = None if width is None else max(width - len(numbers), NARROWEST)
        first, *more = textwrap.wrap(text, room) if room else [text]
        lines.append(click.style(numbers, fg="green" if good else "red") + first)
        lines += [" " * len(numbers) + line for line in more]
    lines += [click.style(f"  {line}", fg="red") for line in lost]
    return [*lines, ""]


def _aligned(cells: tuple[str, ...], wide: Sequence[int]) -> str:
    *numbers, last = cells
    right = "  ".join(f"{cell:>{room}}" for cell, room in zip(numbers, wide[:-1], strict=True))
    return f"{right}  {last:<{wide[-1]}}"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.3g}"
