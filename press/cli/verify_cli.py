"""The verbs of `medbook` that hold the book to its word: check, accept; and new, rename, remove."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from press.cli.desk import Desk, interruptible, must_be_writable, warn
from press.cli.scheduler_options import takes_scheduler
from press.errors import Exit, UserError

if TYPE_CHECKING:
    from press.finding import Finding
    from press.run.scheduler import Workers
    from press.source.project import Chapter, Project


@click.command()
@click.argument("chapters", nargs=-1)
@click.option("--strict", is_flag=True, help="Figures must agree to the last pixel.")
@click.option("--profile", default="book", show_default=True, help="Check the runs of a profile.")
@click.option(
    "--seeds", "count", type=click.IntRange(min=1), help="Run on this many other seeds as well."
)
@click.option("--falsify", is_flag=True, help="Run each claim's falsifier: there it must fail.")
@click.option("--longer", is_flag=True, help="Train twice and four times as long, on two seeds.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Runs side by side.")
@takes_scheduler
@click.option("--accept", "keep", is_flag=True, help="Keep the table of these under results/.")
@click.option(
    "-o",
    "output",
    type=click.Path(path_type=Path),
    help="Write the table here too: .md or .json.",
)
@click.pass_obj
def check(
    desk: Desk,
    chapters: tuple[str, ...],
    strict: bool,
    profile: str,
    count: int | None,
    falsify: bool,
    longer: bool,
    jobs: Workers,
    keep: bool,
    output: Path | None,
) -> None:
    """Check the runs of CHAPTERS (default: all): claims, results, figures, budgets, source.

    A claim must hold; a result must agree with results/ within the tolerance that its chapter
    states; a figure must exist, carry alt text and caption, and show what it showed; a chapter must
    keep within 75 s of CPU and 2 GiB. Nothing is executed. MEDBOOK_BUDGET_FACTOR allows a slower
    machine more CPU time; a note then says how much.

    A table kept under results/ must have been made by the present code, or be named with a reason
    in results/known_stale.toml; the point of a recorded sweep that the build runs again must agree.
    Where the table of other seeds keeps results, no tolerance counts for more than half of their
    spread; on another arithmetic a result beyond it is a note, as far as two seeds are apart.

    With --seeds N every chapter is run on N other seeds, and a claim must hold on nine of ten of
    them. With --falsify each claim is run under the parameter set or companion that it names as
    `falsified_by`, and must fail there. With --longer the training lengths that a chapter declares
    (its parameter set `longer`) are doubled and doubled again, on two seeds: a claim must keep its
    sign. What was stopped goes on where it was. --accept keeps the table, with the commit that made
    it; files that differ from the commit are refused. --scheduler runs all these on a Dask cluster.

    A figure whose pixels differ while its thumbnail agrees is a note: another processor may round
    the last bit differently. --strict makes it an error.

    \b
    Examples:
      medbook check
      medbook check pixels/low_dose_ct --strict
      medbook check --seeds 10 -o seeds.md
      medbook check --seeds 10 --accept
      medbook check low_dose_ct --falsify --accept
      medbook check low_dose_ct --longer -o longer.md
      medbook check --seeds 10 --scheduler tls://gpu1:8786 --tls ~/.medbook
      MEDBOOK_BUDGET_FACTOR=2 medbook check       on a machine half as fast
    """
    from press.check.budgets import stretched_budgets
    from press.check.verify import inspect_book, inspect_chapter
    from press.cli import replicates

    project = desk.project
    wanted = _chapters(project, chapters)
    asked = {"--seeds": bool(count), "--falsify": falsify, "--longer": longer}
    replicates.must_be_one(asked, accept=keep, output=output, jobs=jobs)
    if output is not None and output.suffix not in (".md", ".json"):
        raise UserError(f"-o {output}: the table is written as .md or .json")
    if output is not None:
        must_be_writable(output)
    if profile != "book":
        project.profile_parameters(profile, wanted[0])  # an unknown one is bad input, no finding
        if keep:
            raise UserError("--accept keeps what the book's own parameters give: drop --profile")
    options = {"jobs": jobs, "accept": keep, "output": output}
    found: list[Finding] = []
    if count:
        found += replicates.check_seeds(project, wanted, count=count, **options)
    if falsify:
        found += replicates.check_falsifiers(project, wanted, profile=profile, **options)
    if longer:
        found += replicates.check_longer(project, wanted, profile=profile, **options)
    if profile == "book":
        seen = inspect_book(project, wanted if chapters else None, strict=strict)
    else:
        seen = [f for c in wanted for f in inspect_chapter(project, c, profile=profile)]
    found = [*(f for f in seen if str(f) not in set(map(str, found))), *found]
    sys.exit(_say([*stretched_budgets(), *found], wanted))


def _say(found: Sequence[Finding], chapters: Sequence[Chapter]) -> int:
    from press.finding import errors

    for finding in found:
        if finding.severity == "note":
            click.echo(f"note: {finding}")
    wrong = errors(found)
    for finding in wrong:
        click.echo(click.style("✗ ", fg="red") + str(finding), err=True)
    number = f"{len(chapters)} chapter{'' if len(chapters) == 1 else 's'}"
    if wrong:
        things = "1 check failed" if len(wrong) == 1 else f"{len(wrong)} checks failed"
        click.echo(f"{number} checked: {things}", err=True)
        return Exit.CHECK_FAILED
    click.echo(f"{number} checked: all is well")
    return Exit.OK


@click.command()
@click.argument("chapters", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing.")
@click.pass_obj
def accept(desk: Desk, chapters: tuple[str, ...], dry_run: bool) -> None:
    """Make the present runs of CHAPTERS (default: all) the ones to compare with.

    Writes results/<part>/<name>/accepted.json and shows what changes in it. Only a fresh run whose
    claims hold is accepted. Look at the changes as a reviewer would: from now on they are the
    truth.

    \b
    Examples:
      medbook accept --dry-run
      medbook accept pixels/low_dose_ct
    """
    from press.run.lock import LOCK, hold

    project = desk.project
    refused: list[Finding] = []
    with nullcontext() if dry_run else hold(project.build / LOCK, echo=warn):
        for chapter in _chapters(project, chapters):
            refused += accept_chapter(project, chapter, dry_run=dry_run)
    for finding in refused:
        click.echo(click.style("✗ ", fg="red") + str(finding), err=True)
    sys.exit(Exit.CHECK_FAILED if refused else Exit.OK)


def accept_chapter(project: Project, chapter: Chapter, *, dry_run: bool = False) -> list[Finding]:
    """Accept the present run of one chapter; what stands against it, where something does."""
    from press.check.drift import changes
    from press.check.verify import inspect_for_acceptance
    from press.finding import errors
    from press.results.accepted import distil, read_accepted, results_path, write_accepted
    from press.run.chapter_run import run_of

    against = errors(inspect_for_acceptance(project, chapter))
    if against:
        click.echo(f"{chapter}: refused")
        return against
    folder = project.run_dir(chapter)
    now = distil(run_of(project, chapter).run.record, title=chapter.title, run_folder=folder)
    path = results_path(project.results, chapter.id)
    was = read_accepted(path) if path.is_file() else None
    lines = changes(was, now)
    if not lines:
        click.echo(f"{chapter}: nothing changes")
        return []
    if not dry_run:
        write_accepted(path, now)  # first: who reads "accepted" may rely on it
    click.echo(f"{chapter}: {'would change' if dry_run else 'accepted'}")
    for line in lines:
        click.echo(f"  {line}")
    if not dry_run:
        click.echo(f"  wrote {project.relative(path)}")
    return []


@click.command()
@click.argument("chapter", metavar="PART/NAME")
@click.option("--title", default="", help="The title on the page; made from the name if absent.")
@click.option("--no-run", is_flag=True, help="Write the files only.")
@click.pass_obj
def new(desk: Desk, chapter: str, title: str, no_run: bool) -> None:
    """Make a new chapter that passes every check from its first minute.

    PART is pixels, diagnosis, translation or systems; NAME is lower case with underscores. Written
    are the files of its folder and its line in _toc.yml, or nothing at all.
    The chapter is a small real simulation with all the pieces that a chapter must have: replace the
    science, keep the bones. It is run once, and its results are accepted.

    \b
    Examples:
      medbook new diagnosis/roc_curves --title "What a threshold costs"
    """
    from press.cli.scaffold import scaffold
    from press.run.execute import plan
    from press.run.lock import LOCK, hold
    from press.run.pool import run_jobs
    from press.source.project import Project

    project = desk.project
    made = scaffold(project, chapter, title=title)
    with interruptible(), hold(project.build / LOCK, echo=warn):
        made.write()
        for path in made.files:
            click.echo(f"wrote {project.relative(path)}")
        project = Project(project.root)  # what it read before is out of date
        found = project.chapter(chapter)
        if not no_run:
            (outcome,) = run_jobs(project, [plan(project, found)], echo=click.echo)
            if outcome.failure:
                raise UserError(outcome.failure.line, outcome.failure.exit_code)
            if refused := accept_chapter(project, found):
                raise UserError(str(refused[0]), Exit.CHECK_FAILED)
    click.echo(
        f"\nnext: edit {project.relative(found.source)}, then\n"
        f"  medbook run {chapter} --profile smoke\n"
        f"  medbook build && medbook accept {chapter} && medbook check {chapter} --seeds 10"
    )


@click.command()
@click.argument("chapter")
@click.argument("new", metavar="PART/NAME")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.pass_obj
def rename(desk: Desk, chapter: str, new: str, dry_run: bool) -> None:
    """Give a chapter another name, everywhere.

    Its folder, its results, its line in _toc.yml and every link to it follow, also by its bare name
    from its own part, in .ci/run, tests and docs/; what was derived from it under build/ goes. Its
    run is made again by the next build.

    \b
    Examples:
      medbook rename low_dose_ct pixels/dose --dry-run
    """
    from press.cli.relocate import rename as renamed

    project = desk.project
    with _writing(project, dry_run):
        for line in renamed(project, project.chapter(chapter), new, write=not dry_run):
            click.echo(line)


@click.command()
@click.argument("chapter")
@click.option("--dry-run", is_flag=True, help="Show what would go, and change nothing.")
@click.pass_obj
def remove(desk: Desk, chapter: str, dry_run: bool) -> None:
    """Take a chapter out of the book, with its results and its runs.

    Refused while another page, a test, .ci/run or book/sources.yml points to it: all the places are
    named. The files come back with git.

    \b
    Examples:
      medbook remove pixels/draft --dry-run
    """
    from press.cli.relocate import remove as removed

    project = desk.project
    with _writing(project, dry_run):
        for line in removed(project, project.chapter(chapter), write=not dry_run):
            click.echo(line)


def _writing(project: Project, dry_run: bool) -> AbstractContextManager[object]:
    """The lock that whoever moves files of the book holds."""
    from press.run.lock import LOCK, hold

    return nullcontext() if dry_run else hold(project.build / LOCK, echo=warn)


def _chapters(project: Project, names: Sequence[str]) -> list[Chapter]:
    chapters = [project.chapter(name) for name in names] or project.chapters
    if not chapters:
        raise UserError("there are no chapters yet: `medbook new part/name` makes one")
    return chapters


commands = [check, accept, new, rename, remove]
