"""The verb of `medbook` that maps a chapter over a grid: sweep."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from press.cli.desk import Desk, interruptible, must_be_writable, warn
from press.cli.scheduler_options import takes_scheduler
from press.errors import Exit, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from medlib.experiment.tables import SweepTable
    from press.results.points import PointStore, SweepPlan
    from press.results.sweep import Sweep
    from press.run.execute import Outcome
    from press.run.scheduler import Workers
    from press.source.project import Project


@click.command()
@click.argument("chapter", required=False)
@click.option(
    "-g",
    "grid",
    multiple=True,
    metavar="NAME=V1,V2,...",
    help="Try these values of a parameter; may be repeated, and all combinations are run.",
)
@click.option("--seeds", metavar="1-5", help="Try these seeds at each point: 1-5, or 1,2,7.")
@click.option(
    "-p", "given", multiple=True, metavar="NAME=VALUE", help="Set a parameter at all points."
)
@click.option("--profile", default="book", show_default=True, help="A named set of parameters.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Runs side by side.")
@takes_scheduler
@click.option(
    "-o",
    "output",
    type=click.Path(path_type=Path),
    help="Write the table here: .csv, .json (a list of rows) or .md.",
)
@click.option(
    "--points",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Keep each finished point here too, as one small file: to commit, carry or merge.",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Go on with the sweep whose points are kept here.",
)
@click.option("--accept", "keep", is_flag=True, help="Keep the table under results/.")
@click.option("--extend", is_flag=True, help="Join the points to those of the accepted table.")
@click.option("--dry-run", is_flag=True, help="List the points and the time; run nothing.")
@click.pass_obj
def sweep(
    desk: Desk,
    chapter: str | None,
    grid: tuple[str, ...],
    seeds: str | None,
    given: tuple[str, ...],
    profile: str,
    jobs: Workers,
    output: Path | None,
    points: Path | None,
    resume: Path | None,
    keep: bool,
    extend: bool,
    dry_run: bool,
) -> None:
    """Run a CHAPTER over a grid of parameters and seeds.

    Each point is kept below build/sweeps/: a sweep that was stopped goes on where it was, and a
    larger grid runs only what is new. A point that fails does not stop the others; it stands in the
    table with its reason, and the command ends with exit code 3. The table has one row a point and
    result, as pandas reads it: `pd.read_csv("table.csv")`. Claims are counted, not judged: they are
    conclusions of the book's own parameters.

    CHAPTER may also be a notebook that is no page, whose name starts with an underscore.

    With --scheduler the points run on the workers of a Dask cluster, and come back here: no shared
    file system is needed. A worker must have this commit and these packages, or is refused by name.

    A sweep of many hours: --points FOLDER keeps every point there as soon as it is finished, and
    what was asked for beside them. The folder can be committed, or carried to another machine with
    the same commit; --resume FOLDER goes on from it, on either. Two folders of one sweep are merged
    by copying files. A point that other code made is run again.

    With --accept the table is kept as results/<part>/<name>/sweep.json, with what made it: the
    commit (files that differ from it are refused), environment, machine and seconds. A build runs
    the point that took least time again, and compares.

    With --extend the points join those of the accepted table, which are not run again: to more
    seeds, or more values of what was swept. Together they must be a whole grid, and the code must
    be the one that made the old ones.

    \b
    Examples:
      medbook sweep pixels/low_dose_ct -g dose_fraction=0.1,0.25,0.5 --seeds 1-5 -o table.csv
      medbook sweep low_dose_ct -g n_train=4,8 -p n_steps=50 --dry-run
      medbook sweep _every_arm_to_its_end -g labels=20,100 --seeds 0-4 --points ~/arms
      medbook sweep --resume ~/arms --accept
      medbook sweep _every_arm_to_its_end -g labels=50 --seeds 0-4 --extend --accept
      medbook sweep low_dose_ct --seeds 1-99 --scheduler tls://gpu1:8786 --tls ~/.medbook
    """
    from press.results.extended import joined, table_to_extend
    from press.results.points import PointStore
    from press.results.sweep import renewed, run_sweep

    project = desk.project
    asked = {"-g": grid, "--seeds": seeds, "-p": given, "--points": points, "CHAPTER": chapter}
    if resume is not None and (more := [word for word, value in asked.items() if value]):
        raise UserError(f"--resume goes on with what was asked for: leave out {' and '.join(more)}")
    if resume is None and not chapter:
        raise UserError("which chapter? `medbook sweep --help` shows how to ask")
    folder = resume or points
    store = None if folder is None else PointStore(folder)
    if resume is not None:
        planned = _plan_resumed(project, PointStore(resume))
    else:
        planned = _plan_asked(
            project, str(chapter), grid, seeds, given, profile=profile, store=store
        )
    _check_output(output)
    old = table_to_extend(project, planned) if extend else None
    if dry_run:
        for point in planned.points:
            click.echo(f"{point}  {click.style(str(point.state), dim=point.state.fresh)}")
        click.echo(_summary(planned, workers=jobs))
        return
    if keep:
        _must_name_a_commit(project)
    if points is not None and store is not None:
        store.begin(_as_asked(project, planned, given))
    with interruptible(), _lock(project, planned):
        planned = renewed(project, planned, store)
        click.echo(_summary(planned, workers=jobs))
        try:
            table, outcomes = run_sweep(
                project, planned, workers=jobs, store=store, echo=click.echo
            )
        except KeyboardInterrupt:
            again = "the same command" if folder is None else f"`medbook sweep --resume {folder}`"
            warn(f"the points that are done are kept; {again} goes on from there")
            raise
        if old is not None and not table.failed:
            table = joined(old, table)
        _write(project, planned, table, output=output, keep=keep)
    sys.exit(_tell(table, outcomes))


def _plan_asked(
    project: Project,
    chapter: str,
    grid: Sequence[str],
    seeds: str | None,
    given: Sequence[str],
    *,
    profile: str,
    store: PointStore | None,
) -> Sweep:
    from press.results.sweep import plan_sweep
    from press.source.given import declared_parameters, read_grid, read_parameters, read_seeds

    found = project.notebook(chapter)
    declared = declared_parameters(project, found)
    return plan_sweep(
        project,
        found,
        declared=declared,
        grid=read_grid(declared, grid, chapter=found),
        seeds=None if seeds is None else read_seeds(seeds),
        given=read_parameters(project, found, given),
        profile=profile,
        store=store,
    )


def _plan_resumed(project: Project, store: PointStore) -> Sweep:
    """The sweep whose points are in a folder, as it was asked for."""
    from press.results.sweep import plan_sweep
    from press.source.given import declared_parameters

    asked = store.plan()
    found = project.notebook(asked.chapter)
    return plan_sweep(
        project,
        found,
        declared=declared_parameters(project, found),
        grid=asked.grid,
        given=asked.given,
        profile=asked.profile,
        store=store,
    )


def _as_asked(project: Project, planned: Sweep, given: Sequence[str]) -> SweepPlan:
    from press.results.points import SweepPlan
    from press.source.given import read_parameters

    values = read_parameters(project, planned.chapter, given)
    return SweepPlan(
        chapter=planned.chapter.id, profile=planned.profile, grid=planned.grid, given=values
    )


def _must_name_a_commit(project: Project) -> None:
    from press.results.kept import commit_to_name

    commit_to_name(project)


def _check_output(output: Path | None) -> None:
    from press.results.sweep_table import SUFFIXES

    if output is None:
        return
    if output.suffix not in SUFFIXES:
        raise UserError(f"-o {output}: the table is written as {', '.join(SUFFIXES)}")
    must_be_writable(output)


def _summary(planned: Sweep, *, workers: Workers) -> str:
    from press.results.sweep import expected_s
    from press.run.progress import clock

    grid = ", ".join(f"{name} ({len(values)})" for name, values in planned.grid.items())
    every, todo = len(planned.points), len(planned.todo)
    line = f"{every} point{'' if every == 1 else 's'} of {planned.chapter}: {grid};"
    line += f" {every - todo} fresh and kept, {todo} to run"
    if todo:
        seconds = expected_s(planned, workers=workers)
        line += (
            ", for how long is not known yet" if seconds is None else f", about {clock(seconds)}"
        )
    return line


def _lock(project: Project, planned: Sweep) -> AbstractContextManager[None]:
    """A sweep needs the build to itself only where one of its points is a run of the book's."""
    from press.run.lock import LOCK, hold

    ours = project.sweeps / planned.chapter.part / planned.chapter.name
    shared = any(ours not in point.job.destination.parents for point in planned.todo)
    path = project.build / LOCK if shared else ours.with_name(f".{ours.name}.lock")
    return hold(path, echo=warn)


