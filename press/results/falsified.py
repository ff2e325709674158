"""What makes each claim fail: falsifiers are run, and their outcome is kept.

A claim names its falsifier: a parameter set of its chapter, laid over the parameters of the run, or
a companion that makes the same claim with a defect planted. Under it the claim must not hold; one
that holds under anything says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from medlib.experiment.parameters import nearest
from medlib.experiment.record import Claim, Part, Record, read_record
from medlib.experiment.tables import MadeBy
from medlib.experiment.trials import made_by
from press.errors import UserError
from press.finding import Finding
from press.results import kept
from press.results.sweep import Point, failures, plan_points, run_points
from press.run.execute import RECORD, Outcome
from press.run.scheduler import Workers
from press.source.project import BOOK_PROFILE, Chapter, Project


class Falsifier(Part):
    """A falsifier that was run: the parameters that it sets, or the companion it is."""

    name: str
    parameters: dict[str, Any] = {}
    companion: str = ""
    code_sha256: str = ""
    error: str = ""


class Refutation(Part):
    """One claim: its margin in the chapter's own run, and under its falsifier.

    `refuted` says whether the falsifier did what it must: the claim, which holds in the chapter's
    own run, was made there, and failed.
    """

    text: str
    unit: str = ""
    control: bool = False
    falsified_by: str = ""
    margin: float
    margin_there: float | None = None
    refuted: bool = False
    error: str = ""


class FalsifiedTable(Part):
    """A chapter's claims under their falsifiers, as ``results/<part>/<name>/falsified.json``."""

    schema_version: Literal[1] = 1
    chapter: str
    profile: str = BOOK_PROFILE
    made_by: MadeBy
    falsifiers: list[Falsifier] = []
    claims: list[Refutation] = []


@dataclass(frozen=True)
class Falsification:
    """What is to be run for one chapter: its falsifiers by name, and those that are none."""

    chapter: Chapter
    record: Record
    points: dict[str, Point]
    sets: dict[str, Falsifier]


def read_falsified(project: Project, chapter: str) -> FalsifiedTable | None:
    """The kept outcome of a chapter's falsifiers; None where there is none.

    Raises:
        UserError: it is damaged.
    """
    return kept.read(project, chapter, "falsified", FalsifiedTable)


def falsify(
    project: Project,
    chapters: Sequence[Chapter],
    *,
    profile: str = BOOK_PROFILE,
    workers: Workers = None,
    echo: Callable[[str], None] = print,
) -> list[FalsifiedTable]:
    """Run chapters where they are not fresh, then the falsifiers of their claims.

    Returns:
        One table a chapter, in the order of `chapters`.

    Raises:
        UserError: a chapter's own run fails, or its source is broken.
    """
    own = {
        chapter.id: plan_points(project, chapter, [{}], grid={}, profile=profile)
        for chapter in chapters
    }
    todo = [point for sweep in own.values() for point in sweep.todo]
    for outcome in run_points(project, todo, workers=workers, echo=echo):
        if outcome.failure:
            raise UserError(outcome.failure.line, outcome.failure.exit_code)
    planned = [
        plan_falsification(project, chapter, own[chapter.id].points[0].record, profile=profile)
        for chapter in chapters
    ]
    todo = [p for each in planned for p in each.points.values() if not p.state.fresh]
    outcomes = run_points(project, todo, workers=workers, echo=echo)
    return [tabulate(project, each, outcomes, profile=profile) for each in planned]


def plan_falsification(
    project: Project, chapter: Chapter, record: Record, *, profile: str
) -> Falsification:
    """The falsifiers that the claims of a chapter's run name."""
    points: dict[str, Point] = {}
    sets: dict[str, Falsifier] = {}
    for name in dict.fromkeys(c.falsified_by for c in record.claims if c.falsified_by):
        try:
            sets[name] = find_falsifier(project, chapter, name)
            found = project.notebook(sets[name].companion) if sets[name].companion else chapter
            parameters = sets[name].parameters
            sweep = plan_points(
                project,
                found,
                [parameters],
                grid={},
                profile=profile,
                kind="falsified",
                told=[{"falsifier": name}],
            )
        except UserError as error:
            sets[name] = Falsifier(name=name, error=str(error))
            continue
        (points[name],) = sweep.points
    return Falsification(chapter, record, points, sets)


def find_falsifier(project: Project, chapter: Chapter, name: str) -> Falsifier:
    """What a claim's `falsified_by` names.

    Raises:
        UserError: neither a companion nor a parameter set of the chapter; the nearest is named.
    """
    companion = f"{chapter.id}/{name}"
    for found in project.companions:
        if found.id == companion:
            code = found.code_sha256
            return Falsifier(name=name, companion=companion, code_sha256=code)
    sets = {p: chapters[chapter.id] for p, chapters in project.profiles.items()
            if chapters.get(chapter.id)}  # fmt: skip
    if name in sets:
        return Falsifier(name=name, parameters=dict(sets[name]))
    known = [*sets, *(c.source.stem for c in project.companions if c.folder == chapter.folder)]
    near = nearest(name, known)
    hint = f"did you mean {near!r}?" if near else f"there are {', '.join(known) or 'none'}"
    raise UserError(f"{name!r} is no parameter set and no companion of {chapter}: {hint}")


