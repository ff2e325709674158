"""Deal points out to the workers of a Dask cluster: one to each free thread, each to one worker.

A point is bound to the worker that it was dealt to. Dask carries it there and back; who gets it
next when that worker dies is decided here, because only here is it known which workers have shown
their passport, and which point was alone when its worker died.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Client, Future

LOOK_EVERY_S = 0.5
MOST_DEATHS = 3

Answer = dict[str, Any]


class SchedulerLost(Exception):
    """The scheduler does not answer any more, or has forgotten what it was given."""


class Refused(Exception):
    """A worker may not have points; the message says why."""


@dataclass(eq=False)
class Worker:
    """A worker that was admitted: how many points it takes at once, and which it has."""

    address: str
    name: str
    threads: int
    places: dict[str, str] = field(default_factory=dict)
    running: set[int] = field(default_factory=set)
    serving: list[asyncio.Task[None]] = field(default_factory=list)
    gone: bool = False


class Deal:
    """The points 0 to `count` - 1, dealt out until each has its answer.

    A point whose worker dies is dealt again: last, and alone on its worker, so that a death is
    nobody else's. After `MOST_DEATHS` of them it is answered with ``{"ended": "killed"}``.

    Args:
        client: an asynchronous client of the cluster.
        count: of points.
        admit: looks at a worker, by address and number of threads; raises `Refused`.
        send: starts a point on a worker.
        answered: hears a point's answer, and from which worker it came.
        say: hears what a person should know: who was refused, that no worker is there.
        crew: hears how many points can run side by side, each time that it changes.
        limit: the most points at a time; as many as there are threads where it is None.
    """

    def __init__(
        self,
        client: Client,
        count: int,
        *,
        admit: Callable[[str, int], Awaitable[Worker]],
        send: Callable[[int, Worker], Future],
        answered: Callable[[int, Answer, Worker], None],
        say: Callable[[str], None],
        crew: Callable[[int], None] = lambda threads: None,
        limit: int | None = None,
    ) -> None:
        self.client, self.count, self.limit = client, count, limit or count
        self.admit, self.send, self.answered = admit, send, answered
        self.say, self.crew = say, crew
        self.waiting = deque(range(count))
        self.suspects: deque[int] = deque()
        self.deaths: dict[int, list[str]] = {}
        self.workers: dict[str, Worker] = {}
        self.refused: dict[str, str] = {}
        self.admitting: set[str] = set()
        self.under_way: set[int] = set()
        self.left = count
        self.ever = False
        self.change = asyncio.Condition()
        self.tasks: set[asyncio.Task[None]] = set()
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Deal until every point is answered.

        Raises:
            SchedulerLost: it is gone; what was answered until then is answered.
            Refused: there are workers, and none of them may have a point.
        """
        if not self.count:
            return
        self._start(self._watch())
        try:
            await self.over
        finally:
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside the rest; what it raises ends the deal."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._stopped)
        return task

    def _stopped(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        fault = None if task.cancelled() else task.exception()
        if fault is not None and not self.over.done():
            self.over.set_exception(fault)

    # -- workers -----------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Look who is there: welcome who is new, take back what the lost ones had."""
        lonely = False
        while True:
            try:
                present = await self.client.scheduler.ncores()
            except (OSError, RuntimeError) as error:
                raise SchedulerLost(str(error)) from error
            for address in [a for a in self.workers if a not in present]:
                self._lose(self.workers[address])
            for address in [a for a in self.refused if a not in present]:
                del self.refused[address]
            for address, threads in present.items():
                if address not in self.workers | self.refused and address not in self.admitting:
                    self.admitting.add(address)
                    self._start(self._welcome(address, threads))
            if not self.ever and present and set(present) == set(self.refused):
                raise Refused("every worker there was refused")
            if not self.workers and not self.admitting and not lonely:
                self.say("no worker is there: waiting for one (Ctrl-C stops)")
            lonely = not self.workers and not self.admitting
            await asyncio.sleep(LOOK_EVERY_S)

    async def _welcome(self, address: str, threads: int) -> None:
        try:
            worker = await self.admit(address, threads)
        except Refused as error:
            self.refused[address] = str(error)
            self.say(str(error))
            return
        finally:
            self.admitting.discard(address)
        self.ever = True
        self.workers[address] = worker
        worker.serving = [self._start(self._serve(worker)) for _ in range(worker.threads)]
        self._count_crew()

    def _lose(self, worker: Worker) -> None:
        """Forget a worker that died or left; each point that it had is dealt again."""
        if worker.gone:
            return
        worker.gone = True
        del self.workers[worker.address]
        for task in worker.serving:
            task.cancel()
        self._count_crew()

    def _count_crew(self) -> None:
        self.crew(min(self.limit, sum(worker.threads for worker in self.workers.values())))

    # -- points ------------------------------------------------------------------------------------

    async def _serve(self, worker: Worker) -> None:
        """Keep one thread of a worker at work for as long as there is some."""
        while not worker.gone:
            async with self.change:
                while (point := self._next(worker)) is None:
                    await self.change.wait()
            try:
                answer = await self._ask(point, worker)
            except asyncio.CancelledError:
                if not worker.gone:
                    raise
                answer = None
            worker.running.discard(point)
            self.under_way.discard(point)
            if answer is None or answer.get("ended") == "unsettled":
                self._lose(worker)
                answer = self._bereaved(point, worker)
            if answer is not None:
                self.answered(point, answer, worker)
                self.left -= 1
                if not self.left and not self.over.done():
                    self.over.set_result(None)
            if self.suspects or answer is None or self.limit < self.count:
                async with self.change:
                    self.change.notify_all()

    def _next(self, worker: Worker) -> int | None:
        """A point for `worker`; None where it must wait."""
        if len(self.under_way) >= self.limit or worker.running & self.deaths.keys():
            return None
        if self.waiting:
            point = self.waiting.popleft()
        elif self.suspects and not worker.running:
            point = self.suspects.popleft()
        else:
            return None
        worker.running.add(point)
        self.under_way.add(point)
        return point

    async def _ask(self, point: int, worker: Worker) -> Answer | None:
        """The worker's answer; None where it died over the question."""
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        future = self.send(point, worker)
        try:
            return await future
        except KilledWorker:
            return None
        except FutureCancelledError as error:  # nobody but the scheduler's end cancels a point
            raise SchedulerLost(str(error)) from error
        except Exception as error:
            if self.client.status != "running":
                raise SchedulerLost(str(error)) from error
            return {"ended": "fault", "message": f"{type(error).__name__}: {error}"}
        finally:
            if not future.done() and self.client.status == "running":
                await self.client.cancel([future])
            future.release()

    def _bereaved(self, point: int, worker: Worker) -> Answer | None:
        """Put a point back whose worker died, unless too many have."""
        dead = self.deaths.setdefault(point, [])
        dead.append(worker.name)
        if len(dead) >= MOST_DEATHS:
            return {"ended": "killed", "workers": dead}
        self.suspects.append(point)
        return None
