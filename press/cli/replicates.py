"""What `medbook check` runs besides looking: other seeds, falsifiers, longer training."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from press.cli.desk import interruptible, warn
from press.errors import UserError

if TYPE_CHECKING:
    from medlib.experiment.tables import SweepTable
    from press.finding import Finding
    from press.results.sweep import Sweep
    from press.run.scheduler import Workers
    from press.source.project import Chapter, Project


def check_seeds(
    project: Project, chapters: Sequence[Chapter], *, count: int, **options: Any
) -> list[Finding]:
    """Run chapters on other seeds; what is wrong there."""
    from press.cli.claim_lines import seed_lines
    from press.results import seeds

    return _check_sweeps(
        project,
        plan=lambda: [seeds.plan_seeds(project, chapter, count=count) for chapter in chapters],
        lines=seed_lines,
        markdown=seeds.as_markdown,
        findings=seeds.findings,
        **options,
    )


def check_falsifiers(
    project: Project, chapters: Sequence[Chapter], *, profile: str, **options: Any
) -> list[Finding]:
    """Run the falsifiers of chapters' claims; the claims that were not refuted."""
    from press.cli.claim_lines import falsifier_lines
    from press.results import falsified

    return _check(
        project,
        run=lambda workers: falsified.falsify(
            project, chapters, profile=profile, workers=workers, echo=click.echo
        ),
        lines=lambda table, width: falsifier_lines(table, width=width),
        markdown=falsified.as_markdown,
        table=lambda table: table,
        findings=falsified.findings,
        keep=lambda table, commit: falsified.keep(project, table, commit=commit),
        **options,
    )


def check_longer(
    project: Project, chapters: Sequence[Chapter], *, profile: str, **options: Any
) -> list[Finding]:
    """Train longer; the claims that do not keep their sign."""
    from press.cli.claim_lines import longer_lines
    from press.results import longer

    return _check_sweeps(
        project,
        plan=lambda: [
            longer.plan_longer(project, chapter, profile=profile) for chapter in chapters
        ],
        lines=longer_lines,
        markdown=longer.as_markdown,
        findings=longer.findings,
        **options,
    )


def _check_sweeps(
    project: Project,
    *,
    plan: Callable[[], Sequence[Sweep]],
    lines: Callable[..., Sequence[str]],
    markdown: Callable[[Sequence[SweepTable]], str],
    **options: Any,
) -> list[Finding]:
    """Run one sweep a chapter, and check the table of each."""
    from press.results.sweep import keep, run_sweeps

    def run(workers: Workers) -> list[tuple[Sweep, SweepTable]]:
        sweeps = plan()
        tables = run_sweeps(project, sweeps, workers=workers, echo=click.echo)
        return list(zip(sweeps, tables, strict=True))

    return _check(
        project,
        run=run,
        lines=lambda made, width: lines(made[1], width=width),
        markdown=lambda every: markdown([table for _, table in every]),
        table=lambda made: made[1],
        keep=lambda made, commit: keep(project, *made, commit=commit),
        **options,
    )


def _check(
    project: Project,
    *,
    run: Callable[[Workers], Sequence[Any]],
    lines: Callable[[Any, int | None], Sequence[str]],
    markdown: Callable[[Sequence[Any]], str],
    table: Callable[[Any], Any],
    findings: Callable[[Any], list[Finding]],
    keep: Callable[[Any, str], Path],
    jobs: Workers,
    accept: bool,
    output: Path | None,
) -> list[Finding]:
    """Run, print, write and keep; what is wrong."""
    from medlib.experiment.record import write_atomically
    from press.results.accepted import to_json
    from press.results.kept import commit_to_name
    from press.run.lock import LOCK, hold

    if accept:
        commit_to_name(project)  # before hours of work, not after
    with interruptible(), hold(project.build / LOCK, echo=warn):
        made = run(jobs)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for each in made:
        for line in lines(each, width):
            click.echo(line)
    if output is not None and output.suffix == ".json":
        write_atomically(output, to_json([table(each).model_dump(mode="json") for each in made]))
    elif output is not None:
        write_atomically(output, markdown(made))
    if accept:
        commit = commit_to_name(project)
        for each in made:
            click.echo(f"kept {project.relative(keep(each, commit))}")
    return [finding for each in made for finding in findings(table(each))]


def must_be_one(
    words: dict[str, bool], *, accept: bool, output: Path | None, jobs: Workers
) -> None:
    """Whether ``--accept``, ``-o`` and ``--scheduler`` have one thing to work on, and one only.

    Raises:
        UserError: they do not.
    """
    asked = [word for word, given in words.items() if given]
    if len(asked) > 1:
        raise UserError(f"{' and '.join(asked)} are made one at a time: run two commands")
    if (accept or output) and not asked:
        raise UserError(
            "--accept and -o concern what is run besides the book: add --seeds N, --falsify or"
            " --longer"
        )
    if not (asked or jobs is None or isinstance(jobs, int)):
        raise UserError(
            "--scheduler has nothing to run: add --seeds N, --falsify or --longer; the book's own"
            " runs are this machine's"
        )
