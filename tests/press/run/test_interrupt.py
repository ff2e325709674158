"""An interrupt leaves no kernel behind and nothing half-written; two builds share no folder."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from press.errors import Exit

PATIENCE_S = 60


@pytest.fixture
def blocked(ready_book):
    """A chapter that starts a process, tells the pids through one pipe, and waits at another."""
    os.mkfifo(ready_book.root / "told")
    os.mkfifo(ready_book.root / "go")
    ready_book.chapter(
        "pixels/waits",
        f"with open({str(ready_book.root / 'told')!r}, 'w') as told:\n"
        "    import os, subprocess\n"
        "    child = subprocess.Popen(['sleep', 'infinity'])\n"
        "    told.write(f'{os.getpid()} {child.pid}')\n"
        f"open({str(ready_book.root / 'go')!r}).read()\n"
        "child.kill(); child.wait()",
    )
    return ready_book


def wait_for_kernel(book) -> list[psutil.Process]:
    """The kernel, the process that its chapter started, and the worker above them."""
    with open(book.root / "told") as told:
        kernel, child = (psutil.Process(int(pid)) for pid in told.read().split())
    return [kernel, child, kernel.parent()]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_kills_the_kernel_and_leaves_nothing_half_written(blocked, how):
    process = blocked.start("run", "waits")
    family = wait_for_kernel(blocked)
    process.send_signal(how)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == Exit.INTERRUPTED
    assert errors.strip() == "medbook: interrupted; nothing half-written is left"
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
    assert alive == []
    assert sorted(os.listdir(blocked.project.runs / "pixels")) == ["alpha", "beta"]
    assert not blocked.project.failed_runs.exists()


def block_only_if(blocked, condition: str) -> None:
    """Let the chapter wait in some of its runs, and finish at once in the others."""
    path = "chapters/pixels/waits/waits.py"
    waiting = (blocked.root / path).read_text(encoding="utf-8")
    code = waiting[waiting.index("with open(") : waiting.index("child.kill(); child.wait()")]
    block = f"if {condition}:\n" + "".join(f"    {line}\n" for line in code.splitlines())
    blocked.edit(path, code, f"{block}else:\n    import subprocess\n    child = None\n")
    blocked.edit(path, "child.kill(); child.wait()", "if child: child.kill(); child.wait()")


def test_an_interrupted_check_keeps_the_seeds_that_are_done(blocked):
    block_only_if(blocked, "seed == 2")
    process = blocked.start("check", "waits", "--seeds", "3", "--jobs", "1")
    family = wait_for_kernel(blocked)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == Exit.INTERRUPTED
    assert "done    pixels/waits seed=1" in out
    assert errors.strip() == "medbook: interrupted; nothing half-written is left"
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
    assert alive == []
    assert os.listdir(blocked.project.build / "seeds/pixels/waits") == ["seed-1"]
    again = blocked.medbook("check", "waits", "--seeds", "1")
    assert "1 of 1 runs are fresh and kept" in again.stdout


def test_an_interrupted_sweep_keeps_the_points_that_are_done(blocked):
    block_only_if(blocked, "factor == 2")
    words = ("sweep", "waits", "-g", "factor=1,2,3", "-p", "seed=1", "-j", "1")
    process = blocked.start(*words)
    family = wait_for_kernel(blocked)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == Exit.INTERRUPTED
    assert "the points that are done are kept; the same command goes on from there" in errors
    assert errors.strip().endswith("medbook: interrupted; nothing half-written is left")
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
    assert alive == []
    (done,) = os.listdir(blocked.project.sweeps / "pixels/waits")
    again = blocked.medbook(*words, "--dry-run")
    first, second, third, _ = again.stdout.splitlines()
    assert first == "factor=1.0  fresh"
    assert (second, third) == ("factor=2.0  never run", "factor=3.0  never run")
    assert not done.startswith(".")


def test_a_killed_press_takes_its_kernel_with_it(blocked):
    process = blocked.start("run", "waits")
    family = wait_for_kernel(blocked)
    runtime = Path(family[-1].environ()["JUPYTER_RUNTIME_DIR"])
    assert runtime.is_dir()
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
    assert alive == []
    assert sorted(os.listdir(blocked.project.runs / "pixels")) == ["alpha", "beta"]
    assert not runtime.exists()


def test_a_second_build_waits_for_the_first_and_names_it(blocked):
    first = blocked.start("run", "waits")
    wait_for_kernel(blocked)
    refused = blocked.medbook("run", "alpha", "--no-wait")
    assert refused.returncode == Exit.ENVIRONMENT
    assert f"medbook: process {first.pid} (`medbook " in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    second = blocked.start("run", "alpha")
    said = second.stderr.readline()
    assert said.startswith(f"waiting for process {first.pid} (`medbook ")
    with open(blocked.root / "go", "w"):
        pass
    for process in (first, second):
        out, errors = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, (out, errors)


def test_a_run_with_other_parameters_need_not_wait(blocked):
    first = blocked.start("run", "waits")
    wait_for_kernel(blocked)
    done = blocked.medbook("run", "alpha", "-p", "factor=3", "--no-wait")
    assert done.returncode == 0
    assert "quadrupled  12" in done.stdout
    with open(blocked.root / "go", "w"):
        pass
    first.communicate(timeout=PATIENCE_S)
    assert first.returncode == 0
