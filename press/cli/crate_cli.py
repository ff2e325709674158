"""The verbs of `medbook` that carry a run elsewhere and do it again: crate, reproduce."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from press.cli.desk import Desk, interruptible, must_be_writable, warn
from press.errors import Exit, UserError

if TYPE_CHECKING:
    from press.check.reproduce import Recorded, Verdict
    from press.run.execute import Job, Listener
    from press.source.project import Project


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN")
@click.option(
    "-o",
    "output",
    type=click.Path(path_type=Path),
    help="Where to write: NAME.zip, or a folder  [default: build/crates/PART-NAME.zip]",
)
@click.option("--force", is_flag=True, help="Write over a crate that is there already.")
@click.option("--agent", "agent_text", metavar="NAME", help="Who ran it, if not the authors.")
@click.option(
    "--image",
    "image_text",
    metavar="NAME@sha256:DIGEST",
    envvar="MEDBOOK_IMAGE",
    help="The container image that it ran in (or set MEDBOOK_IMAGE).",
)
@click.option("--check", "only_check", is_flag=True, help="RUN is a crate: is it whole and true?")
@click.pass_obj
def crate(
    desk: Desk,
    runs: tuple[Path, ...],
    output: Path | None,
    force: bool,
    agent_text: str | None,
    image_text: str | None,
    only_check: bool,
) -> None:
    """Pack a RUN into an RO-Crate: one file that says what ran, on what, and what came out.

    In it are the executed notebook, the notebook before it ran, parameters, record, figures, the
    chapter, every library file that it imported, constraints.txt, licences, and a description after
    the profile Workflow Run Crate 0.5. Data are not in it, their digests are. A run packed twice
    makes the same .zip, to the byte. What the run read must still stand in the checkout as it was;
    what changed is named. Before it is written, a crate is checked as --check does it.

    With --check nothing is written: every file is held against its digest, the description against
    the files and against what its profiles require, the record against code, parameters and
    pictures. A file that is missing, extra or changed is named; links, paths that lead outside and
    archives that swell are refused. The digest printed stands for the whole crate: publish it
    beside the crate, for who changes all digests in a crate makes another sound one.
    `sha256sum --check manifest-sha256.txt` in an unpacked crate needs no medbook.

    record.json and the notebook name folders of this machine: look at them before you publish.

    \b
    Examples:
      medbook crate build/runs/pixels/low_dose_ct
      medbook crate build/runs/pixels/low_dose_ct -o low_dose_ct.zip
      medbook crate build/runs/pixels/low_dose_ct -o a_folder --agent "Ada Lovelace"
      medbook crate --check low_dose_ct.zip
      medbook reproduce low_dose_ct.zip
    """
    if only_check:
        if output or force or agent_text or image_text:
            raise UserError("--check writes nothing: leave out -o, --force, --agent and --image")
        sys.exit(max(check_crate(place) for place in runs))
    if len(runs) > 1:
        raise UserError(f"one RUN makes one crate; {len(runs)} were given")
    from press.check.reproduce import find_run

    project = desk.project
    recorded = find_run(runs[0])
    if recorded.crate:
        raise UserError(f"{runs[0]} is a crate already: --check checks it")
    place = _place(project, recorded, output)
    with interruptible():
        _make(project, recorded, place, force, agent_text, image_text)
    click.echo(f"crate     {project.relative(place)}")
    sys.exit(check_crate(place))


def _place(project: Project, recorded: Recorded, output: Path | None) -> Path:
    """Where the crate is written.

    Raises:
        UserError: it cannot be written there, or the next run would remove it.
    """
    if output is None:
        chapter = project.notebook(recorded.record.chapter)
        name = chapter.id.replace("/", "-")
        if recorded.folder.resolve() != project.run_dir(chapter).resolve():
            name += f"-{recorded.folder.resolve().name}"
        return project.build / "crates" / f"{name}.zip"
    if not output.is_dir():
        must_be_writable(output)
    if output.resolve().is_relative_to(recorded.folder.resolve()):
        raise UserError(f"-o {output} lies in the run's own folder, which the next run replaces")
    return output


def _make(
    project: Project,
    recorded: Recorded,
    place: Path,
    force: bool,
    agent_text: str | None,
    image_text: str | None,
) -> None:
    from press.check.crate import inspect_crate
    from press.crate.citation import Agent
    from press.crate.image import Image
    from press.crate.make import make_crate
    from press.crate.opening import Crate
    from press.crate.packing import may_be_written, write_crate
    from press.finding import errors

    may_be_written(place, force=force)
    agent = Agent.named(agent_text) if agent_text else None
    image = Image.named(image_text) if image_text else None
    files = make_crate(project, recorded.folder, recorded.record, agent=agent, image=image)
    if wrong := errors(inspect_crate(Crate(place, files))):
        raise UserError(f"not written: {wrong[0]}", Exit.CHECK_FAILED)
    place.parent.mkdir(parents=True, exist_ok=True)
    write_crate(files, place, force=force)
    if recorded.record.git and recorded.record.git.dirty:
        click.echo("note: it ran in files that differ from their commit; the crate holds them")


def check_crate(place: Path) -> int:
    """Print what is wrong with a crate; the exit code."""
    from press.check.crate import crate_digest, inspect_crate
    from press.crate.opening import open_crate
    from press.finding import errors

    opened = open_crate(place)
    found = inspect_crate(opened)
    for finding in found:
        if finding.severity == "note":
            click.echo(f"note: {finding}")
    if wrong := errors(found):
        for finding in wrong:
            click.echo(click.style("✗ ", fg="red") + str(finding), err=True)
        things = "1 thing is" if len(wrong) == 1 else f"{len(wrong)} things are"
        click.echo(f"{place}: {things} wrong", err=True)
        return Exit.CHECK_FAILED
    size = sum(map(len, opened.files.values()))
    click.echo(f"sound     {len(opened.files)} files, {size / 1e6:.1f} MB, each of its digest")
    click.echo(f"digest    {crate_digest(opened)}")
    return Exit.OK


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option(
    "--within-tolerance",
    is_flag=True,
    help="Compare with the accepted results, as closely as their chapter asks.",
)
@click.option(
    "-j",
    "--jobs",
    "--workers",
    "jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Runs side by side.",
)
@click.option(
    "--code",
    type=click.Choice(["checkout", "crate"]),
    default="checkout",
    show_default=True,
    help="Whose code is run, where RUN is a crate.",
)
@click.pass_obj
def reproduce(
    desk: Desk, runs: tuple[Path, ...], within_tolerance: bool, jobs: int, code: str
) -> None:
    """Execute recorded RUNs again and name the first thing that differs.

    RUN is a run folder, its record.json, its executed notebook, or a crate (`medbook crate`), a
    folder or a .zip, which needs nothing else: its digests are checked first. The chapter is
    executed with the recorded parameters, and compared in the order of causes: code, data,
    environment, result, figure. Results must be equal to the bit. Exit code 0: identical,
    1: something differs.

    Other instructions round otherwise. Variables that choose them (OPENBLAS_CORETYPE, MKL_CBWR,
    ATEN_CPU_CAPABILITY and their like) do not reach a run, unless MEDBOOK_KEEP_ARITHMETIC=1 is set.
    With --within-tolerance results may then move as far as their chapter allows.

    Of a crate only the parameters are used, and this checkout's code is run; files that are not
    those of the crate are named. --code crate runs the chapter and the library that the crate
    brings, in a temporary folder. They can do all that you can do: run so only what comes from
    somebody you trust.

    \b
    Examples:
      medbook reproduce build/runs/pixels/low_dose_ct
      medbook reproduce --jobs 2 build/runs/*/*
      medbook reproduce someone_elses/record.json
      medbook reproduce low_dose_ct.zip
      medbook reproduce low_dose_ct.zip --code crate
      MEDBOOK_KEEP_ARITHMETIC=1 ATEN_CPU_CAPABILITY=default \
          medbook reproduce build/runs/pixels/low_dose_ct --within-tolerance
    """
    from press.check.reproduce import reproduce_all
    from press.check.reproduce_crate import reproduce_with_its_code
    from press.run.progress import display

    if code == "crate" and within_tolerance:
        raise UserError("--within-tolerance compares with results/, which --code crate leaves out")

    def show(planned: Sequence[Job]) -> AbstractContextManager[Listener]:
        return display(planned, workers=jobs, echo=click.echo)

    with interruptible():
        if code == "crate":
            warn("running the code that the crate brings: it can do all that you can do")
            found = [reproduce_with_its_code(desk.project, run, show=show) for run in runs]
        else:
            found = reproduce_all(
                desk.project, runs, within_tolerance=within_tolerance, workers=jobs, show=show
            )
    codes = []
    for run, verdict in zip(runs, found, strict=True):
        if len(runs) > 1:
            click.echo(click.style(f"\n{run}", bold=True))
        if isinstance(verdict, UserError):
            warn(f"medbook: {verdict}")
            codes.append(verdict.exit_code)
        else:
            codes.append(_tell(verdict, within_tolerance=within_tolerance))
    if len(runs) > 1:
        same = f"{codes.count(Exit.OK)} of {len(runs)} runs"
        click.echo(f"\n{same} {'hold' if within_tolerance else 'are identical to the bit'}")
    sys.exit(max(codes))


def _tell(verdict: Verdict, *, within_tolerance: bool) -> int:
    """Print what was found of one run; the exit code it ends with."""
    recorded = verdict.recorded.record
    for note in verdict.notes:
        click.echo(click.style(f"note: {note}", dim=True))
    if verdict.identical and within_tolerance:
        click.echo("within the tolerances of the accepted results; every claim holds")
        return Exit.OK
    if verdict.identical:
        count = len(recorded.results)
        figures = len(recorded.figures)
        click.echo(f"identical to the bit: {count} results, {figures} figures")
        return Exit.OK
    first, *others = verdict.differences
    click.echo(click.style("differs: ", fg="red") + str(first), err=True)
    for difference in others:
        click.echo(f"    also: {difference}", err=True)
    if verdict.outputs_identical and not within_tolerance:
        click.echo("all results and figures are identical to the bit nevertheless", err=True)
    if first.kind == "code" and verdict.recorded.crate:
        click.echo(verdict.recorded.offer.removeprefix("; "), err=True)
    return Exit.CHECK_FAILED


commands = [crate, reproduce]
