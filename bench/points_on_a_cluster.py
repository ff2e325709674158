"""What one Dask scheduler can deal out: points a second, and so how many workers it keeps busy.

A thousand points that do nothing take the way of every point of `medbook sweep --scheduler` (TLS,
bound to a worker, an answer of the size of a record), without a kernel; the peer is Dask's own
`Client.map` of the same function. Then some real points of a tiny chapter, on the cluster and on
this machine, one at a time. Scheduler, worker and client are processes of their own on loopback.

Printed is what a point costs each of them in CPU, and from it, on paper, 10, 100 and 1,000 workers.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from distributed import Client
from distributed.security import Security

from press.run.address import Address, read_address
from press.run.cluster import connected
from press.run.dealing import Deal, Worker
from press.run.execute import Silent, execute_all, plan
from press.run.scheduler import Cluster
from press.source.project import Project

ROOT = Path(__file__).resolve().parents[1]
POINTS, REAL_POINTS, THREADS = 1_000, 6, 32
RECORD_BYTES, FOLDER_BYTES, FOLDERS = 20_000, 2_200_000, 100
LOCAL = ("--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")
NOTHING = """\
import os

def nothing(point, size):
    return {"ended": "whole", "folder": os.urandom(size)}
"""
CHAPTER = """\
# %% [markdown]
# # Tiny

# %% tags=["parameters"]
seed: int = 0  # master seed, x ≥ 0
device: str = "cpu"  # where to compute: "auto", "cpu" or "cuda"

# %%
from medlib import experiment
run = experiment.start("pixels/tiny", locals())
run.result("draw", float(run.rng("draw").normal()))

