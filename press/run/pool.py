"""Jobs handed to this machine's cores, with the display that suits the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from press.run.execute import Job, Listener, Outcome, available_cores, execute_all
from press.run.progress import display
from press.source.project import Project

Echo = Callable[[str], None]


def run_jobs(
    project: Project,
    jobs: Sequence[Job],
    *,
    workers: int | None = None,
    echo: Echo = print,
    finished: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Execute `jobs` side by side, with the progress display that suits the terminal.

    `finished` hears of each job as soon as it has ended, well or badly.
    """
    workers = max(1, min(workers or available_cores(), len(jobs)))
    with display(jobs, workers=workers, echo=echo) as listener:
        heard = _Heard(listener, finished) if finished else listener
        return execute_all(project, jobs, workers=workers, listener=heard)


class _Heard:
    """A listener that lets somebody else hear how a job ended, first."""

    def __init__(self, listener: Listener, finished: Callable[[Outcome], None]) -> None:
        self.listener, self.and_then = listener, finished

    def started(self, job: Job, cells: int) -> None:
        self.listener.started(job, cells)

    def cell(self, job: Job, number: int, section: str) -> None:
        self.listener.cell(job, number, section)

    def finished(self, outcome: Outcome) -> None:
        self.and_then(outcome)
        self.listener.finished(outcome)

    def tick(self) -> None:
        self.listener.tick()
