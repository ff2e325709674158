"""A forked worker gives what a clean one gives; it begins warm, and ends as any process ends."""

import contextlib
import json
import os
from dataclasses import replace

import nbformat
import psutil
import pytest

from press.errors import UserError
from press.run.execute import Job, execute_all, plan, read_note
from press.run.starting import Nursery, can_fork, clean, start_for
from press.source.project import Project

pytestmark = pytest.mark.skipif(not can_fork(), reason="this machine cannot fork as Linux does")
LOOK = """\
import os, random, sys, tempfile, threading
import numpy as np, torch
run.device
OURS = ("medlib", "data_fetch", "press")
seen = {
    "cwd is its own": os.getcwd() == os.environ["MEDBOOK_RUN_DIR"],
    "names": sorted(set(os.environ) - {"GIT_PYTHON_REFRESH"}),
    "settings": {n: os.environ[n] for n in sorted(os.environ) if n.startswith(("OMP", "PYTHON"))},
    "path": sys.path,
    "arguments": [os.path.basename(sys.argv[0]), *sys.argv[3:]],
    "hash": hash("seed"),
    "threads": torch.get_num_threads(),
    "flags": [torch.are_deterministic_algorithms_enabled(), np.geterr()],
    "backend": __import__("matplotlib").get_backend(),
    "own": sorted(n for n in sys.modules if n.partition(".")[0] in OURS),
    "main": sorted(n for n in vars(sys.modules["__main__"]) if not n.startswith("_")),
}
run.table([{"seen": repr(seen)}], name="seen", caption="c")
run.result("x", float(np.random.default_rng(0).random()))
"""


def record_of(job: Job) -> dict:
    return json.loads((job.destination / "record.json").read_text())


def run_with(book, start, *, chapter="pixels/look", place="one"):
    project = Project(book.root)
    job = plan(project, project.chapter(chapter))
    job = replace(job, destination=book.root / "out" / place)
    (outcome,) = execute_all(project, [job], workers=1, start=start)
    return outcome


def test_a_forked_kernel_sees_and_gives_what_a_clean_one_does(book, nursery):
    book.chapter("pixels/look", LOOK, imports="import matplotlib.pyplot as plt")
    records, outputs = [], []
    for start in (clean, nursery):
        outcome = run_with(book, start, place=str(len(records)))
        assert outcome.failure is None
        records.append(record_of(outcome.job))
        notebook = nbformat.read(outcome.job.destination / "notebook.ipynb", as_version=4)
        outputs.append([cell.get("outputs", []) for cell in notebook.cells])
    (one,), (two,) = (record["tables"][0]["rows"] for record in records)
    assert one["seen"] == two["seen"]
    for part in ("results", "tables", "streams", "modules"):
        assert records[0][part] == records[1][part]
    assert outputs[0] == outputs[1]


def test_it_begins_with_the_packages_and_without_the_library(book, nursery):
    code = "import sys\nrun.result('warm', float('monai' in sys.modules))"
    book.chapter("pixels/look", code)
    values = [
        record_of(run_with(book, start, place=place).job)["results"][0]["value"]
        for place, start in (("clean", clean), ("forked", nursery))
    ]
    assert values == [0.0, 1.0]


def test_what_a_process_does_once_is_done_before_it_is_forked(book, nursery):
    code = (
        "import sys\n"
        "from PIL import Image\n"
        "from matplotlib.mathtext import MathTextParser\n"
        "from nbformat import validator\n"
        "done = [validator.validators, Image._initialized > 1, MathTextParser._parser,"
        " 'ipykernel.debugger' in sys.modules]\n"
        "run.result('done', float(sum(map(bool, done))))"
    )
    book.chapter("pixels/look", code)
    values = [
        record_of(run_with(book, start, place=place).job)["results"][0]["value"]
        for place, start in (("clean", clean), ("forked", nursery))
    ]
    assert values == [1.0, 4.0]  # a clean kernel has its debugger


def test_it_reads_the_project_s_library_as_it_is_now(book, nursery):
    book.chapter(
        "pixels/look", "run.result('x', float(two()))", imports="from medlib.two import two"
    )
    for number in (2, 3):
        book.write("medlib/two.py", f"def two():\n    return {number}\n")
        outcome = run_with(book, nursery)
        assert outcome.failure is None
        assert record_of(outcome.job)["results"][0]["value"] == number


