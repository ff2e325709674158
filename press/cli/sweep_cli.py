"""The verb of `medbook` that maps a chapter over a grid: sweep."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from press.cli.desk import Desk, interruptible, must_be_writable, warn
from press.errors import Exit, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from press.results.sweep import Sweep
    from press.results.sweep_table import SweepTable
    from press.run.execute import Outcome
    from press.source.project import Project


@click.command()
@click.argument("chapter")
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
@click.option(
    "-o",
    "output",
    type=click.Path(path_type=Path),
    help="Write the table here: .csv, .json (a list of rows) or .md.",
)
@click.option("--accept", "keep", is_flag=True, help="Keep the table under results/.")
@click.option("--dry-run", is_flag=True, help="List the points and the time; run nothing.")
@click.pass_obj
def sweep(
    desk: Desk,
    chapter: str,
    grid: tuple[str, ...],
    seeds: str | None,
    given: tuple[str, ...],
    profile: str,
    jobs: int | None,
    output: Path | None,
    keep: bool,
    dry_run: bool,
) -> None:
    """Run a CHAPTER over a grid of parameters and seeds.

    Each point is kept below build/sweeps/: a sweep that was stopped goes on where it was, and a
    larger grid runs only what is new. A point that fails does not stop the others; it stands in the
    table with its reason, and the command ends with exit code 3. The table has one row a point and
    result, as pandas reads it: `pd.read_csv("table.csv")`. Claims are counted, not judged: they are
    conclusions of the book's own parameters.

    CHAPTER may also be a notebook that is no page, whose name starts with an underscore.

    With --accept the table is kept as results/<part>/<name>/sweep.json, with what made it.

    \b
    Examples:
      medbook sweep pixels/low_dose_ct -g dose_fraction=0.1,0.25,0.5 --seeds 1-5 -o table.csv
      medbook sweep low_dose_ct -g n_train=4,8 -p n_steps=50 --dry-run
      medbook sweep extract_or_finetune -g few=10,20,50 -g many=100,400 --seeds 1-5 --accept
    """
    from press.results.sweep import plan_sweep, renewed, run_sweep
    from press.source.given import declared_parameters, read_grid, read_parameters, read_seeds

    project = desk.project
    found = project.notebook(chapter)
    declared = declared_parameters(project, found)
    planned = plan_sweep(
        project,
        found,
        declared=declared,
        grid=read_grid(declared, grid, chapter=found),
        seeds=None if seeds is None else read_seeds(seeds),
        given=read_parameters(project, found, given),
        profile=profile,
    )
    _check_output(output)
    if dry_run:
        for point in planned.points:
            click.echo(f"{point}  {click.style(str(point.state), dim=point.state.fresh)}")
        click.echo(_summary(planned, workers=jobs))
        return
    with interruptible(), _lock(project, planned):
        planned = renewed(project, planned)
        click.echo(_summary(planned, workers=jobs))
        try:
            table, outcomes = run_sweep(project, planned, workers=jobs, echo=click.echo)
        except KeyboardInterrupt:
            warn("the points that are done are kept; the same command goes on from there")
            raise
        _write(project, table, output=output, keep=keep)
    sys.exit(_tell(table, outcomes))


def _check_output(output: Path | None) -> None:
    from press.results.sweep_table import SUFFIXES

    if output is None:
        return
    if output.suffix not in SUFFIXES:
        raise UserError(f"-o {output}: the table is written as {', '.join(SUFFIXES)}")
    must_be_writable(output)


def _summary(planned: Sweep, *, workers: int | None) -> str:
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


def _write(project: Project, table: SweepTable, *, output: Path | None, keep: bool) -> None:
    from medlib.experiment.record import write_atomically
    from press.results.sweep_table import render, write_sweep_table

    if output is not None:
        write_atomically(output, render(table, output.suffix))
        click.echo(f"wrote {output}")
    if keep and table.failed:
        warn("not kept under results/: some points failed")
    elif keep:
        click.echo(f"kept {project.relative(write_sweep_table(project, table))}")


def _tell(table: SweepTable, outcomes: Sequence[Outcome]) -> int:
    """Say how the sweep ended; the exit code."""
    for outcome in outcomes:
        for warning in outcome.warnings:
            warn(f"warning: {warning}")
    for point in table.failed:
        where = " ".join(f"{name}={value}" for name, value in point.parameters.items())
        warn(click.style("✗ ", fg="red") + f"{where}: {point.error}")
    done = [point for point in table.points if not point.error]
    claims, held = sum(p.claims for p in done), sum(p.held for p in done)
    told = f", {held} of {claims} claims hold" if claims else ""
    click.echo(
        f"{len(done)} of {len(table.points)} points: {len(table.results)} results{told},"
        f" {table.made_by.cpu_s / 60:.1f} minutes of CPU in all"
    )
    codes = [outcome.failure.exit_code for outcome in outcomes if outcome.failure]
    return max(codes, default=Exit.OK)


commands = [sweep]
