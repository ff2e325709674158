"""A run against what was accepted: what has drifted, and what accepting anew would change."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from medlib.experiment.record import DataUse, Figure, Record
from press.errors import UserError
from press.finding import Finding
from press.results.accepted import (
    Accepted,
    AcceptedData,
    AcceptedFigure,
    read_accepted,
    results_path,
)
from press.results.seeds import read_seeds_table
from press.results.spreads import spreads
from press.results.thumbnail import (
    THUMBNAIL_TOLERANCE,
    decode_thumbnail,
    read_pixels,
    thumbnail,
    thumbnail_distance,
)
from press.run.comparison import (
    EXACT,
    Difference,
    compare,
    compare_mappings,
    other_arithmetic,
    tolerant,
)
from press.source.project import Project


def inspect_against_accepted(
    project: Project, record: Record, folder: Path, *, strict: bool = False
) -> list[Finding]:
    """What a run of the book has that differs from the chapter's file under `results/`.

    Where the arithmetic is another, data that the run itself simulated round otherwise: their
    digests are a note then, and the results decide. A result beyond its tolerance is a note as long
    as two seeds of the chapter's table lie as far apart: what hangs on a training is drawn anew
    there (docs/decisions/0024). Whatever was read from a file, a recorded table too, must be the
    same anywhere.
    """
    path = results_path(project.results, record.chapter)
    try:
        accepted = read_accepted(path)
    except UserError as error:
        return [Finding(record.chapter, "result", str(error))]
    told = other_arithmetic(accepted.made_with.arithmetic, record.arithmetic)
    judge = partial(other_pixels, folder=folder, strict=strict, elsewhere=bool(told))
    drawn_elsewhere = bool(told) and not strict
    try:
        table = read_seeds_table(project, record.chapter)
    except UserError:  # it is damaged, which `press.check.recorded` says
        table = None

    def redrawn(_: AcceptedData, now: DataUse) -> bool:
        return drawn_elsewhere and now.kind == "simulated" and now.path is None

    policy = tolerant(
        judge,
        redrawn=redrawn,
        spreads=spreads(table) if table is not None else None,
        another_draw=drawn_elsewhere,
    )
    found = [
        Finding(record.chapter, d.kind, d.message, d.severity)
        for d in compare(accepted, record, policy)
    ]
    if told and any(finding.what in ("result", "figure") for finding in found):
        message = f"the accepted run was made with another arithmetic: {told}"
        found.append(Finding(record.chapter, "environment", message, "note"))
    return found


def other_pixels(
    was: AcceptedFigure, now: Figure, *, folder: Path, strict: bool, elsewhere: bool = False
) -> Difference:
    """How like the accepted one a figure is whose pixels differ.

    Where the arithmetic is another (`elsewhere`), a trained network's maps and curves are others,
    and nobody has said by how much they may differ: another picture is then a note, while the
    numbers keep their stated tolerances.
    """
    try:
        distance = max(
            thumbnail_distance(decode_thumbnail(text), thumbnail(read_pixels(folder / file)))
            for text, file in zip(was.thumbnails, now.files, strict=True)
        )
    except (UserError, ValueError) as error:
        return Difference("figure", f"{now.name}: cannot be compared: {error}")
    pairs = zip(was.pixels_sha256, now.pixels_sha256, strict=True)
    frames = sum(before != after for before, after in pairs)
    of = f" ({frames} of {len(now.files)} frames)" if len(now.files) > 1 else ""
    measured = (
        f"thumbnail off by {distance:g} of 255 grey levels; tolerance {THUMBNAIL_TOLERANCE:g}"
    )
    if distance > THUMBNAIL_TOLERANCE:
        message = f"{now.name}: another picture{of}: {measured}"
        return Difference("figure", message, "note" if elsewhere and not strict else "error")
    message = f"{now.name}: other pixels{of}, same picture: {measured}"
    return Difference("figure", message, "error" if strict else "note")


def changes(was: Accepted | None, now: Accepted) -> list[str]:
    """What accepting `now` in place of `was` would change, one line each; empty when nothing.

    Exact, not within tolerance: what is written is what is shown. Times and memory are no change.
    """
    if was is None:
        return [
            f"new: {len(now.results)} results, {len(now.claims)} claims, {len(now.figures)} figures"
        ]
    heads = [{"title": accepted.title, "seed": accepted.seed} for accepted in (was, now)]
    lines = [found.message for found in compare_mappings("", *heads, EXACT)]
    lines += [str(found) for found in compare(was, now, EXACT)]
    for what in ("results", "claims", "figures", "data"):
        key = "text" if what == "claims" else "name"
        before, after = ([getattr(i, key) for i in getattr(a, what)] for a in (was, now))
        if before != after and sorted(before) == sorted(after):
            lines.append(f"{what}: another order")
    tools = [{"python": a.made_with.python} | a.made_with.packages for a in (was, now)]
    moved = [found.message for found in compare_mappings("", *tools, EXACT, written=str)]
    if told := other_arithmetic(was.made_with.arithmetic, now.made_with.arithmetic):
        moved.append(told)
    return [*lines, *([f"made with: {', '.join(moved)}"] if moved else [])]