@pytest.mark.parametrize("draw", ["random.random()", "numpy.random.rand()", "torch.rand(1).item()"])
def test_who_draws_without_a_seed_draws_otherwise_each_time(book, nursery, draw):
    book.chapter("pixels/look", f"import numpy, random, torch; run.device; run.result('x', {draw})")
    draws = {record_of(run_with(book, nursery).job)["results"][0]["value"] for _ in range(2)}
    assert len(draws) == 2, "a chapter that forgot its seed would pass for a reproducible one"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os; os.kill(os.getpid(), 9)", "its kernel died in the middle"),
        ("import os; os.kill(os.getppid(), 9)", "its worker process died (signal 9)"),
        ("1 / 0", "raised ZeroDivisionError"),
    ],
)
def test_each_way_to_fail_is_told_as_it_is_of_a_clean_run(book, nursery, code, said):
    book.chapter("pixels/look", code)
    outcome = run_with(book, nursery)
    assert said in outcome.failure.line
    book.chapter("pixels/look", "run.result('x', 1.0)")
    assert run_with(book, nursery).ok, "the nursery did not survive it"


def test_a_kernel_whose_worker_was_killed_ends_by_itself(book, nursery, tmp_path):
    told = tmp_path / "told"
    code = f"import os, pathlib\npathlib.Path({str(told)!r}).write_text(str(os.getpid()))\n"
    book.chapter("pixels/look", code + "os.kill(os.getppid(), 9)")
    assert "its worker process died" in run_with(book, nursery).failure.line
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(told.read_text())).wait(timeout=60)


def test_its_seconds_are_those_of_worker_and_kernel(book, nursery):
    book.chapter(
        "pixels/look", "import time\nwhile time.process_time() < 0.5: pass\nrun.result('x', 1.0)"
    )
    begun = []
    outcome = run_with(book, lambda *how: begun.append(nursery(*how)) or begun[0])
    assert begun[0].cpu_s > 0.5
    note = read_note(outcome.job.destination)
    assert note["forked"] is True
    assert 0.5 < note["cpu_s"] <= begun[0].cpu_s


def test_so_are_those_of_a_clean_start_with_what_the_kernel_starts(book):
    spin = "import time; [None for _ in iter(lambda: time.process_time() < 1.5, False)]"
    book.chapter(
        "pixels/look",
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {spin!r}], check=True)\n"
        "run.result('x', 1.0)",
    )
    job = run_with(book, clean).job
    note = read_note(job.destination)
    assert note["forked"] is False
    assert note["cpu_s"] > record_of(job)["cpu_s"] + 1.5


def test_nothing_lives_on_when_the_press_is_interrupted(book, nursery):
    book.chapter("pixels/look", "import time\ntime.sleep(1000)")
    begun = []

    class Interrupting:
        def __getattr__(self, name):
            return lambda *_: None

        def cell(self, job, number, section):
            begun.extend(psutil.Process(nursery.mother.pid).children(recursive=True))
            raise KeyboardInterrupt

    job = plan(book.project, book.project.chapter("pixels/look"))
    with pytest.raises(KeyboardInterrupt):
        execute_all(book.project, [job], listener=Interrupting(), start=nursery)
    assert len(begun) == 2, "a worker and its kernel"
    _, alive = psutil.wait_procs(begun, timeout=60)
    assert alive == []


def test_a_run_that_would_round_otherwise_starts_clean(book, nursery, monkeypatch):
    code = "import sys\nrun.result('warm', float('monai' in sys.modules))"
    book.chapter("pixels/look", code)
    values = []
    for kept in ("0", "1"):
        monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
        monkeypatch.setenv("MEDBOOK_KEEP_ARITHMETIC", kept)
        record = record_of(run_with(book, nursery, place=kept).job)
        values.append(record["results"][0]["value"])
    assert values == [1.0, 0.0]


def test_a_nursery_that_does_not_start_says_so(monkeypatch, tmp_path, capfd):
    monkeypatch.setattr("press.run.starting.NURSERY", "press.run.no_such_room")
    none, refused = Nursery(), pytest.raises(UserError, match=r"did not start \(exit code 1\)")
    with (tmp_path / "log").open("w") as log, refused:
        none(tmp_path, dict(os.environ), log)
    assert "no_such_room" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("profiles", "forked"),
    [
        (["smoke", "smoke"], True),
        (["smoke"], False),
        (["book", "book"], False),
        (["book", "smoke"], False),
        ([], False),
    ],
)
def test_only_several_quick_runs_are_forked(profiles, forked):
    with start_for(profiles) as start:
        assert isinstance(start, Nursery) is forked
        assert (start is None) is not forked
