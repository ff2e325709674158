"""A run against what was accepted: what has drifted, and what accepting anew would change."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from medlib.experiment.record import Figure, Record, Result
from press.errors import UserError
from press.finding import Finding
from press.results.accepted import (
    Accepted,
    AcceptedFigure,
    AcceptedResult,
    read_accepted,
    results_path,
)
from press.results.thumbnail import (
    THUMBNAIL_TOLERANCE,
    decode_thumbnail,
    read_pixels,
    thumbnail,
    thumbnail_distance,
)
from press.source.project import Project


def inspect_against_accepted(
    project: Project, record: Record, folder: Path, *, strict: bool = False
) -> list[Finding]:
    """What a run of the book has that differs from the chapter's file under `results/`."""
    path = results_path(project.results, record.chapter)
    try:
        accepted = read_accepted(path)
    except UserError as error:
        return [Finding(record.chapter, "result", str(error))]
    pairs = [("result", message) for message in _result_faults(accepted, record)]
    pairs += [("claim", message) for message in _claim_faults(accepted, record)]
    pairs += [("data", message) for message in _data_faults(accepted, record)]
    pairs += [("parameter", message) for message in _parameter_faults(accepted, record)]
    found = [Finding(record.chapter, what, message) for what, message in pairs]
    return found + list(_figure_faults(accepted, record, folder, strict=strict))


def _parameter_faults(accepted: Accepted, record: Record) -> Iterator[str]:
    was, now = accepted.parameters, record.parameters
    for name in {**was, **now}:
        if name not in now:
            yield f"{name} is gone; accepted with {was[name]!r}"
        elif name not in was:
            yield f"{name} is new; the accepted run did not have it"
        elif was[name] != now[name]:
            yield f"accepted with {name} = {was[name]!r}, run with {now[name]!r}"


def _result_faults(accepted: Accepted, record: Record) -> Iterator[str]:
    now = {result.name: result for result in record.results}
    for was in accepted.results:
        if was.name not in now:
            yield f"{was.name} was {was.value:.10g} {was.unit}".rstrip() + ", is no longer measured"
            continue
        yield from result_drift(was, now[was.name])
    known = {result.name for result in accepted.results}
    for name in now:
        if name not in known:
            yield (
                f"{name} is new and not accepted; look at it, then `medbook accept "
                f"{record.chapter}`"
            )


def _claim_faults(accepted: Accepted, record: Record) -> Iterator[str]:
    was = {claim.text: claim.control for claim in accepted.claims}
    now = {claim.text: claim.control for claim in record.claims}
    yield from (f"no longer stated: {text!r}" for text in was if text not in now)
    yield from (f"new and not accepted: {text!r}" for text in now if text not in was)
    for text in was.keys() & now.keys():
        if was[text] != now[text]:
            yield f"{text!r}: control was {was[text]}, is {now[text]}"


def _data_faults(accepted: Accepted, record: Record) -> Iterator[str]:
    was = {use.name: use for use in accepted.data}
    now = {use.name: use for use in record.data}
    yield from (f"{name} is no longer read" for name in was if name not in now)
    yield from (f"{name} is new and not accepted" for name in now if name not in was)
    for name in was.keys() & now.keys():
        if was[name].kind != now[name].kind:
            yield f"{name} was {was[name].kind}, is {now[name].kind}"
        if was[name].sha256 != now[name].sha256:
            yield f"{name} was sha256 {was[name].sha256[:12]}..., is {now[name].sha256[:12]}..."


def _figure_faults(
    accepted: Accepted, record: Record, folder: Path, *, strict: bool
) -> Iterator[Finding]:
    was = {figure.name: figure for figure in accepted.figures}
    now = {figure.name: figure for figure in record.figures}
    for name in was:
        if name not in now:
            yield Finding(record.chapter, "figure", f"{name}: no longer drawn")
    for name, figure in now.items():
        if name not in was:
            yield Finding(record.chapter, "figure", f"{name}: new and not accepted")
        elif len(was[name].pixels_sha256) != len(figure.pixels_sha256):
            message = (
                f"{name}: had {len(was[name].pixels_sha256)} frames, has "
                f"{len(figure.pixels_sha256)}"
            )
            yield Finding(record.chapter, "figure", message)
        elif was[name].data != figure.data:
            message = f"{name}: its data were {was[name].data}, are {figure.data}"
            yield Finding(record.chapter, "figure", message)
        elif was[name].pixels_sha256 != figure.pixels_sha256:
            yield _other_pixels(was[name], figure, record, folder, strict=strict)


