"""A chapter over a grid of parameters and seeds: points that are kept, resumed and tabulated.

Each point is a run in a folder of its own, named by a key of its content. A point whose run is
still fresh is kept, so that a sweep that was killed goes on where it stopped. One that is the
book's own run, or one of `medbook check --seeds`, is that run. Other seeds, falsifiers and longer
trainings are such points too: there is one machinery for all runs but the book's own.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

from medlib.experiment.parameters import Parameter
from medlib.experiment.record import Record, read_record
from medlib.experiment.tables import SweepTable, SweptPoint
from medlib.experiment.trials import made_by
from press.errors import UserError
from press.results import kept
from press.results.points import PointStore
from press.results.sweep_table import claim_columns, printed_tables, result_columns
from press.run.execute import RECORD, Job, Outcome, last_wall_s, plan
from press.run.freshness import Freshness, State, freshness_of
from press.run.pool import run_jobs
from press.run.scheduler import Workers, as_scheduler
from press.source.given import declared_parameters
from press.source.project import BOOK_PROFILE, LIVE_PROFILE, Chapter, Project

MOST_POINTS = 10_000
LISTS_IT = ("sweep", LIVE_PROFILE)  # kinds of tables of which a build runs one point again


@dataclass(frozen=True)
class Point:
    """One point of a grid: what is swept, the run it stands for, and that run's state.

    `carried` is its record where it was taken from a folder of points.
    """

    swept: dict[str, Any]
    key: str
    job: Job
    state: Freshness
    carried: Record | None = None

    @property
    def record(self) -> Record:
        """What its run recorded."""
        return self.carried or read_record(self.job.destination / RECORD)

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.swept.items())


@dataclass(frozen=True)
class Sweep:
    """A chapter, a grid over some of its parameters, and the values of all others."""

    chapter: Chapter
    profile: str
    grid: dict[str, list[Any]]
    fixed: dict[str, Any]
    points: list[Point]
    kind: str = "sweep"

    @property
    def todo(self) -> list[Point]:
        return [point for point in self.points if not point.state.fresh]


def plan_sweep(
    project: Project,
    chapter: Chapter,
    *,
    declared: Mapping[str, Parameter],
    grid: Mapping[str, Sequence[Any]],
    seeds: Sequence[int] | None = None,
    given: Mapping[str, Any] | None = None,
    profile: str = BOOK_PROFILE,
    store: PointStore | None = None,
) -> Sweep:
    """The points of a sweep, in the order of the grid, the seed fastest; nothing is run.

    Args:
        project: the checkout.
        chapter: what to run.
        declared: its parameters.
        grid: parameter -> the values to try, each right for the parameter.
        seeds: the seeds to try at each; by default the one of `given`, `profile` or the chapter.
        given: parameters that are the same at all points.
        profile: the named set of parameters that all this stands on.

    Raises:
        UserError: nothing to sweep, too many points, a parameter set twice or wrong.
    """
    given, grid = dict(given or {}), {name: list(values) for name, values in grid.items()}
    if seeds is not None:
        for where, names in (("-g", grid), ("-p", given)):
            if "seed" in names:
                raise UserError(f"--seeds and {where} seed both set the seed: leave one out")
        if "seed" not in declared:
            raise UserError(f"{chapter} declares no parameter seed: leave out --seeds")
        grid["seed"] = list(seeds)
    for name in grid:
        if name in given:
            raise UserError(f"-g {name} and -p {name} both set {name}: leave one out")
    if not grid:
        raise UserError("there is nothing to sweep: give -g NAME=V1,V2 or --seeds 1-5, or both")
    count = 1
    for values in grid.values():
        count *= len(values)
    if count > MOST_POINTS:
        raise UserError(f"these are {count:,} points; a sweep has at most {MOST_POINTS:,}")
    every = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    kind = LIVE_PROFILE if profile == LIVE_PROFILE else "sweep"
    how = {"given": given, "profile": profile, "kind": kind, "store": store}
    return plan_points(project, chapter, every, grid=grid, **how)


def plan_points(
    project: Project,
    chapter: Chapter,
    every: Sequence[Mapping[str, Any]],
    *,
    grid: Mapping[str, Sequence[Any]],
    given: Mapping[str, Any] | None = None,
    profile: str = BOOK_PROFILE,
    kind: str = "sweep",
    told: Sequence[Mapping[str, Any]] | None = None,
    store: PointStore | None = None,
) -> Sweep:
    """The runs of a chapter at given points; nothing is run.

    Args:
        project: the checkout.
        chapter: what to run.
        every: for each point the parameters that it sets, each right for the parameter.
        grid: what the table says was swept.
        given: parameters at all points.
        profile: their basis.
        kind: of which kind of table they are.
        told: how the table tells each point, where not by the parameters that it sets.
        store: where finished points are kept too. Then they run in the order in which they were
            asked for, not the longest first: what is wanted first is there when time is up.

    Raises:
        UserError: the chapter's source or a parameter is wrong.
    """
    declared = declared_parameters(project, chapter)
    base = plan(project, chapter, given=dict(given or {}), profile=profile)
    told = every if told is None else told
    jobs = [
        _job_at(project, base, dict(swept), declared, told=text)
        for swept, text in zip(every, told, strict=True)
    ]
    took = {key: last_wall_s(job.destination) for key, job in jobs}
    known = [seconds for seconds in took.values() if seconds is not None]
    usual = sum(known) / len(known) if known else base.expected_s
    points = []
    for swept, (key, job) in zip(told, jobs, strict=True):
        expected = usual if store is not None else took[key] or usual
        job = dataclasses.replace(job, expected_s=expected)
        points.append(_present(project, Point(dict(swept), key, job, _UNKNOWN), store))
    swept_names = {name for swept in every for name in swept}
    fixed = {name: value for name, value in base.parameters.items() if name not in swept_names}
    return Sweep(chapter, profile, {n: list(v) for n, v in grid.items()}, fixed, points, kind)


_UNKNOWN = Freshness(State.NEVER_RUN)


def _present(project: Project, point: Point, store: PointStore | None) -> Point:
    """A point in its present state: its own run, else one that was carried here."""
    state = freshness_of(project, point.job)
    if not state.fresh and store is not None:
        carried = store.fresh(project, point.job)
        if carried is not None:
            return dataclasses.replace(point, state=Freshness(State.FRESH), carried=carried)
    return dataclasses.replace(point, state=state, carried=None)


def _job_at(
    project: Project,
    base: Job,
    swept: dict[str, Any],
    declared: Mapping[str, Parameter],
    *,
    told: Mapping[str, Any],
) -> tuple[str, Job]:
    """The key and the job of one point; `base` is the job at the values that are not swept."""
    parameters = {n: declared[n].check(swept.get(n, value)) for n, value in base.parameters.items()}
    injected = {n: v for n, v in parameters.items() if v != declared[n].default}
    chapter = base.chapter
    content = json.dumps([chapter.id, base.profile, parameters], sort_keys=True)
    key = sha256(content.encode()).hexdigest()[:12]
    destination = project.sweeps / chapter.part / chapter.name / key
    if not swept:  # the profile's own run
        destination = base.destination
    elif base.profile == BOOK_PROFILE and not injected:
        destination = project.run_dir(chapter)
    elif base.profile == BOOK_PROFILE and set(injected) == {"seed"}:
        destination = seed_folder(project, chapter, parameters["seed"])
    words = " ".join(f"{name}={value}" for name, value in told.items())
    return key, dataclasses.replace(
        base,
        parameters=parameters,
        injected=injected,
        destination=destination,
        label=f"{chapter.id} {words}",
        failed_name=f"{chapter.name}-{key}",
    )


def seed_folder(project: Project, chapter: Chapter, seed: int) -> Path:
    """Where the run of the book's parameters on another seed lies."""
    return project.seed_runs / chapter.part / chapter.name / f"seed-{seed}"


