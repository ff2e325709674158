"""Other seeds: how often each claim holds when the dice fall differently, and by what margin.

Every chapter is run again on seeds that are not the book's, side by side on the cores there are.
A run that is still fresh is kept, so that a killed sweep goes on where it stopped. A run that
fails counts as one on which no claim held.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from medlib.experiment.record import read_record
from press.errors import UserError
from press.results.seed_table import SeedTable, tabulate
from press.run.execute import RECORD, Job, plan
from press.run.freshness import freshness_of
from press.run.pool import run_jobs
from press.source.project import Chapter, Project


def other_seeds(book_seed: int, count: int) -> list[int]:
    """The first `count` seeds from 1 on that are not the book's.

    >>> other_seeds(2, 4)
    [1, 3, 4, 5]
    """
    return [seed for seed in range(1, count + 2) if seed != book_seed][:count]


def seed_jobs(project: Project, chapter: Chapter, *, count: int) -> list[Job]:
    """The jobs of running `chapter` on other seeds, each into a folder of its own.

    Raises:
        UserError: the source is broken, or declares no seed.
    """
    book_seed = plan(project, chapter).parameters.get("seed")
    if book_seed is None:
        raise UserError(f"{chapter} declares no parameter seed; it cannot be run on other seeds")
    jobs = []
    for seed in other_seeds(book_seed, count):
        job = plan(project, chapter, given={"seed": seed}, label=f"{chapter.id} seed {seed}")
        folder = seed_folder(project, chapter, seed)
        jobs.append(dataclasses.replace(job, destination=folder))
    return jobs


def seed_folder(project: Project, chapter: Chapter, seed: int) -> Path:
    """Where the run of the book's parameters on another seed lies."""
    return project.seed_runs / chapter.part / chapter.name / f"seed-{seed}"


def sweep(
    project: Project,
    chapters: Sequence[Chapter],
    *,
    count: int,
    workers: int | None = None,
    echo: Callable[[str], None] = print,
) -> list[SeedTable]:
    """Run every chapter on `count` other seeds, keeping the runs that are fresh already.

    Returns:
        One table a chapter, in the order of `chapters`.
    """
    plans = {chapter.id: seed_jobs(project, chapter, count=count) for chapter in chapters}
    every = [job for jobs in plans.values() for job in jobs]
    todo = [job for job in every if not freshness_of(project, job).fresh]
    if len(todo) < len(every):
        echo(f"{len(every) - len(todo)} of {len(every)} runs are fresh and kept")
    failed: dict[str, dict[int, str]] = {}
    for outcome in run_jobs(project, todo, workers=workers, echo=echo) if todo else []:
        if outcome.failure:
            reasons = failed.setdefault(outcome.job.chapter.id, {})
            line = outcome.failure.line.removeprefix(f"{outcome.job.name}: ")
            reasons[outcome.job.parameters["seed"]] = line
    tables = []
    for name, jobs in plans.items():
        lost = failed.get(name, {})
        good = {job.parameters["seed"]: job for job in jobs if job.parameters["seed"] not in lost}
        tables.append(
            tabulate(
                name,
                seeds=[job.parameters["seed"] for job in jobs],
                records={s: read_record(job.destination / RECORD) for s, job in good.items()},
                failed=lost,
                code_sha256=jobs[0].code_sha256,
            )
        )
    return tables