# %%
run.finish()
"""


@contextmanager
def cluster(folder: Path, checkout: Path) -> Iterator[tuple[Address, dict[str, int]]]:
    """A scheduler and a worker over TLS, the worker in `checkout`; address and processes' ids."""
    made = Security.temporary()
    for name, text in (
        ("ca.pem", made.tls_ca_file),
        ("cert.pem", made.tls_client_cert),
        ("key.pem", made.tls_client_key),
    ):
        (folder / name).write_text(text)
    files = ["--tls-ca-file", "ca.pem", "--tls-cert", "cert.pem", "--tls-key", "key.pem"]
    python = [sys.executable, "-m"]
    scheduler = [*python, "distributed.cli.dask_scheduler", "--protocol", "tls", "--port", "0"]
    worker = [*python, "distributed.cli.dask_worker", "--no-nanny", "--nthreads", str(THREADS)]
    started: list[subprocess.Popen[str]] = []
    options = {"cwd": folder, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    options["env"] = os.environ | {"PYTHONPATH": str(checkout)}
    try:
        started.append(subprocess.Popen([*scheduler, *LOCAL, *files], **options))
        said = next(line for line in started[0].stderr if "Scheduler at:" in line)
        address = said.split("Scheduler at:")[1].strip()
        started.append(subprocess.Popen([*worker, address, *LOCAL, *files], **options))
        next(line for line in started[1].stderr if "Registered to" in line)
        ids = {"scheduler": started[0].pid, "worker": started[1].pid, "client": os.getpid()}
        yield read_address(address, folder=folder), ids
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def cpu_s(ids: dict[str, int]) -> dict[str, float]:
    """CPU seconds of each process so far."""
    times = {name: psutil.Process(pid).cpu_times() for name, pid in ids.items()}
    return {name: t.user + t.system for name, t in times.items()}


async def deal_nothing(client: Client, function: object, count: int, size: int) -> None:
    """The points, dealt as `medbook sweep` deals them."""

    async def admit(address: str, threads: int) -> Worker:
        return Worker(address, address, threads)

    await Deal(
        client,
        count,
        admit=admit,
        send=lambda point, worker: client.submit(
            function, point, size, workers=[worker.address], pure=False
        ),
        answered=lambda point, answer, worker: None,
        say=print,
    ).run()


async def map_nothing(client: Client, function: object, count: int, size: int) -> None:
    """The points, as Dask's own `map` and `gather` do them."""
    await client.gather(client.map(function, range(count), size=size, pure=False))


async def overheads(
    address: Address, ids: dict[str, int], *, count: int, size: int
) -> dict[str, float]:
    """Print points a second of both; CPU seconds a point of each process, as we deal."""
    space: dict[str, object] = {"__name__": "bench_points"}
    exec(NOTHING, space)
    rates, cpu = {}, {}
    async with connected(address) as client:
        for name, way in (("warm-up", map_nothing), ("map", map_nothing), ("deal", deal_nothing)):
            before, begin = cpu_s(ids), time.perf_counter()
            await way(client, space["nothing"], count, size)
            rates[name] = count / (time.perf_counter() - begin)
            cpu = {key: (now - before[key]) / count for key, now in cpu_s(ids).items()}
    print(f"\n{count:,} points that do nothing, {THREADS} at a time, {size:,} bytes back from each")
    print(f"  dealt as a sweep does        {rates['deal']:8.0f} points/s")
    print(f"  Dask's own Client.map        {rates['map']:8.0f} points/s")
    print(f"  ratio                        {rates['deal'] / rates['map']:8.2f}")
    for name, seconds in cpu.items():
        print(f"  CPU of the {name:10}        {1e3 * seconds:8.2f} ms a point")
    return cpu


def make_book(folder: Path) -> None:
    """A book of one tiny chapter, with the library and the press of this one."""
    (folder / "chapters" / "pixels" / "tiny").mkdir(parents=True)
    (folder / "chapters" / "pixels" / "tiny" / "tiny.py").write_text(CHAPTER)
    (folder / "pyproject.toml").write_text('[project]\nname = "pixels-to-patients"\n')
    for package in ("medlib", "data_fetch", "press"):
        shutil.copytree(ROOT / package, folder / package)
    shutil.copy(ROOT / "constraints.txt", folder)


def real_points(address: Address, folder: Path) -> None:
    """Print what a point with a kernel takes here and on the cluster, one at a time."""
    project = Project(folder)
    took = {}
    for place, first in (("cluster", 1), ("here", 100)):
        jobs = [
            plan(project, project.chapter("tiny"), given={"seed": seed})
            for seed in range(first, first + REAL_POINTS)
        ]
        begin = time.perf_counter()
        if place == "here":
            outcomes = execute_all(project, jobs, workers=1)
        else:
            outcomes = Cluster(address, limit=1).run(project, jobs, Silent())
        took[place] = (time.perf_counter() - begin) / REAL_POINTS
        if failed := [outcome.failure.line for outcome in outcomes if outcome.failure]:
            raise SystemExit("\n".join(failed))
    print(f"\n{REAL_POINTS} points of a tiny chapter, one at a time, start-up of all shared out")
    print(f"  here                         {took['here']:8.2f} s a point")
    print(f"  on the cluster               {took['cluster']:8.2f} s a point")


def on_paper(records: dict[str, float], folders: dict[str, float]) -> None:
    """Print how busy the busiest of scheduler and client is with many workers."""
    costs = [max(cpu["scheduler"], cpu["client"]) for cpu in (records, folders)]
    print("\nOn paper: W workers, a thread each, with points of t seconds ask for W / t points/s.")
    print("A point takes c of the core of the busier of scheduler and client:")
    print(f"c = {1e3 * costs[0]:.2f} ms with a record back (a sweep of more than 1,000 points),")
    print(f"c = {1e3 * costs[1]:.2f} ms with a whole folder back (a smaller one).")
    print("Its core is busy for W * c / t of the time; all workers are busy while that is below 1,")
    print("that is, while a point takes longer than W * c.\n")
    print("            shortest point        core's share at 10 s    core's share at 75 s")
    print("  workers   record     folder     record     folder       record     folder")
    for workers in (10, 100, 1_000):
        line = f"  {workers:7,}" + "".join(f"{workers * cost:8.2f} s " for cost in costs)
        for seconds in (10, 75):
            line += "".join(f"{100 * workers * cost / seconds:9.1f} %" for cost in costs) + "   "
        print(line.rstrip())
    most = " and ".join(f"{10 / cost:,.0f}" for cost in costs)
    print(f"\n  one scheduler keeps {most} workers busy with points of 10 s (record, folder)")


def main() -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        book = Path(scratch) / "book"
        make_book(book)
        with cluster(Path(scratch), book) as (address, ids):
            records = asyncio.run(overheads(address, ids, count=POINTS, size=RECORD_BYTES))
            folders = asyncio.run(overheads(address, ids, count=FOLDERS, size=FOLDER_BYTES))
            real_points(address, book)
        on_paper(records, folders)


if __name__ == "__main__":
    main()