def expected_s(sweep: Sweep, *, workers: Workers = None) -> float | None:
    """How long the points to run take, as far as earlier runs tell; None where there are none."""
    seconds = [point.job.expected_s for point in sweep.todo]
    if not all(seconds):
        return None
    at_once = as_scheduler(workers).side_by_side([point.job for point in sweep.todo])
    return sum(seconds) / at_once if at_once else None


def renewed(project: Project, sweep: Sweep, store: PointStore | None = None) -> Sweep:
    """`sweep` with the present state of its points: another process may have run some meanwhile."""
    points = [_present(project, point, store) for point in sweep.points]
    return dataclasses.replace(sweep, points=points)


def run_points(
    project: Project,
    points: Sequence[Point],
    *,
    workers: Workers = None,
    store: PointStore | None = None,
    echo: Callable[[str], None] = print,
) -> list[Outcome]:
    """Run points, in any order, on this machine's cores or those of a cluster."""

    def finished(outcome: Outcome) -> None:
        if store is not None and outcome.ok and (files := store.put(project, outcome.job)):
            why = f"{', '.join(files)} changed while it ran; --resume runs it again"
            echo(f"not kept: {outcome.job.name}: {why}")

    jobs = [point.job for point in points]
    return run_jobs(project, jobs, workers=workers, echo=echo, finished=finished) if jobs else []


