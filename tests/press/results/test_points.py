"""Points that survive: a sweep killed in the middle, carried elsewhere, merged, resumed."""

import json
import shutil
import signal

import pytest

from medlib.experiment.tables import SweepTable, read_kept
from press.errors import Exit

WORK = """\
import time

(run.folder.parent / f"begun-{seed}").write_text("")
while seed == 3 and not (run.folder.parents[4] / "go").exists():
    time.sleep(0.05)
run.result("squared", seed**2 + factor / 3, atol=1e-9)
"""


@pytest.fixture
def slow(book):
    """A book whose seed 3 never ends until there is a file `go`."""
    book.chapter("pixels/slow", WORK)
    book.commit()
    return book


def kept_points(folder):
    return sorted(path for path in folder.glob("*.json") if path.name != "plan.json")


def values(book, chapter="pixels/slow"):
    table = read_kept(book.root / f"results/{chapter}/sweep.json", SweepTable)
    (column,) = table.results
    return dict(zip(table.seeds, column.values, strict=True))


def test_a_sweep_killed_in_the_middle_loses_no_finished_point(slow, tmp_path):
    folder = tmp_path / "carried"
    words = ("sweep", "slow", "--seeds", "1-4", "--points", str(folder), "-j", "1")
    process = slow.start(*words)
    for line in process.stdout:  # one at a time: when 3 starts, 1 and 2 have ended
        if line.startswith("start") and "seed=3" in line:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    process.stderr.close()
    assert len(kept_points(folder)) == 2
    shutil.rmtree(slow.root / "build")  # another machine has no build folder of ours

    slow.write("go", "")
    done = slow.medbook("sweep", "--resume", str(folder), "--accept")
    assert done.returncode == 0, done.stderr
    assert "4 points of pixels/slow: seed (4); 2 fresh and kept, 2 to run" in done.stdout
    assert done.stdout.count("start ") == 2
    assert values(slow) == {seed: seed**2 + 2 / 3 for seed in (1, 2, 3, 4)}
    assert len(kept_points(folder)) == 4


def test_points_made_on_two_machines_are_merged_by_copying(slow, tmp_path):
    slow.write("go", "")
    first, second = tmp_path / "first", tmp_path / "second"
    for seeds, folder in (("1-2", first), ("4-5", second)):
        done = slow.medbook("sweep", "slow", "--seeds", seeds, "--points", str(folder))
        assert done.returncode == 0, done.stderr
        shutil.rmtree(slow.root / "build")
    whole = tmp_path / "whole"
    words = ("sweep", "slow", "--seeds", "1,2,4,5", "--points", str(whole))
    whole.mkdir()
    for folder in (first, second):
        for path in kept_points(folder):
            shutil.copy(path, whole)
    done = slow.medbook(*words)
    assert done.returncode == 0, done.stderr
    assert "4 fresh and kept, 0 to run" in done.stdout
    assert "start " not in done.stdout


def test_a_carried_point_counts_only_while_its_code_is_the_same(slow, tmp_path):
    slow.write("go", "")
    folder = tmp_path / "carried"
    words = ("sweep", "slow", "--seeds", "1-2", "--points", str(folder))
    assert slow.medbook(*words).returncode == 0
    shutil.rmtree(slow.root / "build")
    draws, words_of_it = "medlib/experiment/streams.py", '"""Independent random streams'
    slow.edit(draws, words_of_it, f"EDITED = True\n{words_of_it}")
    listed = slow.medbook("sweep", "--resume", str(folder), "--dry-run")
    assert "0 fresh and kept, 2 to run" in listed.stdout
    slow.edit(draws, f"EDITED = True\n{words_of_it}", '"""Streams')  # no code, other words
    assert "2 fresh and kept" in slow.medbook(*words, "--dry-run").stdout
    slow.edit("medlib/experiment/figures.py", '"""', '"""Edited. ')  # no more than the record
    assert "2 fresh and kept" in slow.medbook(*words, "--dry-run").stdout
    (point, _) = kept_points(folder)
    point.write_text("{", "utf-8")
    assert "1 fresh and kept, 1 to run" in slow.medbook(*words, "--dry-run").stdout
    slow.edit("chapters/pixels/slow/slow.py", "seed**2", "seed**3")
    assert "0 fresh and kept, 2 to run" in slow.medbook(*words, "--dry-run").stdout


def test_a_carried_point_outlives_pins_of_packages_that_it_did_not_import(slow, tmp_path):
    slow.write("go", "")
    folder = tmp_path / "carried"
    words = ("sweep", "slow", "--seeds", "1", "--points", str(folder))
    assert slow.medbook(*words).returncode == 0
    shutil.rmtree(slow.root / "build")
    pins = (slow.root / "constraints.txt").read_text("utf-8")
    slow.write("constraints.txt", f"{pins}a-tool-for-tests==3.0\n")
    assert "1 fresh and kept, 0 to run" in slow.medbook(*words, "--dry-run").stdout
    slow.write("constraints.txt", pins.replace("numpy==", "numpy==99."))
    assert "0 fresh and kept, 1 to run" in slow.medbook(*words, "--dry-run").stdout


@pytest.mark.parametrize(
    ("file", "kept"), [("medlib/pixels/moving.py", 0), ("medlib/experiment/figures.py", 1)]
)
def test_a_point_counts_if_only_the_ground_floor_changed_while_it_ran(book, tmp_path, file, kept):
    book.write("medlib/pixels/moving.py", "x = 1\n")
    book.chapter(
        "pixels/racer",
        "from pathlib import Path\n"
        f"path = Path(moving.__file__).parents[2] / {file!r}\n"
        "path.write_text(path.read_text() + '\\n# edited\\n')\n"
        'run.result("squared", seed**2, atol=1e-9)',
        imports="from medlib.pixels import moving",
    )
    book.commit()
    done = book.medbook("sweep", "racer", "--seeds", "1", "--points", str(tmp_path / "carried"))
    assert done.returncode == 0, done.stderr
    assert len(kept_points(tmp_path / "carried")) == kept
    told = f"not kept: pixels/racer seed=1: {file} changed while it ran; --resume runs it again"
    assert (told in done.stdout) is not bool(kept)


def test_a_point_names_no_folder_of_its_machine(slow, tmp_path):
    slow.write("go", "")
    folder = tmp_path / "carried"
    assert slow.medbook("sweep", "slow", "--seeds", "1", "--points", str(folder)).returncode == 0
    (point,) = kept_points(folder)
    assert str(tmp_path) not in point.read_text("utf-8")
    assert json.loads(point.read_text("utf-8"))["record"]["parameters"]["seed"] == 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--resume", "nowhere"), "there is no plan.json"),
        (("slow", "--resume", "nowhere"), "leave out CHAPTER"),
        (("--resume", "nowhere", "--seeds", "1-2"), "leave out --seeds"),
        ((), "which chapter?"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_runs(slow, words, expected):
    done = slow.medbook("sweep", *words)
    assert done.returncode == Exit.USAGE
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (slow.root / "build").exists()


def test_a_folder_holds_one_sweep(slow, tmp_path):
    slow.write("go", "")
    folder = str(tmp_path / "carried")
    assert slow.medbook("sweep", "slow", "--seeds", "1", "--points", folder).returncode == 0
    other = slow.medbook("sweep", "slow", "--seeds", "1-2", "--points", folder)
    assert other.returncode == Exit.USAGE
    assert "holds a sweep of pixels/slow over seed (1 values)" in other.stderr
