"""The verdict on each assertion of the sources, computed from what the chapters' runs recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from medlib.experiment.record import Record, Result
from press.errors import UserError
from press.finding import Finding
from press.source.project import Chapter, Project
from press.source.verdict_sheet import SOURCES, VERDICTS, Assertion, Evidence, assertions, owed_by


class Verdict(StrEnum):
    """What the measurements say of an assertion."""

    HELD = "held"
    IN_PART = "held in part"
    CONTRADICTED = "contradicted"
    OPEN = "open"
    UNTESTED = "not tested"


class Speaks(StrEnum):
    """Which way a piece of evidence turned out to speak."""

    FOR = "for"
    AGAINST = "against"
    NEITHER = "neither"


@dataclass(frozen=True)
class Weighed:
    """A piece of evidence, which way it speaks, and the number that says so, where it is one."""

    chapter: str
    evidence: Evidence
    speaks: Speaks
    measured: Result | None = None


@dataclass(frozen=True)
class Judged:
    """An assertion with its verdict.

    Attributes:
        reasons: why it, or a chapter's part of it, is not tested.
        to_come: the chapters that owe their part and are not written yet.
    """

    number: str
    assertion: Assertion
    verdict: Verdict
    weighed: tuple[Weighed, ...] = ()
    reasons: tuple[str, ...] = ()
    to_come: tuple[str, ...] = ()


def weigh(chapter: str, evidence: Evidence, record: Record) -> Weighed:
    """Which way a piece of evidence speaks.

    Raises:
        UserError: the record has no such claim or result.
    """
    result = None
    if evidence.claim is not None:
        claims = {claim.text: claim.holds for claim in record.claims}
        if evidence.claim not in claims:
            raise UserError(f"there is no claim {evidence.claim!r}")
        true: bool | None = claims[evidence.claim]
    else:
        results = {each.name: each for each in record.results}
        if evidence.result not in results:
            raise UserError(f"there is no result {evidence.result!r}")
        result = results[evidence.result]
        true = _lies(result, above=evidence.above, below=evidence.below)
    if true is None:
        return Weighed(chapter, evidence, Speaks.NEITHER, result)
    way = Speaks.FOR if true == (evidence.speaks == "for") else Speaks.AGAINST
    return Weighed(chapter, evidence, way, result)


def _lies(result: Result, *, above: float | None, below: float | None) -> bool | None:
    """Whether a result lies there with its whole interval; None where that is not known."""
    low, high = result.interval or (result.value, result.value)
    if above is not None:
        inside, outside = low > above, high <= above
    else:
        inside, outside = high < below, low >= below
    return inside if inside or outside else None


def verdict_of(ways: Iterable[Speaks], *, whole: bool = True) -> Verdict:
    """The verdict where evidence speaks in these ways.

    Args:
        ways: one for each piece of evidence.
        whole: whether all of the assertion was tested; a part of it cannot make the rest hold.

    >>> verdict_of([Speaks.FOR, Speaks.NEITHER]), verdict_of([Speaks.NEITHER, Speaks.AGAINST])
    (<Verdict.IN_PART: 'held in part'>, <Verdict.CONTRADICTED: 'contradicted'>)
    """
    kinds = set(ways)
    if not kinds:
        return Verdict.UNTESTED
    if kinds == {Speaks.FOR} and whole:
        return Verdict.HELD
    if Speaks.FOR in kinds:
        return Verdict.IN_PART
    return Verdict.CONTRADICTED if Speaks.AGAINST in kinds else Verdict.OPEN


def judged(project: Project, records: Mapping[str, Record]) -> list[Judged]:
    """Every assertion with its verdict, in the order of the sources.

    Args:
        project: the checkout.
        records: chapter id -> the record of the run that its page shows.

    Raises:
        UserError: a sheet is wrong, or names what is not recorded.
    """
    owed = {c.id: owed_by(project, c) for c in project.chapters if c.id in records}
    there = {chapter.id for chapter in project.chapters}
    found = []
    for number, assertion in assertions(project).items():
        weighed: list[Weighed] = []
        reasons: list[str] = []
        for chapter in assertion.judged_by:
            brought = owed.get(chapter, {}).get(number)
            if brought is None:
                continue
            if brought.untested is not None:
                reasons.append(brought.untested)
            weighed += [weigh(chapter, each, records[chapter]) for each in brought.evidence]
        to_come = tuple(name for name in assertion.judged_by if name not in there)
        whole = not reasons and not to_come
        verdict = verdict_of((each.speaks for each in weighed), whole=whole)
        told = tuple(dict.fromkeys(reasons))
        found.append(Judged(number, assertion, verdict, tuple(weighed), told, to_come))
    return found


def inspect_verdicts(project: Project, chapter: Chapter, record: Record) -> Iterator[Finding]:
    """What is wrong with a chapter's sheet: what it owes and does not bring, and the other way."""
    try:
        every, brought = assertions(project), owed_by(project, chapter)
    except UserError as error:
        yield Finding(chapter.id, "verdict", str(error))
        return
    mine = {number for number, each in every.items() if chapter.id in each.judged_by}
    for number in sorted(mine - brought.keys()):
        says = every[number].says
        yield Finding(
            chapter.id,
            "verdict",
            f"{VERDICTS} brings nothing on {number} ({says}): evidence, or `untested` and why",
        )
    for number in sorted(brought.keys() - mine):
        message = f"{VERDICTS} judges {number}, which {SOURCES.as_posix()} does not ask of it"
        yield Finding(chapter.id, "verdict", message)
    for number in sorted(brought.keys() & mine):
        for evidence in brought[number].evidence:
            try:
                weigh(chapter.id, evidence, record)
            except UserError as error:
                yield Finding(chapter.id, "verdict", f"{VERDICTS}: {number}: {error}")
