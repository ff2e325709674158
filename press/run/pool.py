"""Jobs handed to a scheduler, with the display that suits the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from press.run.execute import Job, Listener, Outcome
from press.run.progress import display
from press.run.scheduler import Workers, as_scheduler
from press.source.project import Project

Echo = Callable[[str], None]


def run_jobs(
    project: Project,
    jobs: Sequence[Job],
    *,
    workers: Workers = None,
    echo: Echo = print,
    finished: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Execute `jobs` side by side, with the progress display that suits the terminal.

    `workers` says where: so many of this machine's cores, all of them, or those of a cluster.
    `finished` hears of each job as soon as it has ended, well or badly.
    """
    scheduler = as_scheduler(workers)
    with display(jobs, workers=scheduler.side_by_side(jobs) or 1, echo=echo) as listener:
        heard = _Heard(listener, finished) if finished else listener
        return scheduler.run(project, jobs, heard)


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

    def crew(self, workers: int) -> None:
        self.listener.crew(workers)

    def note(self, line: str) -> None:
        self.listener.note(line)
