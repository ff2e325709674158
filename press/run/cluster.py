"""Run points on a Dask cluster: sources out under their digest, run folders back as bytes.

No file system is shared, and no worker or scheduler needs code of ours.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from press.errors import Exit, UserError
from press.run.address import Address
from press.run.arrival import place
from press.run.dealing import Answer, Deal, Refused, SchedulerLost, Worker
from press.run.execute import Job, Listener, Outcome, kept_arithmetic
from press.run.payload import Payload, pack_project
from press.run.point import Order
from press.source.project import Project

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_S = 10.0
TICK_S = 0.1
NOTICES_PER_S = 100.0  # about cells, of all points together
RECORD_ONLY_ABOVE = 1_000  # points of one sweep: a whole folder is 2 MB, a record 20 kB
OUTPOST = Path(__file__).with_name("outpost.py")


def run_on_cluster(
    project: Project,
    jobs: Sequence[Job],
    *,
    address: Address,
    limit: int | None,
    listener: Listener,
) -> list[Outcome]:
    """Run `jobs` on the workers of the Dask scheduler at `address`; outcomes in the jobs' order.

    Raises:
        UserError: no scheduler answers, every worker was refused, or the scheduler was lost.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what counts is told in our words
    order = sorted(jobs, key=lambda job: -(job.expected_s or float("inf")))
    session = Session(project, order, listener)
    try:
        asyncio.run(session.run(address, limit))
    except SchedulerLost:
        done = len(session.outcomes)
        raise UserError(
            f"the scheduler at {address} is gone: {done} of {len(jobs)} points came back and are"
            " kept; start it and its workers, and repeat this command: it goes on from there",
            Exit.ENVIRONMENT,
        ) from None
    except Refused as error:
        raise UserError(f"{address}: {error}", Exit.ENVIRONMENT) from None
    return [session.outcomes[id(job)] for job in jobs]


@asynccontextmanager
async def connected(address: Address) -> AsyncIterator[Client]:
    """A client of the scheduler at `address`.

    Raises:
        UserError: nobody answers there, or not with a certificate that we trust.
    """
    from dask import config
    from distributed import Client
    from distributed.security import Security

    tls = address.tls
    security = tls and Security(
        tls_ca_file=str(tls.ca),
        tls_client_cert=str(tls.cert),
        tls_client_key=str(tls.key),
        require_encryption=True,
    )
    with config.set({"distributed.comm.timeouts.connect": CONNECT_S}):
        try:
            client = await Client(
                address.url,
                security=security,
                asynchronous=True,
                timeout=CONNECT_S,
                set_as_default=False,
                name="medbook",
            )
        except (OSError, ValueError, TypeError) as error:
            raise UserError(_no_answer(address, error), Exit.ENVIRONMENT) from None
        try:
            yield client
        finally:
            await client.close()


def _no_answer(address: Address, error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return f"{address}: the two ends do not accept each other's certificates ({cause})"
        cause = cause.__cause__ or cause.__context__
    return f"no Dask scheduler answers at {address} ({error})"


def outpost_functions(name: str) -> dict[str, Any]:
    """The functions of `outpost`, made from its text under a name that nobody can import.

    Pickle thus takes them by value everywhere, also where another `press` is installed.
    """
    space: dict[str, Any] = {"__name__": name}
    exec(compile(OUTPOST.read_text(encoding="utf-8"), f"<{name}>", "exec"), space)
    return space


class Session:
    """One call of `run_on_cluster`: what is sent, to whom, and what came back."""

    def __init__(self, project: Project, jobs: list[Job], listener: Listener) -> None:
        self.project, self.jobs, self.listener = project, jobs, listener
        self.outcomes: dict[int, Outcome] = {}
        self.payload: Payload = pack_project(project)
        self.name = f"medbook-{uuid.uuid4().hex[:12]}"
        self.outpost = outpost_functions(self.name.replace("-", "_"))
        self.sent: Future | None = None
        self.notice_s = 1.0

    async def run(self, address: Address, limit: int | None) -> None:
        async with connected(address) as client:
            self.client = client
            self.deal = Deal(
                client,
                len(self.jobs),
                admit=self.admit,
                send=self.send,
                answered=self.answered,
                say=lambda line: self.listener.note(f"{address}: {line}"),
                crew=self.crew,
                limit=limit,
            )
            client.subscribe_topic(self.name, self.heard)
            ticking = asyncio.create_task(self.tick())
            try:
                await self.deal.run()
            finally:
                ticking.cancel()

    async def tick(self) -> None:
        while True:
            self.listener.tick()
            await asyncio.sleep(TICK_S)

    def crew(self, threads: int) -> None:
        self.notice_s = max(1.0, threads / NOTICES_PER_S)
        self.listener.crew(threads)

    async def heard(self, event: tuple[float, dict[str, Any]]) -> None:
        """A worker tells how a point gets on."""
        _, told = event
        if told["key"] not in self.deal.under_way:
            return
        job = self.jobs[told["key"]]
        if told["event"] == "start":
            self.listener.started(job, told["cells"])
        else:
            self.listener.cell(job, told["number"], told["section"])

    async def admit(self, address: str, threads: int) -> Worker:
        """Send a worker the sources, and look at its passport."""
        shown = await self.settled(address)
        worker = Worker(address, shown.get("worker", address), threads, shown.get("places", {}))
        if shown.get("digests") == self.payload.passport.digests:
            return worker
        called = address if worker.name == address else f"{worker.name} ({address})"
        reasons = "; ".join(shown["differences"]) or "its digests are others"
        raise Refused(f"worker {called} is refused: {reasons}")

    async def settled(self, address: str) -> dict[str, Any]:
        """The worker's answer to `outpost.settle`; the sources come from a worker that has them."""
        from distributed.client import FutureCancelledError

        for _ in range(3):
            if self.sent is None or self.sent.status != "finished":
                self.sent = await self.client.scatter(
                    self.payload.data, workers=[address], hash=False
                )
            future = self.client.submit(
                self.outpost["settle"],
                self.sent,
                self.payload.digest,
                key=f"{self.name}-settle-{uuid.uuid4().hex[:8]}",
                **_bound(address),
            )
            try:
                return await future
            except FutureCancelledError:  # the one that had the sources died
                self.sent = None
            except Exception as error:
                return {"differences": [f"{type(error).__name__}: {error}"]}
        return {"differences": ["the sources did not arrive"]}

    def order(self, point: int) -> Order:
        """What a worker is told of a point."""
        job = self.jobs[point]
        many = len(self.jobs) > RECORD_ONLY_ABOVE
        return Order(
            notebook=job.chapter.id,
            profile=job.profile,
            parameters=job.parameters,
            label=job.name,
            whole=not many or self.project.sweeps not in job.destination.parents,
            key=point,
            notice_s=self.notice_s,
            arithmetic=kept_arithmetic(),
        )

    def send(self, point: int, worker: Worker) -> Future:
        """Start a point on a worker."""
        return self.client.submit(
            self.outpost["run_point"],
            asdict(self.order(point)),
            self.payload.digest,
            self.name,
            key=f"{self.name}-{point}-{uuid.uuid4().hex[:8]}",
            **_bound(worker.address),
        )

    def answered(self, point: int, answer: Answer, worker: Worker) -> None:
        """A point came back, or will not."""
        job = self.jobs[point]
        outcome = place(self.project, job, answer, worker)
        self.outcomes[id(job)] = outcome
        self.listener.finished(outcome)


def _bound(address: str) -> dict[str, Any]:
    """To this worker and no other, as often as it is asked."""
    return {"workers": [address], "allow_other_workers": False, "pure": False}