def _other_pixels(
    was: AcceptedFigure, now: Figure, record: Record, folder: Path, *, strict: bool
) -> Finding:
    try:
        distance = max(
            thumbnail_distance(decode_thumbnail(text), thumbnail(read_pixels(folder / file)))
            for text, file in zip(was.thumbnails, now.files, strict=True)
        )
    except (UserError, ValueError) as error:
        return Finding(record.chapter, "figure", f"{now.name}: cannot be compared: {error}")
    pairs = zip(was.pixels_sha256, now.pixels_sha256, strict=True)
    frames = sum(before != after for before, after in pairs)
    of = f" ({frames} of {len(now.files)} frames)" if len(now.files) > 1 else ""
    measured = (
        f"thumbnail off by {distance:g} of 255 grey levels; tolerance {THUMBNAIL_TOLERANCE:g}"
    )
    if distance > THUMBNAIL_TOLERANCE:
        return Finding(record.chapter, "figure", f"{now.name}: another picture{of}: {measured}")
    severity = "error" if strict else "note"
    return Finding(
        record.chapter,
        "figure",
        f"{now.name}: other pixels{of}, same picture: {measured}",
        severity,
    )


def result_drift(was: AcceptedResult, now: Result) -> list[str]:
    """How a result differs from the accepted one beyond its tolerance: which number, was, is,
    tolerance.

    The ends of the interval may move as far as the value. `|now - was| <= atol + rtol * |was|`.
    """
    found = []
    unit = f" {was.unit}" if was.unit else ""
    for label, before, after in (
        ("", was.value, now.value),
        (" (lower end of the interval)", was.low, now.low),
        (" (upper end of the interval)", was.high, now.high),
    ):
        if before is None or after is None:
            if before is not after:
                found.append(f"{was.name}{label} was {before}, is {after}")
            continue
        tolerance = was.atol + was.rtol * abs(was.value if label else before)
        if before == after or (math.isnan(before) and math.isnan(after)):
            continue
        if not abs(after - before) <= tolerance:
            found.append(
                f"{was.name}{label} was {before:.10g}{unit}, is {after:.10g}{unit}; "
                f"tolerance {tolerance:.3g}{unit}"
            )
    for field in ("unit", "n", "level", "atol", "rtol"):
        before, after = getattr(was, field), getattr(now, field)
        if before != after:
            found.append(f"{was.name}: its {field} was {before!r}, is {after!r}")
    return found


def changes(was: Accepted | None, now: Accepted) -> list[str]:
    """What accepting `now` in place of `was` would change, one line each; empty when nothing.

    Exact, not within tolerance: what is written is what is shown. Times and memory are no change.
    """
    if was is None:
        return [
            f"new: {len(now.results)} results, {len(now.claims)} claims, {len(now.figures)} figures"
        ]
    lines: list[str] = []
    for field in ("title", "seed", "parameters"):
        if getattr(was, field) != getattr(now, field):
            lines.append(f"{field}: {getattr(was, field)!r} -> {getattr(now, field)!r}")
    for what, key in (
        ("results", "name"),
        ("claims", "text"),
        ("figures", "name"),
        ("data", "name"),
    ):
        before = {getattr(item, key): item for item in getattr(was, what)}
        after = {getattr(item, key): item for item in getattr(now, what)}
        kind = what.removesuffix("s")
        lines += [f"{kind} {name!r}: no longer there" for name in before if name not in after]
        for name, item in after.items():
            if name not in before:
                lines.append(f"{kind} {name!r}: new")
                continue
            lines += [f"{kind} {name!r}: {line}" for line in _field_changes(before[name], item)]
        if list(before) != list(after) and set(before) == set(after):
            lines.append(f"{what}: another order")
    if (was.made_with.python, was.made_with.packages) != (
        now.made_with.python,
        now.made_with.packages,
    ):
        before, after = was.made_with.packages, now.made_with.packages
        moved = [
            f"{n} {before.get(n, '-')} -> {after.get(n, '-')}"
            for n in sorted({*before, *after})
            if before.get(n) != after.get(n)
        ]
        if was.made_with.python != now.made_with.python:
            moved.insert(0, f"python {was.made_with.python} -> {now.made_with.python}")
        lines.append("made with: " + ", ".join(moved))
    return lines


def _field_changes(before: BaseModel, after: BaseModel) -> list[str]:
    lines = []
    for field in type(before).model_fields:
        old, new = getattr(before, field), getattr(after, field)
        same_nan = (
            isinstance(old, float)
            and isinstance(new, float)
            and math.isnan(old)
            and math.isnan(new)
        )
        if old == new or same_nan or field == "thumbnails":
            continue
        if field in ("pixels_sha256", "sha256"):
            lines.append(
                "other pixels" if field == "pixels_sha256" else f"{old[:12]}... -> {new[:12]}..."
            )
        else:
            lines.append(f"{field} {old!r} -> {new!r}")
    return lines
