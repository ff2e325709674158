"""A recorded sweep against its live point: the same numbers, run again by this build."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from medlib.experiment.record import Record
from press.finding import Finding
from press.results import kept
from press.results.live import LivePoint, live_points
from press.results.spreads import spreads
from press.run.comparison import BITS, Difference, Policy, compare_named, same_value
from press.source.project import LIVE_PROFILE, Chapter, Project

LEAST_SEEDS = 5  # of a small run beside a sweep


class Again(Enum):
    """How the second run of a recorded point ended, in words for a page."""

    NOT_YET = "not yet"
    BITS = "the same to the bit"
    TOLERANCE = "the same within tolerance, on other arithmetic"
    DRAW = "another draw, on other arithmetic"
    DIFFERS = "it differs"


@dataclass(frozen=True)
class Repetition:
    """What the second run of a recorded point gave, and each difference where there are some.

    Of another draw `differences` are those beyond the tolerance.
    """

    outcome: Again
    differences: tuple[str, ...] = ()


def inspect_live(project: Project, chapter: Chapter | None = None) -> list[Finding]:
    """What the second runs of recorded points say: errors where they differ, else notes."""
    return [f for live in live_points(project, chapter) for f in _compared(project, live)]


def _compared(project: Project, live: LivePoint) -> Iterator[Finding]:
    name, again = live.chapter.id, repetition(project, live)
    if live.beside and (seeds := _seeds_of(live)) < LEAST_SEEDS:
        message = f"the small run beside the sweep was recorded on {seeds} seeds;"
        why = f"on other arithmetic it is set beside the spread over {LEAST_SEEDS}"
        how = kept.how_to_make(name, LIVE_PROFILE)
        yield Finding(name, "live", f"{message} {why}: remake it with `{how}`")
    if again.outcome is Again.NOT_YET:
        message = f"recorded sweep: {live.called} was not run again: `medbook build`"
        yield Finding(name, "live", f"{message} ({live.state(project)})")
    for message in again.differences:
        severity = "note" if again.outcome is Again.DRAW else "error"
        yield Finding(name, "live", f"at {live.told} {message}", severity)
    if again.outcome in (Again.BITS, Again.TOLERANCE, Again.DRAW):
        message = f"{live.called}, run again, is {again.outcome.value}"
        yield Finding(name, "live", f"{message} ({len(live.recorded)} results)", "note")


def _seeds_of(live: LivePoint) -> int:
    """On how many seeds the small run was recorded that is run again."""
    swept = [point.parameters for point in live.table.points]
    others = {name: value for name, value in live.point.parameters.items() if name != "seed"}
    return len({each["seed"] for each in swept if others.items() <= each.items()})


def repetition(project: Project, live: LivePoint) -> Repetition:
    """How the second run of a point agrees with the recorded one.

    A small run beside a sweep is held to the bit where it was recorded. On other arithmetic its few
    steps hang on rounding, and no page shows a number of it: there it must give the same results by
    name, and what lies beyond another draw is told, and is no error.
    """
    record = live.record
    if record is None or not live.state(project).fresh:
        return Repetition(Again.NOT_YET)
    exact = same_arithmetic(live, record)
    found = list(_differences(live, record, exact=exact))
    wrong = tuple(each.message for each in found if each.severity == "error")
    if wrong and (exact or not live.beside or _other_names(live, record)):
        return Repetition(Again.DIFFERS, wrong)
    if found:
        return Repetition(Again.DRAW, tuple(each.message for each in found))
    return Repetition(Again.BITS if exact else Again.TOLERANCE)


def _other_names(live: LivePoint, record: Record) -> bool:
    return {each.name for each in live.recorded} != {each.name for each in record.results}


def same_arithmetic(live: LivePoint, record: Record) -> bool:
    """Whether the recorded and the present run compute alike to the last bit.

    Where the arithmetic was not recorded, processor, device, Python and packages stand for it; a
    table whose points were made on several says of none which it was.
    """
    made = live.table.made_by
    if (made.python, made.device) != ([record.python], [record.device.used]):
        return False
    if any(made.packages.get(name) != [version] for name, version in record.packages.items()):
        return False
    if made.arithmetic or record.arithmetic is not None:
        return made.arithmetic == [record.arithmetic]
    return made.processor == [record.processor]


def _differences(live: LivePoint, record: Record, *, exact: bool) -> Iterator[Difference]:
    """What differs; a tolerance is the one that the chapter states now, for a table keeps none."""
    now = {result.name: result for result in record.results}
    stated = {name: {"atol": each.atol, "rtol": each.rtol} for name, each in now.items()}
    was = [each.model_copy(update=stated.get(each.name, {})) for each in live.recorded]
    over_seeds = spreads(live.table, beside=live.point)
    elsewhere = Policy(same_value, within_tolerance=True, spreads=over_seeds, another_draw=True)
    yield from compare_named("result", was, record.results, BITS if exact else elsewhere)
