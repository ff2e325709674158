"""From sources to a verified book: execute what is not fresh, verify all, make the site."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from press.errors import Exit, UserError
from press.results.live import live_points
from press.run.chapter_run import run_of
from press.run.execute import Failure, Job
from press.run.freshness import Freshness
from press.run.lock import LOCK, hold
from press.run.pool import run_jobs
from press.source.project import Project

Echo = Callable[[str], None]


@dataclass(frozen=True)
class Stale:
    """A chapter that must run, and why."""

    job: Job
    freshness: Freshness


def what_to_run(project: Project, *, force: bool = False) -> tuple[list[Stale], list[Failure]]:
    """The chapters that are not fresh, in book order, and those whose source cannot be used."""
    stale, broken = [], []
    for chapter in project.chapters:
        read = run_of(project, chapter)
        try:
            job = read.job
        except UserError as error:
            line = str(error) if chapter.id in str(error) else f"{chapter}: {error}"
            broken.append(Failure(chapter.id, line))
            continue
        if force or not read.state.fresh:
            stale.append(Stale(job, read.state))
    return stale, broken


def build(
    project: Project,
    *,
    workers: int | None = None,
    force: bool = False,
    wait: bool = True,
    echo: Echo = print,
    warn: Echo = print,
) -> int:
    """Execute every chapter that is not fresh, verify the book, and make its site.

    Beside the chapters one point of each recorded sweep is run again, to be compared with the
    recorded one.

    A chapter that fails stops neither the others nor the checks of the others; whatever went wrong
    is named again at the end. No site is made while a chapter has no run of its present code.

    Returns:
        The exit code: 0, or what `press.errors.Exit` calls the worst that happened.
    """
    from press.check.budgets import stretched_budgets
    from press.cli.verified import Looked, nothing_changed, stamp

    total = len(project.chapters)
    if total == 0:
        _no_chapters(project)
    with hold(project.build / LOCK, wait=wait, echo=warn):
        before = Looked.at(project)
        if not force and nothing_changed(project, before):
            echo(f"{total} of {total} chapters are fresh")
            for note in stretched_budgets():
                echo(f"note: {note}")
            echo("nothing changed since the last build, which found all in order")
            tell_where(project, project.site, echo=echo)
            return Exit.OK
        stale, failures = what_to_run(project, force=force)
        echo(f"{total - len(stale) - len(failures)} of {total} chapters are fresh")
        for item in stale:
            echo(f"run     {item.job.name} ({item.freshness})")
        again = [live for live in live_points(project) if force or not live.state(project).fresh]
        for live in again:
            what = "the same code" if live.beside else "a point of its recorded sweep"
            echo(f"again   {live.chapter} at {live.told} ({what})")
        jobs = [item.job for item in stale] + [live.job for live in again]
        outcomes = run_jobs(project, jobs, workers=workers, echo=echo)
        recorded = {id(live.job) for live in again}
        failures += [o.failure for o in outcomes if o.failure and id(o.job) not in recorded]
        for outcome in outcomes:
            for warning in outcome.warnings:
                warn(f"warning: {warning}")
        for note in stretched_budgets():
            echo(f"note: {note}")
        problems = [o.failure.line for o in outcomes if o.failure and id(o.job) in recorded]
        checked = Looked.at(project)
        problems += verify(project, failed={failure.chapter for failure in failures})
        code = Exit.CHECK_FAILED if problems else Exit.OK
        if failures:
            code = Exit(max(failure.exit_code for failure in failures))
            warn("the site was not made, because a chapter has no run of its present code")
        else:
            try:
                publish(project, echo=echo)
            except UserError as error:
                problems.append(str(error))
                code = Exit(error.exit_code)
        tell_what_went_wrong(failures, problems, warn=warn)
        if code == Exit.OK:
            stamp(project, before=before, checked=checked)
        return code


def verify(project: Project, *, failed: set[str]) -> list[str]:
    """What the checks say; of a chapter that failed, its source alone is checked."""
    from press.check.verify import inspect_source, verify_book
    from press.finding import errors

    found = [finding for finding in verify_book(project) if finding.chapter not in failed]
    for chapter in project.chapters:
        if chapter.id in failed:
            found += [f for f in errors(inspect_source(project, chapter)) if f.what != "source"]
    return [str(finding) for finding in found]


def publish(project: Project, *, echo: Echo) -> None:
    """Make the site.

    Raises:
        UserError: it cannot be made.
    """
    from press.page.site import build_site

    tell_where(project, build_site(project, echo=echo), echo=echo)


def tell_where(project: Project, site: Path, *, echo: Echo) -> None:
    """Where the site is, and how it is looked at."""
    echo(f"the book is at {project.relative(site / 'index.html')}; `medbook serve` shows it")


def tell_what_went_wrong(
    failures: Sequence[Failure], problems: Sequence[str], *, warn: Echo
) -> None:
    """Each failure with its last lines, then all that is wrong as one list."""
    for failure in failures:
        if failure.details:
            warn(f"\n{failure.chapter}")
        for line in failure.details:
            warn(f"  | {line}")
    wrong = [failure.line for failure in failures] + list(problems)
    if wrong:
        warn(f"\n{len(wrong)} {'thing is' if len(wrong) == 1 else 'things are'} wrong:")
    for line in wrong:
        warn(f"  - {line}")


def _no_chapters(project: Project) -> NoReturn:
    raise UserError(f"{project.root / 'chapters'} holds no chapters: `medbook new` makes one")
