"""A chapter over a grid of parameters and seeds: points that are kept, resumed and tabulated.

Each point is a run in a folder of its own, named by a key of its content. A point whose run is
still fresh is kept, so that a sweep that was killed goes on where it stopped. One that is the
book's own run, or one of `medbook check --seeds`, is that run.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from typing import Any

from medlib.experiment.parameters import Parameter
from medlib.experiment.record import read_record
from press.errors import UserError
from press.results.seeds import seed_folder
from press.results.sweep_table import SweepTable, made_by, swept_point, swept_results
from press.run.execute import RECORD, Job, Outcome, available_cores, last_wall_s, plan
from press.run.freshness import Freshness, freshness_of
from press.run.pool import run_jobs
from press.source.project import BOOK_PROFILE, Chapter, Project

MOST_POINTS = 10_000


@dataclass(frozen=True)
class Point:
    """One point of a grid: what is swept, the run it stands for, and that run's state."""

    swept: dict[str, Any]
    key: str
    job: Job
    state: Freshness

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
    base = plan(project, chapter, given=given, profile=profile)
    every = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    jobs = [_job_at(project, base, swept, declared) for swept in every]
    took = {key: last_wall_s(job.destination) for key, job in jobs}
    known = [seconds for seconds in took.values() if seconds is not None]
    usual = sum(known) / len(known) if known else base.expected_s
    points = []
    for swept, (key, job) in zip(every, jobs, strict=True):
        job = dataclasses.replace(job, expected_s=took[key] or usual)
        points.append(Point(swept, key, job, freshness_of(project, job)))
    fixed = {name: value for name, value in base.parameters.items() if name not in grid}
    return Sweep(chapter, profile, grid, fixed, points)


def _job_at(
    project: Project, base: Job, swept: dict[str, Any], declared: Mapping[str, Parameter]
) -> tuple[str, Job]:
    """The key and the job of one point; `base` is the job at the values that are not swept."""
    parameters = {n: declared[n].check(swept.get(n, value)) for n, value in base.parameters.items()}
    injected = {n: v for n, v in parameters.items() if v != declared[n].default}
    chapter = base.chapter
    content = json.dumps([chapter.id, base.profile, parameters], sort_keys=True)
    key = sha256(content.encode()).hexdigest()[:12]
    destination = project.sweeps / chapter.part / chapter.name / key
    if base.profile == BOOK_PROFILE and not injected:
        destination = project.run_dir(chapter)
    elif base.profile == BOOK_PROFILE and set(injected) == {"seed"}:
        destination = seed_folder(project, chapter, parameters["seed"])
    told = " ".join(f"{name}={value}" for name, value in swept.items())
    return key, dataclasses.replace(
        base,
        parameters=parameters,
        injected=injected,
        destination=destination,
        label=f"{chapter.id} {told}",
        failed_name=f"{chapter.name}-{key}",
    )


def expected_s(sweep: Sweep, *, workers: int | None = None) -> float | None:
    """How long the points to run take, as far as earlier runs tell; None where there are none."""
    seconds = [point.job.expected_s for point in sweep.todo]
    if not all(seconds):
        return None
    return sum(seconds) / max(1, min(workers or available_cores(), len(seconds)))


def renewed(project: Project, sweep: Sweep) -> Sweep:
    """`sweep` with the present state of its points: another process may have run some meanwhile."""
    points = [
        dataclasses.replace(point, state=freshness_of(project, point.job)) for point in sweep.points
    ]
    return dataclasses.replace(sweep, points=points)


def run_points(
    project: Project,
    points: Sequence[Point],
    *,
    workers: int | None = None,
    echo: Callable[[str], None] = print,
) -> list[Outcome]:
    """Run points, in any order, anywhere: the one place to change for another pool of workers."""
    return run_jobs(project, [point.job for point in points], workers=workers, echo=echo)


def run_sweep(
    project: Project,
    sweep: Sweep,
    *,
    workers: int | None = None,
    echo: Callable[[str], None] = print,
) -> tuple[SweepTable, list[Outcome]]:
    """Run the points that are not fresh, and tabulate all.

    Returns:
        The table, and how the runs ended that were made now.
    """
    todo = sweep.todo
    outcomes = run_points(project, todo, workers=workers, echo=echo) if todo else []
    return tabulate(sweep, outcomes), outcomes


def tabulate(sweep: Sweep, outcomes: Sequence[Outcome]) -> SweepTable:
    """The table of a sweep whose points are run; `outcomes` names those that failed now."""
    lost = {
        outcome.job.destination: outcome.failure.line.removeprefix(f"{outcome.job.name}: ")
        for outcome in outcomes
        if outcome.failure
    }
    records = {
        point.key: read_record(point.job.destination / RECORD)
        for point in sweep.points
        if point.job.destination not in lost
    }
    return SweepTable(
        chapter=sweep.chapter.id,
        profile=sweep.profile,
        grid=sweep.grid,
        fixed=sweep.fixed,
        made_by=made_by(list(records.values()), code_sha256=sweep.points[0].job.code_sha256),
        points=[
            swept_point(p.key, p.swept, records.get(p.key) or lost[p.job.destination])
            for p in sweep.points
        ],
        results=[row for key, record in records.items() for row in swept_results(key, record)],
    )