def changed_since(project: Project, chapter: Chapter, tried: Falsifier) -> str:
    """How a falsifier differs now from what was run; empty where it does not."""
    try:
        now = find_falsifier(project, chapter, tried.name)
    except UserError as error:
        return str(error)
    if now.companion != tried.companion or now.code_sha256 != tried.code_sha256:
        return "the code of its companion changed"
    if now.parameters != tried.parameters:
        return f"it sets {now.parameters}, and set {tried.parameters}"
    return ""


def tabulate(
    project: Project, planned: Falsification, outcomes: Sequence[Outcome], *, profile: str
) -> FalsifiedTable:
    """The outcome of a chapter's falsifiers, those that failed to run included."""
    lost = failures(outcomes)
    records: dict[str, Record] = {}
    for name, point in planned.points.items():
        if point.job.destination not in lost:
            records[name] = read_record(point.job.destination / RECORD)
    sets = {
        name: each.model_copy(
            update={"error": each.error or lost.get(_folder(planned.points, name), "")}
        )
        for name, each in planned.sets.items()
    }
    made = made_by(
        [planned.record, *records.values()],
        code_sha256=planned.chapter.code_sha256,
        computing_sha256=planned.chapter.computing_sha256,
    )
    return FalsifiedTable(
        chapter=planned.chapter.id,
        profile=profile,
        made_by=made,
        falsifiers=list(sets.values()),
        claims=[_refutation(claim, sets, records) for claim in planned.record.claims],
    )


def _folder(points: dict[str, Point], name: str) -> Path:
    return points[name].job.destination if name in points else Path()


def _refutation(claim: Claim, sets: dict[str, Falsifier], records: dict[str, Record]) -> Refutation:
    about = claim.model_dump(include={"text", "unit", "control", "falsified_by", "margin"})
    if not claim.falsified_by:
        return Refutation(**about)
    if not claim.holds:
        return Refutation(**about, error="it does not hold in the chapter's own run")
    if error := sets[claim.falsified_by].error:
        return Refutation(**about, error=error)
    there = next((c for c in records[claim.falsified_by].claims if c.text == claim.text), None)
    if there is None:
        return Refutation(**about, error=f"{claim.falsified_by} does not make this claim")
    return Refutation(**about, margin_there=there.margin, refuted=not there.holds)


def findings(table: FalsifiedTable) -> list[Finding]:
    """What is wrong: claims without a falsifier, and those that theirs did not refute."""
    found = []
    for claim in table.claims:
        if not claim.falsified_by:
            message = f"{claim.text!r} names no falsifier: run.claim(..., falsified_by=...)"
        elif claim.error:
            message = f"{claim.text!r} is not refuted by {claim.falsified_by}: {claim.error}"
        elif not claim.refuted:
            margin = f"{claim.margin_there:.4g} {claim.unit}".strip()
            message = (
                f"{claim.text!r} still holds under its falsifier {claim.falsified_by}"
                f" (margin {margin})"
            )
        else:
            continue
        found.append(Finding(table.chapter, "falsify", message))
    return found


def as_markdown(tables: Sequence[FalsifiedTable]) -> str:
    """The tables as one Markdown table, one row a claim."""
    lines = [
        "| chapter | claim | margin | falsifier | margin there | unit | refuted |",
        "|---|---|---:|---|---:|---|---|",
    ]
    for table in tables:
        for claim in table.claims:
            text = claim.text.replace("|", "\\|") + (" *(control)*" if claim.control else "")
            there = "" if claim.margin_there is None else f"{claim.margin_there:.3g}"
            lines.append(
                f"| {table.chapter} | {text} | {claim.margin:.3g} | {claim.falsified_by or 'none'}"
                f" | {there} | {claim.unit} | {'yes' if claim.refuted else '**no**'} |"
            )
    return "\n".join(lines) + "\n"


def keep(project: Project, table: FalsifiedTable, *, commit: str) -> Path:
    """Keep the outcome under ``results/``, and say where.

    Raises:
        UserError: what made it is not in git, or it is not of the book's own parameters.
    """
    if table.profile != BOOK_PROFILE:
        raise UserError(
            f"--accept keeps what was found with the book's own parameters, not with profile"
            f" {table.profile}"
        )
    made = kept.committed(project, table.made_by, commit)
    kept.must_be_committed(project, table.chapter, made)
    for each in table.falsifiers:
        if each.companion:
            own = made.model_copy(update={"code_sha256": each.code_sha256, "computing_sha256": ""})
            kept.must_be_committed(project, each.companion, own)
    table = table.model_copy(update={"made_by": made})
    return kept.write(project, table.chapter, "falsified", table)