def run_sweep(
    project: Project,
    sweep: Sweep,
    *,
    workers: Workers = None,
    store: PointStore | None = None,
    echo: Callable[[str], None] = print,
) -> tuple[SweepTable, list[Outcome]]:
    """Run the points that are not fresh, and tabulate all.

    Returns:
        The table, and how the runs ended that were made now.
    """
    if store is not None:
        for point in sweep.points:
            if point.state.fresh and point.carried is None:
                store.put(project, point.job)
    outcomes = run_points(project, sweep.todo, workers=workers, store=store, echo=echo)
    return tabulate(sweep, outcomes), outcomes


def run_sweeps(
    project: Project,
    sweeps: Sequence[Sweep],
    *,
    workers: Workers = None,
    echo: Callable[[str], None] = print,
) -> list[SweepTable]:
    """Run the points of several sweeps as one heap of work; a table each, in their order."""
    todo = [point for sweep in sweeps for point in sweep.todo]
    every = sum(len(sweep.points) for sweep in sweeps)
    if len(todo) < every:
        echo(f"{every - len(todo)} of {every} runs are fresh and kept")
    outcomes = run_points(project, todo, workers=workers, echo=echo)
    return [tabulate(sweep, outcomes) for sweep in sweeps]


def failures(outcomes: Sequence[Outcome]) -> dict[Path, str]:
    """Why runs failed, by the folder that they would have written."""
    return {
        outcome.job.destination: outcome.failure.line.removeprefix(f"{outcome.job.name}: ")
        for outcome in outcomes
        if outcome.failure
    }


def tabulate(sweep: Sweep, outcomes: Sequence[Outcome]) -> SweepTable:
    """The table of a sweep whose points are run; `outcomes` names those that failed now."""
    lost = failures(outcomes)
    records = {
        point.key: point.record
        for point in sweep.points
        if point.carried is not None or point.job.destination not in lost
    }
    apart = sweep.chapter.source.stem.startswith("_")  # no page shows its tables
    points = [
        SweptPoint(
            point=p.key,
            parameters=p.swept,
            cpu_s=round(records[p.key].cpu_s, 2) if p.key in records else None,
            error="" if p.key in records else lost[p.job.destination],
            tables=printed_tables(records[p.key]) if apart and p.key in records else {},
        )
        for p in sweep.points
    ]
    keys = [point.key for point in sweep.points]
    done = [point for point in points if not point.error]
    live = min(done, key=lambda point: point.cpu_s or 0.0).point if done else ""
    return SweepTable(
        chapter=sweep.chapter.id,
        profile=sweep.profile,
        grid=sweep.grid,
        fixed=sweep.fixed,
        made_by=made_by(
            list(records.values()),
            code_sha256=sweep.points[0].job.code_sha256,
            computing_sha256=sweep.points[0].job.chapter.computing_sha256,
        ),
        live=live if sweep.kind in LISTS_IT else "",
        points=points,
        results=result_columns(keys, records),
        claims=claim_columns(keys, records),
    )


def keep(project: Project, sweep: Sweep, table: SweepTable, *, commit: str) -> Path:
    """Keep the table under ``results/`` as the accepted one, and say where.

    Raises:
        UserError: what made it is not in git.
    """
    made = kept.committed(project, table.made_by, commit)
    kept.must_be_committed(project, sweep.chapter.id, made)
    table = table.model_copy(update={"made_by": made})
    return kept.write(project, table.chapter, sweep.kind, table)
