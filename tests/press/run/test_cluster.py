"""Points on a real Dask cluster, over TLS: equal to local ones, whatever is killed meanwhile."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from medlib.experiment.record import read_record
from press.errors import Exit
from press.run.execute import RECORD
from tests.press.conftest import REPOSITORY, make_book
from tests.press.run.dask_cluster import PATIENCE_S, DaskCluster

DRAWS = """\
draws = run.rng("draws").normal(size=5)
run.result("mean", float(draws.mean()) * factor, unit="dB", interval=(-99, 99), n=5)
run.result("tripled", thrice(factor))
run.claim("three times a positive number is larger", True, margin=2 * factor)
run.say("The mean is {mean:.3f} dB.")
"""
WAITS = """\
if factor == 3:
    with open({told!r}, "w") as told:
        import os, subprocess
        child = subprocess.Popen(["sleep", "infinity"])
        told.write(f"{{os.getpid()}} {{child.pid}}")
    open({go!r}).read()
    child.kill(), child.wait()
"""
KILLS = """\
if factor == 3:
    import psutil
    for process in psutil.Process().parents():
        if "distributed.cli.dask_worker" in process.cmdline():
            process.kill()
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A scheduler without workers; tests start their own."""
    cluster = DaskCluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start_scheduler()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def cluster(running):
    """The scheduler; its workers end with the test."""
    yield running
    running.stop_workers()


@pytest.fixture
def waits(book):
    """A chapter that at factor 3 starts a process, tells the pids through a pipe, and waits."""
    pipes = {name: str(book.root / name) for name in ("told", "go")}
    for path in pipes.values():
        os.mkfifo(path)
    book.chapter("pixels/waits", WAITS.format(**pipes))
    return book


def wait_for_kernel(book) -> list[psutil.Process]:
    """The kernel, the process that its chapter started, and the two of the press above them."""
    with open(book.root / "told") as told:
        kernel, child = (psutil.Process(int(pid)) for pid in told.read().split())
    return [child, kernel, *kernel.parents()[:2]]


def let_go(book) -> None:
    """Let a chapter that waits go on."""
    with open(book.root / "go", "w"):
        pass


def all_gone(family: list[psutil.Process]) -> bool:
    return psutil.wait_procs(family, timeout=PATIENCE_S)[1] == []


def swept(book) -> Path:
    return book.project.sweeps / "pixels"


def in_git(book) -> str:
    """Make the book a checkout; its commit."""
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run(["git", "-C", book.root, *who, *words], check=True)
    shown = ["git", "-C", book.root, "rev-parse", "HEAD"]
    return subprocess.run(shown, check=True, capture_output=True, text=True).stdout.strip()


def test_what_a_cluster_computes_is_equal_to_what_this_machine_does(cluster, tmp_path):
    here, there = (make_book(tmp_path / name) for name in ("here", "there"))
    for book in (here, there):
        book.write("medlib/pixels/thrice.py", "def thrice(x):\n    return 3 * x\n")
        imports = "from medlib.pixels.thrice import thrice"
        book.chapter("pixels/draws", DRAWS, imports=imports)
    commit = in_git(there)
    cluster.worker_of(there, "alice", threads=2)
    words = ("sweep", "draws", "-g", "factor=3", "-o")
    done = there.medbook(*words, str(tmp_path / "there.csv"), *cluster.options)
    assert done.returncode == 0, done.stderr
    assert "1 of 1 points" in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()].count("start") == 1
    assert "warning" not in done.stderr
    assert here.medbook(*words, str(tmp_path / "here.csv")).returncode == 0
    assert (tmp_path / "here.csv").read_bytes() == (tmp_path / "there.csv").read_bytes()
    records = {
        path.relative_to(book.root): read_record(path)
        for book in (here, there)
        for path in book.project.build.rglob(RECORD)
    }
    assert len(records) == 1  # the same keys on both sides
    for path, mine in records.items():
        yours = read_record(here.root / path)
        assert mine.git.sha == commit
        assert not mine.git.dirty
        for part in (
            "results",
            "claims",
            "sentences",
            "modules",
            "packages",
            "parameters",
            "arithmetic",
        ):
            assert getattr(mine, part) == getattr(yours, part), part
        assert (there.root / path).with_name("notebook.ipynb").is_file()
    again = there.medbook(*words[:-1], "--dry-run")
    assert "1 fresh and kept, 0 to run" in again.stdout
    seeds = there.medbook("check", "draws", "--seeds", "1", *cluster.options)
    assert "done    pixels/draws seed=1" in seeds.stdout, seeds.stderr
    assert "on worker alice" not in seeds.stderr


def test_a_point_of_a_killed_worker_completes_on_another(cluster, waits):
    daemons = {worker.pid: worker for worker in (cluster.worker_of(waits, n) for n in "ab")}
    sweep = waits.start("sweep", "waits", "-g", "factor=3", "-p", "seed=1", *cluster.options)
    family = wait_for_kernel(waits)
    (worker,) = [p.pid for p in family[-1].parents() if p.pid in daemons]
    daemons[worker].kill()
    second = wait_for_kernel(waits)
    assert all_gone(family)
    let_go(waits)
    out, errors = sweep.communicate(timeout=PATIENCE_S)
    assert sweep.returncode == 0, errors
    assert "1 of 1 points" in out
    assert all_gone(second)
    assert len(os.listdir(swept(waits) / "waits")) == 1


def test_a_lost_scheduler_is_told_and_the_next_call_goes_on(waits, tmp_path_factory):
    cluster = DaskCluster(tmp_path_factory.mktemp("lost"))
    try:
        cluster.start_scheduler()
        cluster.worker_of(waits, "alice")
        words = ("sweep", "waits", "-g", "factor=1,3", "-p", "seed=1", *cluster.options)
        sweep = waits.start(*words)
        family = wait_for_kernel(waits)
        cluster.scheduler.kill()
        out, errors = sweep.communicate(timeout=PATIENCE_S)
        assert sweep.returncode == Exit.ENVIRONMENT, errors
        gone = f"the scheduler at {cluster.address} is gone: 1 of 2 points came back and are kept"
        assert gone in errors
        assert all_gone(family)
        cluster.stop_workers()
        cluster.start_scheduler()
        cluster.worker_of(waits, "bob")
        again = waits.start(*words)
        wait_for_kernel(waits)
        let_go(waits)
        out, errors = again.communicate(timeout=PATIENCE_S)
        assert again.returncode == 0, errors
        assert "1 fresh and kept, 1 to run" in out
        assert "2 of 2 points" in out
    finally:
        cluster.stop()


def test_a_worker_with_another_commit_or_other_packages_is_refused_by_name(
    cluster, waits, tmp_path
):
    commit = in_git(waits)
    shutil.copytree(waits.root / "medlib", tmp_path / "other" / "medlib")
    (tmp_path / "other" / "medlib" / "__init__.py").write_text("# edited\n")
    fork = cluster.start_worker(tmp_path / "other", waits.root, REPOSITORY, name="fork")
    older = cluster.start_worker(name="older", python=other_numpy(tmp_path / "venv"))
    for worker in (fork, older):
        worker.wait_for("Registered to")
    words = ("sweep", "waits", "-g", "factor=3", "-p", "seed=1", *cluster.options)
    refused = waits.medbook(*words)
    assert refused.returncode == Exit.ENVIRONMENT
    assert "every worker there was refused" in refused.stderr
    assert list(waits.project.build.rglob(RECORD)) == []
    cluster.worker_of(waits, "alice")
    sweep = waits.start(*words)
    wait_for_kernel(waits)
    lines, said = iter(sweep.stdout), {}
    while len(said) < 2:
        line = next(lines)
        said |= {name: line for name in ("fork", "older") if f"worker {name} (tls://" in line}
    assert "is refused: its checkout" in said["fork"]
    assert (
        f"what was sent is of commit {commit[:10]}: other bytes in medlib/__init__.py"
        in said["fork"]
    )
    assert "is refused: numpy is 0.0.1, wanted is 2.4.6" in said["older"]
    let_go(waits)
    out, errors = sweep.communicate(timeout=PATIENCE_S)
    assert sweep.returncode == 0, errors
    assert "1 of 1 points" in out


def other_numpy(folder: Path) -> str:
    """A Python that has all that ours has, except that its numpy says to be another."""
    (folder / "bin").mkdir(parents=True)
    real = Path(sys.executable).resolve()
    (folder / "bin" / "python").symlink_to(real)
    (folder / "pyvenv.cfg").write_text(f"home = {real.parent}\n")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / version / "site-packages"
    installed = Path(psutil.__file__).parents[1]
    about = packages / "numpy-0.0.1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.0.1\n")
    (packages / "ours.pth").write_text(f"{installed}\n")
    return str(folder / "bin" / "python")


def test_a_point_that_kills_its_workers_is_recorded_and_the_rest_goes_on(cluster, book):
    book.chapter("pixels/kills", KILLS)
    for name in ("a", "b", "c", "d"):
        cluster.worker_of(book, name)
    table = book.root / "table.json"
    words = ("sweep", "kills", "-g", "factor=1,3", "-p", "seed=1", "-o", str(table))
    done = book.medbook(*words, *cluster.options)
    assert done.returncode == Exit.CHAPTER_FAILED
    assert "factor=3.0: 3 workers died while they ran it" in done.stderr
    assert "1 of 2 points" in done.stdout
    errors = {row["factor"]: row["error"] for row in json.loads(table.read_text())}
    assert [factor for factor, error in errors.items() if error] == [3.0]
    assert len(os.listdir(swept(book) / "kills")) == 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_sweep_that_ends_leaves_no_kernel_on_its_workers(cluster, waits, how):
    worker = cluster.worker_of(waits, "alice")
    grid = "factor=1,3" if how == signal.SIGINT else "factor=3"
    sweep = waits.start("sweep", "waits", "-g", grid, "-p", "seed=1", *cluster.options)
    family = wait_for_kernel(waits)
    sweep.send_signal(how)
    _, errors = sweep.communicate(timeout=PATIENCE_S)
    assert all_gone(family)
    assert worker.process.poll() is None
    if how == signal.SIGKILL:
        return
    (kept,) = os.listdir(swept(waits) / "waits")
    assert not kept.startswith(".")
    assert sweep.returncode == Exit.INTERRUPTED, errors
    assert errors.strip().endswith("medbook: interrupted; nothing half-written is left")
    settled = next(worker.local.rglob("medbook"))
    again = waits.medbook("sweep", "waits", "-g", "factor=1", "-p", "seed=2", *cluster.options)
    assert again.returncode == 0, again.stderr
    assert not list(settled.glob("point-*"))  # what the cancelled point half wrote is gone
