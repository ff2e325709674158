"""The `medbook` command: run, check and read the book, one verb each.

Heavy libraries are imported inside the commands that need them, so that `--help` is instant.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from press.cli.desk import Desk, interruptible, must_be_writable, warn
from press.errors import EXIT_MEANINGS, Exit, UserError, describe_os_error

if TYPE_CHECKING:
    from press.run.execute import Job, Outcome
    from press.source.project import Project

EPILOG = "\b\nExit codes:\n" + "\n".join(
    f"  {int(code):>3}  {meaning}" for code, meaning in EXIT_MEANINGS.items()
)


class Verbs(click.Group):
    """The group, with the other half of the verbs loaded from other files on demand."""

    order = (
        "list",
        "params",
        "run",
        "build",
        "check",
        "sweep",
        "reproduce",
        "crate",
        "accept",
        "new",
        "weave",
        "serve",
        "door",
        "clean",
    )

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._load()
        known = set(self.commands)
        return [*(n for n in self.order if n in known), *sorted(known - set(self.order))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands:
            self._load()
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise UserError(f"there is no command {args[0]!r}: {_nearest(args[0], self, ctx)}")
        return super().resolve_command(ctx, args)

    def _load(self) -> None:
        from press.cli import crate_cli, door_cli, sweep_cli, verify_cli

        commands = [*verify_cli.commands, *crate_cli.commands, *sweep_cli.commands]
        commands += door_cli.commands
        for command in commands:
            self.commands.setdefault(command.name or "", command)


def _nearest(word: str, group: Verbs, ctx: click.Context) -> str:
    import difflib

    close = difflib.get_close_matches(word, group.list_commands(ctx), n=1)
    return f"did you mean {close[0]!r}?" if close else "`medbook --help` lists them"


@click.group(
    cls=Verbs,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    help="The checkout to work on; by default the one around the current folder.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error (works anywhere).")
@click.version_option(package_name="pixels-to-patients", prog_name="medbook")
@click.pass_context
def cli(context: click.Context, root: Path | None, debug: bool) -> None:
    """Run, check and read "Pixels to Patients", an executable book on medical imaging.

    \b
    First steps:
      medbook list                                what is there, and what is up to date
      medbook build                               run what is not, check it, make the pages
      medbook serve                               read the book in a browser
      medbook params pixels/low_dose_ct           what a chapter lets you change
      medbook run pixels/low_dose_ct -p seed=3    run it your way

    A chapter is named part/name; its bare name will do where it is unique.
    """
    context.obj = Desk(root=root)


# -- looking ---------------------------------------------------------------------------------------


@cli.command("list")
@click.pass_obj
def list_chapters(desk: Desk) -> None:
    """List the chapters in book order, with their state.

    fresh: its outputs are those of the present code, parameters, data and environment; stale: what
    changed is named; never run. Edits of prose leave a chapter fresh.

    \b
    Example:
      medbook list
    """
    from press.run.chapter_run import run_of
    from press.run.execute import last_wall_s
    from press.run.progress import clock

    project = desk.project
    rows = []
    for chapter in project.chapters:
        seconds = last_wall_s(project.run_dir(chapter))
        try:
            state = str(run_of(project, chapter).state)
        except UserError as error:
            state = f"broken: {error}"
        rows.append((chapter.id, "" if seconds is None else clock(seconds), state))
    if not rows:
        click.echo("there are no chapters yet: `medbook new part/name` makes one")
        return
    wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
    colours = {"fresh": "green", "stale": "yellow", "never run": "yellow", "broken": "red"}
    for name, seconds, state in rows:
        word, colon, rest = state.partition(":")
        shown = click.style(word, fg=colours.get(word)) + colon + rest
        click.echo(f"{name:<{wide[0]}}  {seconds:>{wide[1]}}  {shown}")


@cli.command()
@click.argument("chapter")
@click.pass_obj
def params(desk: Desk, chapter: str) -> None:
    """Show what a CHAPTER lets you change.

    Each parameter's name, type, default, range and meaning.

    \b
    Example:
      medbook params pixels/low_dose_ct
    """
    from press.source.given import declared_parameters

    declared = declared_parameters(desk.project, desk.project.notebook(chapter))
    rows = [("name", "type", "default", "range", "meaning")]
    for p in declared.values():
        rows.append((p.name, p.type, repr(p.default), p.range_text(), p.meaning))
    wide = [max(len(row[column]) for row in rows) for column in range(4)]
    for number, row in enumerate(rows):
        cells = (f"{cell:<{width}}" for cell, width in zip(row, wide, strict=False))
        line = "  ".join([*cells, row[4]]).rstrip()
        click.echo(click.style(line, bold=True) if number == 0 else line)


# -- running ---------------------------------------------------------------------------------------


@cli.command()
@click.argument("chapter")
@click.option(
    "-p", "given", multiple=True, metavar="NAME=VALUE", help="Set a parameter; may be repeated."
)
@click.option(
    "-f",
    "file",
    type=click.Path(path_type=Path),
    help="Read parameters from a YAML file (-p wins over it).",
)
@click.option("--profile", default="book", show_default=True, help="A named set of parameters.")
@click.option(
    "-o", "output", type=click.Path(path_type=Path), help="Write the executed notebook here too."
)
@click.option(
    "--accept", "keep", is_flag=True, help="With --profile full: keep the record under results/."
)
@click.option("--no-wait", is_flag=True, help="Fail at once if another medbook is at work here.")
@click.pass_obj
def run(
    desk: Desk,
    chapter: str,
    given: tuple[str, ...],
    file: Path | None,
    profile: str,
    output: Path | None,
    keep: bool,
    no_wait: bool,
) -> None:
    """Run one CHAPTER, with your own parameters if you like.

    A run with the book's parameters takes the place of the book's run. Any other is kept apart,
    below build/runs-adhoc/, and touches nothing of the book. A claim that does not hold under your
    parameters is shown and ends the command with exit code 1; in a profile other than the book's
    it is only shown.

    With --profile full --accept the record of a long run is kept as
    results/<part>/<name>/full.json, where the chapter reads it; a fresh run of that profile is kept
    without running it again.

    \b
    Examples:
      medbook run pixels/low_dose_ct
      medbook run low_dose_ct -p seed=3 -p dose_fraction=0.1 -o mine.ipynb
      medbook run low_dose_ct -f my_parameters.yml
      medbook run low_dose_ct --profile smoke
      medbook run low_dose_ct -p device=cuda
      medbook run my_subject --profile full --accept
    """
    from press.results import full
    from press.run.execute import NOTEBOOK, Outcome, plan
    from press.run.freshness import freshness_of
    from press.run.lock import LOCK, hold
    from press.run.pool import run_jobs
    from press.source.given import read_parameters

    project = desk.project
    found = project.notebook(chapter)
    if keep:
        full.may_be_kept(project, profile=profile, changed=bool(given or file))
    wanted = read_parameters(project, found, given, file)
    job = plan(project, found, given=wanted, profile=profile)
    if output is not None:
        must_be_writable(output, suffixes=(".ipynb",))
    lock = project.build / LOCK
    if job.destination != project.run_dir(found):
        lock = job.destination.with_name(f".{job.destination.name}.lock")
    with interruptible(), hold(lock, wait=not no_wait, echo=warn):
        if keep and freshness_of(project, job).fresh:
            click.echo(f"{job.name}: its run of profile {profile} is fresh and kept")
            outcome = Outcome(job, 0.0)
        else:
            (outcome,) = run_jobs(project, [job], echo=click.echo)
        if outcome.failure:
            for line in outcome.failure.details:
                warn(f"  | {line}")
            raise UserError(outcome.failure.line, outcome.failure.exit_code)
        for warning in outcome.warnings:
            warn(f"warning: {warning}")
        if output is not None:
            from medlib.experiment.record import write_atomically

            write_atomically(output, (job.destination / NOTEBOOK).read_text(encoding="utf-8"))
        code = report(project, job, outcome, output)
        if keep:
            click.echo(f"kept      {project.relative(full.keep(project, job))}")
        sys.exit(code)


def report(project: Project, job: Job, outcome: Outcome, output: Path | None) -> int:
    """Print a run's results and claims; the exit code: 1 where a claim does not hold.

    A profile such as smoke is too small for the book's conclusions: there they only get shown.
    """
    from medlib.experiment.record import read_record
    from press.run.execute import NOTEBOOK, RECORD
    from press.source.project import BOOK_PROFILE

    record = read_record(job.destination / RECORD)
    if record.results:
        click.echo("\nresults")
    wide = max((len(r.name) for r in record.results), default=0)
    for r in record.results:
        unit = f" {r.unit}" if r.unit else ""
        span = "" if r.low is None else f"  [{r.low:.4g}, {r.high:.4g}]"
        count = "" if r.n is None else f"  n = {r.n}"
        click.echo(f"  {r.name:<{wide}}  {r.value:.4g}{unit}{span}{count}")
    if record.claims:
        click.echo("\nclaims")
    for c in record.claims:
        mark = click.style("holds", fg="green") if c.holds else click.style("FAILS", fg="red")
        margin = f"margin {c.margin:.3g} {c.unit}".rstrip()
        control = ", control" if c.control else ""
        click.echo(f"  {mark}  {c.text} ({margin}{control})")
    click.echo(f"\nnotebook  {output or project.relative(job.destination / NOTEBOOK)}")
    click.echo(f"record    {project.relative(job.destination / RECORD)}")
    failed = sum(not c.holds for c in record.claims)
    count = f"{failed} of {len(record.claims)} claims do not hold"
    if failed and job.profile != BOOK_PROFILE:
        click.echo(f"{count}; they are conclusions of the book, not of profile {job.profile}")
    elif failed:
        warn(f"medbook: {job.name}: {count}")
        return Exit.CHECK_FAILED
    return Exit.OK


@cli.command()
@click.option(
    "-j", "--jobs", type=click.IntRange(min=1), help="Chapters side by side; default: the cores."
)
@click.option("--force", is_flag=True, help="Run every chapter, the fresh ones too.")
@click.option("--no-wait", is_flag=True, help="Fail at once if another medbook is at work here.")
@click.pass_obj
def build(desk: Desk, jobs: int | None, force: bool, no_wait: bool) -> None:
    """Run what is not fresh, check everything, make the web book.

    Chapters run side by side; one that fails does not stop the others, and all failures are named
    at the end. The book comes out in build/site/.

    \b
    Examples:
      medbook build
      medbook build --jobs 1
      medbook build --force
    """
    from press.cli.build import build as build_book

    with interruptible():
        code = build_book(
            desk.project, workers=jobs, force=force, wait=not no_wait, echo=click.echo, warn=warn
        )
    sys.exit(int(code))


@cli.command()
@click.argument("chapters", nargs=-1)
@click.option(
    "-o",
    "output",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to write to  [default: build/notebooks]",
)
@click.option("--student", is_flag=True, help="Leave out the cells tagged as solutions.")
@click.option("--force", is_flag=True, help="Write over notebooks that were changed.")
@click.pass_obj
def weave(
    desk: Desk, chapters: tuple[str, ...], output: Path | None, student: bool, force: bool
) -> None:
    """Write CHAPTERS (default: all) as notebooks for Jupyter or papermill.

    A notebook that you have run or edited since is not written over, unless you say --force.

    \b
    Examples:
      medbook weave
      papermill build/notebooks/pixels/low_dose_ct.ipynb mine.ipynb -p seed 3
      medbook weave --student -o handout
    """
    from press.check.plain_sight import answers_in_plain_sight
    from press.source.checked_cells import exercises_of
    from press.source.jupyter_markdown import for_jupyter, references_of
    from press.source.weave import is_as_woven, sealed, student_edition, write_notebook
    from press.source.weave import weave as weave_source

    project = desk.project
    folder = output or project.notebooks
    made = {}
    dois = references_of(project.root)
    for chapter in [project.notebook(name) for name in chapters] or project.chapters:
        notebook = weave_source(chapter.source)
        if student:
            try:
                notebook = student_edition(notebook)
            except UserError as error:
                raise UserError(f"{project.relative(chapter.source)}: {error}") from None
        if seen := answers_in_plain_sight(notebook.cells, exercises_of(chapter.source)):
            raise UserError(f"{project.relative(chapter.source)}: {'; '.join(seen)}")
        made[folder / chapter.part / f"{chapter.name}.ipynb"] = sealed(
            for_jupyter(notebook, dois=dois)
        )
    edited = [] if force else [path for path in made if path.exists() and not is_as_woven(path)]
    if edited:
        raise UserError(
            f"{', '.join(project.relative(path) for path in edited)}: changed since it was woven,"
            " and weaving would lose that; rename it, weave elsewhere with -o, or use --force"
        )
    for path, notebook in made.items():
        write_notebook(notebook, path)
        click.echo(project.relative(path))


@cli.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="0 takes any free port.",
)
@click.pass_obj
def serve(desk: Desk, port: int) -> None:
    """Serve the built book on this machine, for this machine only.

    \b
    Example:
      medbook serve --port 8080
    """
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    site = desk.project.site
    if not (site / "index.html").is_file():
        raise UserError("there is no book yet: `medbook build` makes it")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(site)))
    except OSError as error:
        raise UserError(
            f"port {port} cannot be used ({error.strerror}): try --port 0", Exit.ENVIRONMENT
        ) from None
    click.echo(f"reading {desk.project.relative(site)} at http://127.0.0.1:{server.server_port}/")
    click.echo("Ctrl-C ends it")
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo()


@cli.command()
@click.option("--runs", "only_runs", is_flag=True, help="Only the runs with your own parameters.")
@click.pass_obj
def clean(desk: Desk, only_runs: bool) -> None:
    """Remove what the press made: build/, and nothing else.

    \b
    Examples:
      medbook clean
      medbook clean --runs
    """
    import shutil

    from press.run.lock import LOCK, hold

    project = desk.project
    if not project.build.is_dir():
        click.echo("there is nothing to remove")
        return
    with hold(project.build / LOCK, wait=False, echo=warn):
        doomed = [project.adhoc_runs] if only_runs else list(project.build.iterdir())
        for path in doomed:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.exists() and not path.name.startswith(LOCK):
                path.unlink()
    click.echo(f"removed {project.relative(project.adhoc_runs if only_runs else project.build)}")


# -- the way in and the way out --------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> int:
    """Run `medbook`; every failure is one line on standard error and a telling exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without ≤ gets a question mark
            stream.reconfigure(errors="replace")
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    run_command: Callable[..., Any] = cli.main
    try:
        result = run_command(words, prog_name="medbook", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
    except (KeyboardInterrupt, click.Abort):
        warn("medbook: interrupted; nothing half-written is left")
        return Exit.INTERRUPTED
    except UserError as error:
        if debug:
            raise
        warn(f"medbook: {error}")
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return Exit.USAGE
    except click.ClickException as error:
        hint = ""
        if isinstance(error, click.UsageError) and error.ctx is not None:
            hint = f" (`{error.ctx.command_path} --help` explains)"
        warn(f"medbook: {error.format_message()}{hint}")
        return Exit.USAGE
    except OSError as error:
        if debug:
            raise
        warn(f"medbook: {describe_os_error(error)}")
        return Exit.ENVIRONMENT
    except Exception as error:
        if debug:
            raise
        warn(f"medbook: unexpected {type(error).__name__}: {error} (--debug shows where)")
        return Exit.FAULT


if __name__ == "__main__":
    sys.exit(main())
