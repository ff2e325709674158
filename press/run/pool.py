"""Jobs handed to this machine's cores, with the display that suits the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from press.run.execute import Job, Outcome, available_cores, execute_all
from press.run.progress import display
from press.source.project import Project

Echo = Callable[[str], None]


def run_jobs(
    project: Project, jobs: Sequence[Job], *, workers: int | None = None, echo: Echo = print
) -> list[Outcome]:
    """Execute `jobs` side by side, with the progress display that suits the terminal."""
    workers = max(1, min(workers or available_cores(), len(jobs)))
    with display(jobs, workers=workers, echo=echo) as listener:
        return execute_all(project, jobs, workers=workers, listener=listener)
