"""A recorded sweep against its live point: the same numbers, run again by this build."""

from __future__ import annotations

from collections.abc import Iterator

from medlib.experiment.record import Record, Result
from press.finding import Finding
from press.results.live import LivePoint, live_points
from press.run.comparison import BITS, Policy, compare_named, same_value
from press.source.project import Chapter, Project


def inspect_live(project: Project, chapter: Chapter | None = None) -> list[Finding]:
    """What the second runs of recorded points say: errors where they differ, else notes."""
    return [f for live in live_points(project, chapter) for f in _compared(project, live)]


def _compared(project: Project, live: LivePoint) -> Iterator[Finding]:
    name = live.chapter.id
    state, record = live.state(project), live.record
    if record is None or not state.fresh:
        message = f"the point {live.told} of the recorded sweep was not run again: `medbook build`"
        yield Finding(name, "live", f"{message} ({state})")
        return
    exact = same_arithmetic(live, record)
    wrong = list(_differences(live.recorded, record, exact=exact))
    for message in wrong:
        yield Finding(name, "live", f"at {live.told} {message}")
    if not wrong:
        how = "to the bit" if exact else "within tolerance, on other arithmetic"
        message = f"its point {live.told}, run again, agrees {how} ({len(live.recorded)} results)"
        yield Finding(name, "live", message, "note")


def agreement(project: Project, live: LivePoint) -> str:
    """How the second run of a point agrees with the recorded one, in words for a page."""
    record = live.record
    if record is None or not live.state(project).fresh:
        return "not run again yet"
    exact = same_arithmetic(live, record)
    if any(_differences(live.recorded, record, exact=exact)):
        return "run again, it differs"
    return f"run again, it agrees {'to the bit' if exact else 'within tolerance'}"


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


def _differences(recorded: list[Result], record: Record, *, exact: bool) -> Iterator[str]:
    """What differs; a tolerance is the one that the chapter states now, for a table keeps none."""
    now = {result.name: result for result in record.results}
    stated = {name: {"atol": each.atol, "rtol": each.rtol} for name, each in now.items()}
    was = [each.model_copy(update=stated.get(each.name, {})) for each in recorded]
    policy = BITS if exact else Policy(same_value, within_tolerance=True)
    yield from (found.message for found in compare_named("result", was, record.results, policy))
