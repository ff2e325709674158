"""What a person sees while chapters run: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from press.run.execute import Job, Listener, Outcome

if TYPE_CHECKING:
    from rich.console import Console

CELL = len("kernel starts")
SECONDS = len("1:01:40")


def clock(seconds: float) -> str:
    """Seconds as a person says them.

    >>> clock(8.31), clock(75), clock(3700)
    ('8.3 s', '1:15', '1:01:40')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@dataclass
class _Running:
    """How far one job has come."""

    job: Job
    since: float
    cells: int = 0
    number: int = 0
    section: str = ""

    def fraction(self, now: float) -> float:
        """The share done: by time where an earlier run tells, else by cells; never quite all."""
        if self.job.expected_s:
            return min((now - self.since) / self.job.expected_s, 0.99)
        return min(self.number / self.cells, 0.99) if self.cells else 0.0


def columns(width: int, *, longest: int) -> tuple[int, int, int]:
    """How wide the name, the bar and the section are on a terminal; a section of 0 is left out.

    The cell and the seconds always fit; then the name counts, the bar, and last the section.

    Args:
        width: of the terminal, in characters.
        longest: name of a job.

    >>> columns(120, longest=31), columns(80, longest=31), columns(80, longest=39)
    ((31, 24, 41), (31, 12, 13), (39, 18, 0))
    """
    rest = width - CELL - SECONDS - 3  # a space between two columns
    name = max(min(longest, rest - 5), 8)
    rest -= name
    bar = 24 if rest >= 40 else 12 if rest >= 23 else max(min(rest, 24), 4)
    section = rest - bar - 1
    return name, bar, section if section >= 10 else 0


def seconds_left(
    running: Sequence[tuple[float, float | None]],
    waiting: Sequence[float | None],
    *,
    workers: int,
) -> float | None:
    """The time until all jobs are done, from earlier runs' times; None while one is unknown.

    Args:
        running: seconds elapsed and expected, of each job at work.
        waiting: expected seconds of each job still to start.
        workers: how many jobs run side by side.

    >>> seconds_left([(4.0, 10.0)], [8.0, 2.0], workers=2)
    8.0
    """
    if any(expected is None for _, expected in running) or any(w is None for w in waiting):
        return None
    free = sorted(max(expected - elapsed, 0.0) for elapsed, expected in running)
    free = [0.0] * max(workers - len(free), 0) + free
    for expected in sorted(waiting, reverse=True):
        free[0] += expected
        free.sort()
    return max(free, default=0.0)


@dataclass
class PlainLines(Listener):
    """One line when a chapter starts and one when it ends: for logs, pipes and CI."""

    echo: Callable[[str], None]
    total: int
    done: int = 0

    def started(self, job: Job, cells: int) -> None:
        about = f", about {clock(job.expected_s)}" if job.expected_s else ""
        self.echo(f"start   {job.name} ({cells} cells{about})")

    def cell(self, job: Job, number: int, section: str) -> None: ...

    def finished(self, outcome: Outcome) -> None:
        self.done += 1
        word = "done   " if outcome.ok else "FAILED "
        count = f"[{self.done}/{self.total}]"
        self.echo(f"{word} {outcome.job.name} in {clock(outcome.wall_s)} {count}")
        if outcome.failure and self.total > 1:
            self.echo(f"        {outcome.failure.line}")

    def tick(self) -> None: ...
    def crew(self, workers: int) -> None: ...

    def note(self, line: str) -> None:
        self.echo(line)


@dataclass
class LiveTable(Listener):
    """A table that moves: a bar, the cell, the section and the seconds of each chapter at work."""

    live: Any
    jobs: Sequence[Job]
    workers: int
    running: dict[int, _Running] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    since: float = field(default_factory=time.perf_counter)

    def started(self, job: Job, cells: int) -> None:
        self._of(job).cells = cells

    def cell(self, job: Job, number: int, section: str) -> None:
        state = self._of(job)
        state.number, state.section = number, section

    def finished(self, outcome: Outcome) -> None:
        self.running.pop(id(outcome.job), None)
        self.outcomes.append(outcome)
        mark = "[green]✓[/]" if outcome.ok else "[bold red]✗[/]"
        self.live.console.print(
            f"{mark} {outcome.job.name}  [dim]{clock(outcome.wall_s)}[/]", highlight=False
        )
        if outcome.failure and len(self.jobs) > 1:
            self.live.console.print(f"  {outcome.failure.line}", style="red", markup=False)

    def tick(self) -> None:
        self.live.update(self._render())

    def crew(self, workers: int) -> None:
        """So many run side by side from now on."""
        self.workers = max(workers, 1)

    def note(self, line: str) -> None:
        """A line that stays above the table."""
        self.live.console.print(line, markup=False, highlight=False)

    def _of(self, job: Job) -> _Running:
        return self.running.setdefault(id(job), _Running(job, time.perf_counter()))

    def _render(self) -> Any:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        now = time.perf_counter()
        name, bar, section = columns(
            self.live.console.width, longest=max(len(job.name) for job in self.jobs)
        )
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=name, no_wrap=True, overflow="ellipsis")
        grid.add_column(width=bar)
        grid.add_column(width=CELL, justify="right", no_wrap=True)
        grid.add_column(width=SECONDS, justify="right", no_wrap=True)
        if section:
            grid.add_column(width=section, no_wrap=True, overflow="ellipsis")
        for state in self.running.values():
            row = [
                Text(state.job.name, style="bold"),
                ProgressBar(total=1.0, completed=state.fraction(now), width=bar),
                f"cell {state.number}/{state.cells}" if state.number else "kernel starts",
                clock(now - state.since),
                Text(state.section, style="dim"),
            ]
            grid.add_row(*(row if section else row[:4]))
        return Group(grid, Text(self._summary(now), style="dim"))

    def _summary(self, now: float) -> str:
        begun = {*self.running, *(id(outcome.job) for outcome in self.outcomes)}
        left = seconds_left(
            [(now - state.since, state.job.expected_s) for state in self.running.values()],
            [job.expected_s for job in self.jobs if id(job) not in begun],
            workers=self.workers,
        )
        words = f"{len(self.outcomes)} of {len(self.jobs)} done in {clock(now - self.since)}"
        waiting = len(self.jobs) - len(begun)
        words += f", {waiting} waiting" if waiting else ""
        return words + (f", about {clock(left)} left" if left else "")


@contextmanager
def display(
    jobs: Sequence[Job],
    *,
    workers: int,
    console: Console | None = None,
    echo: Callable[[str], None] = print,
) -> Iterator[Listener]:
    """The listener that suits the terminal, or the pipe, that the program writes to."""
    from rich.console import Console

    console = console or Console()
    if not console.is_terminal:
        yield PlainLines(echo, len(jobs))
        return
    from rich.live import Live

    with Live(console=console, refresh_per_second=10, transient=True) as live:
        yield LiveTable(live, jobs, workers)
