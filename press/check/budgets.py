"""What a run may cost: CPU seconds and memory, by its profile.

Budgets are CPU seconds, not wall seconds, so that a busy machine does not turn a chapter red. On
a machine whose cores are slower than those the book was written on, MEDBOOK_BUDGET_FACTOR (for
example 2) stretches them; it never shrinks them. `medbook check` and `medbook build` then say so.

Of the book's own run the kernel's seconds count. Of a quick run those of all its processes do, as
tests wait for all of them: the worker, the kernel, and whatever that starts. A quick run is meant
to be forked (`press.run.nursery`); one that began with nothing is allowed what it imports on top.
A chapter whose quick run cannot be as cheap says so, with its reason, in its ``profiles.yml``.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from typing import Any

from medlib.experiment.record import Record
from press.errors import UserError
from press.finding import Finding
from press.source.project import BOOK_PROFILE, SMOKE_PROFILE, Project

CPU_BUDGET_S = {BOOK_PROFILE: 75.0, SMOKE_PROFILE: 6.0}
START_S = 5.0  # what worker and kernel import, each for itself, where neither was forked
MEMORY_BUDGET_MIB = 2048.0
BUDGET_FACTOR = "MEDBOOK_BUDGET_FACTOR"


def inspect_budgets(
    record: Record, note: Mapping[str, Any], *, project: Project | None = None
) -> Iterator[Finding]:
    """What a run took beyond what its profile allows.

    Args:
        record: what the run recorded.
        note: what the press wrote beside it.
        project: whose chapters may have stated budgets of their own.
    """
    if record.profile not in CPU_BUDGET_S:
        return
    factor = budget_factor()
    took, seconds = cpu_seconds(record, note), allowed_s(record, note, project)
    if took > seconds:
        allowed = f"took {took:.1f} s of CPU; profile {record.profile!r} allows"
        if took > seconds * factor:
            yield Finding(record.chapter, "budget", f"{allowed} {seconds * factor:g} s")
        else:
            message = f"{allowed} {seconds:g} s; it passes only with the budget stretched"
            yield Finding(record.chapter, "budget", message, "note")
    if record.peak_memory_mib > MEMORY_BUDGET_MIB:
        yield Finding(
            record.chapter,
            "budget",
            (
                f"peaked at {record.peak_memory_mib:.0f} MiB of memory; "
                f"{MEMORY_BUDGET_MIB:.0f} MiB are allowed"
            ),
        )


def cpu_seconds(record: Record, note: Mapping[str, Any]) -> float:
    """The seconds that count: the kernel's; of a quick run those of all its processes."""
    if record.profile != SMOKE_PROFILE:
        return record.cpu_s
    return max(record.cpu_s, float(note.get("cpu_s") or 0.0))


def allowed_s(record: Record, note: Mapping[str, Any], project: Project | None) -> float:
    """The seconds that a run may take, before they are stretched."""
    seconds = CPU_BUDGET_S[record.profile]
    if record.profile != SMOKE_PROFILE:
        return seconds
    stated = project.quick_budgets.get(record.chapter) if project else None
    return (stated.seconds if stated else seconds) + (0.0 if note.get("forked") else START_S)


def inspect_stated(project: Project) -> Iterator[Finding]:
    """Budgets of their own that chapters state wrongly, or do not need."""
    limit = CPU_BUDGET_S[SMOKE_PROFILE]
    try:
        stated = project.quick_budgets
    except UserError as error:
        yield Finding("", "profile", str(error))
        return
    for chapter, budget in stated.items():
        if budget.seconds <= limit:
            message = f"states a budget of {budget.seconds:g} s; every chapter is allowed {limit:g}"
            yield Finding(chapter, "budget", message)


def budget_factor() -> float:
    """How much slower this machine is said to be, from MEDBOOK_BUDGET_FACTOR; at least 1.

    Raises:
        UserError: the variable is not a finite number.
    """
    text = os.environ.get(BUDGET_FACTOR, "1")
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not math.isfinite(factor):
        raise UserError(f"{BUDGET_FACTOR} is {text!r}; it must be a number such as 2")
    return max(1.0, factor)


def stretched_budgets() -> list[Finding]:
    """A note that says by how much the budgets of CPU time are stretched, where they are."""
    factor = budget_factor()
    if factor == 1.0:
        return []
    limits = ", ".join(f"{s * factor:g} s instead of {s:g} s" for s in CPU_BUDGET_S.values())
    message = f"{BUDGET_FACTOR}={factor:g} stretches the budgets of CPU time: {limits}"
    return [Finding("", "budget", message, "note")]