def _write(
    project: Project, planned: Sweep, table: SweepTable, *, output: Path | None, keep: bool
) -> None:
    from medlib.experiment.record import write_atomically
    from press.results import sweep
    from press.results.kept import commit_to_name
    from press.results.sweep_table import render

    if output is not None:
        write_atomically(output, render(table, output.suffix))
        click.echo(f"wrote {output}")
    if keep and table.failed:
        warn("not kept under results/: some points failed")
    elif keep:
        path = sweep.keep(project, planned, table, commit=commit_to_name(project))
        click.echo(f"kept {project.relative(path)}")


def _tell(table: SweepTable, outcomes: Sequence[Outcome]) -> int:
    """Say how the sweep ended; the exit code."""
    for outcome in outcomes:
        for warning in outcome.warnings:
            warn(f"warning: {warning}")
    for point in table.failed:
        where = " ".join(f"{name}={value}" for name, value in point.parameters.items())
        warn(click.style("✗ ", fg="red") + f"{where}: {point.error}")
    done = [point for point in table.points if not point.error]
    claims, held = sum(len(c.known) for c in table.claims), sum(c.held for c in table.claims)
    results = sum(len(column.known) for column in table.results)
    told = f", {held} of {claims} claims hold" if claims else ""
    click.echo(
        f"{len(done)} of {len(table.points)} points: {results} results{told},"
        f" {table.made_by.cpu_s / 60:.1f} minutes of CPU in all"
    )
    codes = [outcome.failure.exit_code for outcome in outcomes if outcome.failure]
    return max(codes, default=Exit.OK)


commands = [sweep]
