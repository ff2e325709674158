"""Points dealt to workers that die, come late, or may not have any: a cluster of plain objects."""

import asyncio

import pytest
from distributed import KilledWorker
from distributed.client import FutureCancelledError

from press.run import dealing
from press.run.dealing import Deal, Refused, SchedulerLost, Worker

PATIENCE_S = 60


class Promise:
    """A point under way, as Dask's future is one."""

    def __init__(self):
        self.future = asyncio.get_running_loop().create_future()
        self.done, self.cancelled = self.future.done, False

    def __await__(self):
        return asyncio.shield(self.future).__await__()  # who stops waiting stops nothing

    def release(self): ...


class Cluster:
    """What `Deal` asks of a client; a test says what happens to a point."""

    def __init__(self, workers, happens):
        self.workers, self.happens = dict(workers), happens
        self.status, self.scheduler = "running", self
        self.running = {name: set() for name in workers}
        self.log, self.said, self.crews = [], [], []
        self.answers = {}

    async def ncores(self):
        if self.status != "running":
            raise OSError("nobody there")
        return dict(self.workers)

    async def cancel(self, promises):
        for promise in promises:
            promise.cancelled = True

    async def admit(self, address, threads):
        if address.startswith("bad"):
            raise Refused(f"worker {address} is refused")
        return Worker(address, address, threads)

    def send(self, point, worker):
        promise = Promise()
        self.running.setdefault(worker.address, set()).add(point)
        self.log.append((point, worker.address, frozenset(self.running[worker.address])))
        asyncio.get_running_loop().call_soon(self.happens, self, point, worker.address, promise)
        return promise

    def finish(self, point, address, promise):
        self.running[address].discard(point)
        promise.future.set_result({"ended": "whole", "by": address})

    def die(self, address, *, heir=""):
        """A worker goes without a word; `heir` takes its place."""
        threads = self.workers.pop(address, None)
        self.running[address] = set()
        if heir and threads:
            self.workers[heir] = threads

    def answered(self, point, answer, worker):
        self.answers[point] = answer

    def deal(self, count, **options):
        async def run():
            deal = Deal(
                self,
                count,
                admit=self.admit,
                send=self.send,
                answered=self.answered,
                say=self.said.append,
                crew=self.crews.append,
                **options,
            )
            await asyncio.wait_for(deal.run(), PATIENCE_S)

        asyncio.run(run())


@pytest.fixture(autouse=True)
def looks_often(monkeypatch):
    monkeypatch.setattr(dealing, "LOOK_EVERY_S", 0.001)


def test_every_point_is_answered_once_by_as_many_threads_as_there_are():
    cluster = Cluster({"a": 2, "b": 3}, Cluster.finish)
    cluster.deal(20)
    assert sorted(cluster.answers) == list(range(20))
    assert len(cluster.log) == 20
    assert {address for _, address, _ in cluster.log} == {"a", "b"}
    assert max(len(at_once) for _, _, at_once in cluster.log) <= 3
    assert cluster.crews[-1] == 5


def test_no_more_points_are_under_way_than_allowed():
    at_once = []

    def happens(cluster, point, address, promise):
        at_once.append(sum(len(points) for points in cluster.running.values()))
        cluster.finish(point, address, promise)

    cluster = Cluster({"a": 4, "b": 4}, happens)
    cluster.deal(20, limit=3)
    assert sorted(cluster.answers) == list(range(20))
    assert max(at_once) == 3


def test_a_neighbour_of_a_point_that_kills_is_not_blamed():
    def happens(cluster, point, address, promise):
        if point == 3:
            cluster.die(address, heir=address + "'")
        elif not cluster.running[address] & {3}:
            cluster.finish(point, address, promise)

    cluster = Cluster({"a": 4}, happens)
    cluster.deal(8)
    killed = {point: a["workers"] for point, a in cluster.answers.items() if a["ended"] == "killed"}
    assert killed == {3: ["a", "a'", "a''"]}
    assert sorted(cluster.answers) == list(range(8))
    retried = [at_once for point, address, at_once in cluster.log if point == 3][1:]
    assert retried == [{3}, {3}]  # alone on its worker


def test_dasks_own_verdict_counts_as_a_death():
    def happens(cluster, point, address, promise):
        promise.future.set_exception(KilledWorker("point", None, 3))

    cluster = Cluster({"a": 1}, happens)
    cluster.deal(1)
    assert cluster.answers[0]["ended"] == "killed"


def test_a_worker_that_came_back_at_the_same_address_is_settled_again():
    def happens(cluster, point, address, promise):
        if len(cluster.log) == 1:
            promise.future.set_result({"ended": "unsettled"})
        else:
            cluster.finish(point, address, promise)

    cluster = Cluster({"a": 1}, happens)
    cluster.deal(2)
    assert [a["ended"] for a in cluster.answers.values()] == ["whole", "whole"]


def test_a_refused_worker_has_no_point_and_the_others_go_on():
    cluster = Cluster({"bad": 2, "good": 2}, Cluster.finish)
    cluster.deal(6)
    assert {address for _, address, _ in cluster.log} == {"good"}
    assert cluster.said == ["worker bad is refused"]


def test_where_all_are_refused_the_deal_ends():
    cluster = Cluster({"bad 1": 2, "bad 2": 2}, Cluster.finish)
    with pytest.raises(Refused, match="every worker there was refused"):
        cluster.deal(6)
    assert sorted(cluster.said) == ["worker bad 1 is refused", "worker bad 2 is refused"]


def test_where_nobody_is_it_says_so_once_and_waits():
    cluster = Cluster({}, Cluster.finish)
    looked = []

    async def ncores():
        looked.append(True)
        return {"late": 1} if len(looked) > 5 else {}

    cluster.ncores = ncores
    cluster.deal(2)
    assert len(cluster.said) == 1
    assert "waiting for one" in cluster.said[0]
    assert len(cluster.answers) == 2


def test_a_lost_scheduler_ends_the_deal_and_what_was_answered_stays():
    def happens(cluster, point, address, promise):
        if point < 2:
            cluster.finish(point, address, promise)
        else:
            cluster.status = "connecting"
            promise.future.set_exception(FutureCancelledError("point", "scheduler-restart"))

    cluster = Cluster({"a": 1}, happens)
    with pytest.raises(SchedulerLost):
        cluster.deal(5)
    assert sorted(cluster.answers) == [0, 1]


def test_a_scheduler_that_is_silent_is_lost():
    def happens(cluster, point, address, promise):
        cluster.status = "connecting"

    with pytest.raises(SchedulerLost, match="nobody there"):
        Cluster({"a": 1}, happens).deal(1)


def test_a_fault_on_the_worker_is_its_points_alone():
    def happens(cluster, point, address, promise):
        if point == 1:
            promise.future.set_exception(MemoryError("no room"))
        else:
            cluster.finish(point, address, promise)

    cluster = Cluster({"a": 1}, happens)
    cluster.deal(3)
    assert cluster.answers[1] == {"ended": "fault", "message": "MemoryError: no room"}
    assert cluster.answers[2]["ended"] == "whole"


def test_what_is_under_way_is_cancelled_when_the_deal_is():
    promises = []

    def happens(cluster, point, address, promise):
        promises.append(promise)
        if len(promises) == 2:
            raise KeyboardInterrupt

    cluster = Cluster({"a": 2}, happens)
    with pytest.raises(KeyboardInterrupt):
        cluster.deal(3)
    assert [promise.cancelled for promise in promises] == [True, True]
