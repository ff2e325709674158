"""From sources to a verified book: execute what is not fresh, verify all, make the site."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from press.errors import Exit, UserError
from press.execute import Job, Outcome, available_cores, execute_all, plan
from press.freshness import Freshness, freshness_of
from press.lock import hold
from press.progress import clock, display
from press.project import Project

Echo = Callable[[str], None]


@dataclass(frozen=True)
class Stale:
    """A chapter that must run, and why."""

    job: Job
    freshness: Freshness


def what_to_run(project: Project, *, force: bool = False) -> tuple[list[Stale], list[str]]:
    """The chapters that are not fresh, in book order, and those whose source cannot be used."""
    stale, broken = [], []
    for chapter in project.chapters:
        try:
            job = plan(project, chapter)
        except UserError as error:
            broken.append(str(error))
            continue
        state = freshness_of(project, job)
        if force or not state.fresh:
            stale.append(Stale(job, state))
    return stale, broken


def run_jobs(
    project: Project, jobs: Sequence[Job], *, workers: int | None = None, echo: Echo = print
) -> list[Outcome]:
    """Execute `jobs` side by side, with the progress display that suits the terminal."""
    workers = max(1, min(workers or available_cores(), len(jobs)))
    with display(jobs, workers=workers, echo=echo) as listener:
        return execute_all(project, jobs, workers=workers, listener=listener)


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

    A chapter that fails does not stop the others; whatever went wrong is named again at the end.
    No site is made from a chapter that has no run of its present code.

    Returns:
        The exit code: 0, or what `press.errors.Exit` calls the worst that happened.
    """
    with hold(project.build / "medbook.lock", wait=wait, echo=warn):
        stale, broken = what_to_run(project, force=force)
        total = len(project.chapters)
        if total == 0:
            raise UserError(
                f"{project.root / 'chapters'} holds no chapters: `medbook new` makes one"
            )
        echo(f"{total - len(stale) - len(broken)} of {total} chapters are fresh")
        for item in stale:
            echo(f"run     {item.job.name}: {item.freshness}")
        outcomes = run_jobs(project, [item.job for item in stale], workers=workers, echo=echo)
        failures = [outcome.failure for outcome in outcomes if outcome.failure]
        for outcome in outcomes:
            for warning in outcome.warnings:
                warn(f"warning: {warning}")
        if failures or broken:
            for failure in failures:
                warn("")
                warn(failure.line)
                for line in failure.details:
                    warn(f"  | {line}")
            _summarise("these chapters failed; the site was not made:", failures, broken, warn)
            codes = [failure.exit_code for failure in failures]
            return Exit.CHAPTER_FAILED if broken else max(codes)
        return verify_and_publish(project, echo=echo, warn=warn)


def verify_and_publish(project: Project, *, echo: Echo = print, warn: Echo = print) -> int:
    """Check every chapter's run, then make the site; the exit code."""
    from press.site import build_site
    from press.verify import verify_book

    problems = [str(problem) for problem in verify_book(project)]
    site = build_site(project, echo=echo)
    echo(f"the book is at {project.relative(site / 'index.html')}")
    if problems:
        warn("")
        warn(f"the book was made, but {len(problems)} checks failed:")
        for problem in problems:
            warn(f"  - {problem}")
        return Exit.CHECK_FAILED
    return Exit.OK


def _summarise(head: str, failures: Sequence[object], broken: Sequence[str], warn: Echo) -> None:
    warn("")
    warn(head)
    for failure in failures:
        warn(f"  - {failure.line}")
    for line in broken:
        warn(f"  - {line}")


def describe_time(outcomes: Sequence[Outcome]) -> str:
    """How long the jobs took, added up."""
    return clock(sum(outcome.wall_s for outcome in outcomes))
