"""Chapters run in clean kernels, apart from each other; each way to fail is one clear line."""

import json
import os
import re
import shutil
import stat
import subprocess

import nbformat
import pytest

from press.errors import Exit, UserError
from press.run.execute import Job, available_cores, environment, execute_all, plan, replace_folder
from press.source.project import Project


def record_of(folder):
    return json.loads((folder / "record.json").read_text())


def test_a_run_leaves_a_whole_folder_and_nothing_beside_it(executed_book):
    runs = executed_book.project.runs / "pixels"
    assert sorted(os.listdir(runs)) == ["alpha", "beta"]
    files = set(os.listdir(runs / "alpha"))
    assert {"notebook.ipynb", "record.json", "press.json", "log.txt"} <= files
    assert "source.ipynb" not in files
    log = (runs / "alpha" / "log.txt").read_text().lower()
    assert "warning" not in log
    assert "encrypt" not in log


def test_the_kernel_writes_no_warning_into_the_notebook(executed_book):
    path = executed_book.project.runs / "pixels" / "alpha" / "notebook.ipynb"
    notebook = nbformat.read(path, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [o for o in outputs if o.output_type == "stream" and o.name == "stderr"]


def test_the_kernel_runs_on_one_thread_strictly_in_a_folder_of_its_own(book, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("MPLBACKEND", "pdf")
    names = "OMP_NUM_THREADS PYTHONHASHSEED CUBLAS_WORKSPACE_CONFIG GOMP_SPINCOUNT OMP_WAIT_POLICY"
    names += " MEDBOOK_RUN_DIR MEDBOOK_PROFILE MEDBOOK_STRICT MPLBACKEND"
    book.chapter(
        "pixels/where",
        "import os\n"
        f"seen = {{name: os.environ.get(name) for name in {names.split()!r}}}\n"
        "run.table([seen | {'cwd': os.getcwd()}], name='seen', caption='c')",
    )
    (outcome,) = book.run("pixels/where")
    assert outcome.failure is None
    (seen,) = record_of(outcome.job.destination)["tables"][0]["rows"]
    assert re.fullmatch(r"\.where\..+", os.path.basename(seen["MEDBOOK_RUN_DIR"]))
    assert seen.pop("cwd") == seen.pop("MEDBOOK_RUN_DIR")
    assert "inline" in seen.pop("MPLBACKEND")
    assert seen == {
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "GOMP_SPINCOUNT": "0",
        "OMP_WAIT_POLICY": "passive",
        "MEDBOOK_PROFILE": "book",
        "MEDBOOK_STRICT": "1",
    }


def test_the_kernel_s_sockets_lie_in_a_short_folder_that_goes_away(book, monkeypatch, tmp_path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    monkeypatch.setenv("TMPDIR", str(deep))
    book.chapter(
        "pixels/where",
        "from ipykernel.connect import get_connection_file\n"
        "run.table([{'file': get_connection_file()}], name='seen', caption='c')",
    )
    (outcome,) = book.run("pixels/where")
    assert outcome.failure is None
    (seen,) = record_of(outcome.job.destination)["tables"][0]["rows"]
    assert len(seen["file"]) < 60
    assert not os.path.exists(os.path.dirname(seen["file"]))
    assert os.listdir(deep) == []


def test_a_user_s_own_startup_files_and_settings_do_not_reach_the_kernel(book, tmp_path):
    project = book.project
    chapter_free = Job(chapter=None, parameters={}, destination=tmp_path)
    given = environment(project, chapter_free, folder=tmp_path, runtime=tmp_path / "r")
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        assert given[name].startswith(str(tmp_path / "r"))
    assert given["MATPLOTLIBRC"] == os.devnull
    assert given["PYTHONNOUSERSITE"] == "1"


def test_a_home_that_cannot_be_written_leaves_no_warning_in_a_cell(book, monkeypatch):
    """As in a container or on a cluster: matplotlib keeps its list of fonts in the build folder."""
    for name in ("MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/dev/null/nobody")
    book.chapter("pixels/drawn", "plt.figure()", imports="import matplotlib.pyplot as plt")
    (outcome,) = book.run("pixels/drawn")
    assert outcome.failure is None
    notebook = nbformat.read(outcome.job.destination / "notebook.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    said = [o.text for o in outputs if o.output_type == "stream" and o.name == "stderr"]
    slow = "is building the font cache"  # said where that takes five seconds, HOME or not
    assert [text for text in said if slow not in text] == []
    log = (outcome.job.destination / "log.txt").read_text().lower()
    assert "matplotlib" not in log
    assert (book.project.build / "matplotlib").is_dir()


def test_a_folder_of_data_is_found_from_where_the_caller_stands(book, monkeypatch, tmp_path):
    """The kernel stands in a folder of its own."""
    (tmp_path / "my data").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    job = Job(chapter=None, parameters={}, destination=tmp_path)
    for named in ("my data", "./my data", "~/my data", str(tmp_path / "my data")):
        monkeypatch.setenv("MEDBOOK_DATA", named)
        given = environment(book.project, job, folder=tmp_path, runtime=tmp_path)
        assert given["MEDBOOK_DATA"] == str(tmp_path / "my data"), named
    monkeypatch.setenv("MEDBOOK_DATA", "my data")
    book.chapter(
        "pixels/kept",
        "seen = os.path.isdir(os.environ['MEDBOOK_DATA'])\n"
        "run.table([{'there': seen}], name='seen', caption='c')",
        imports="import os",
    )
    (outcome,) = book.run("pixels/kept")
    assert outcome.failure is None
    assert record_of(outcome.job.destination)["tables"][0]["rows"] == [{"there": True}]


def test_others_may_read_a_run(ready_book):
    """Temporary folders are made for their owner alone; what is kept of a run is for readers."""
    old = os.umask(0o022)
    try:
        (outcome,) = ready_book.run("pixels/alpha")
    finally:
        os.umask(old)
    folder = outcome.job.destination
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    for path in folder.rglob("*"):
        assert path.stat().st_mode & 0o044 == 0o044, path.name


def test_variables_that_choose_the_arithmetic_are_dropped_unless_asked_for(
    book, tmp_path, monkeypatch
):
    chosen = {"OPENBLAS_CORETYPE": "Haswell", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2"}
    for name, value in {**chosen, "MKL_NUM_THREADS": "7", "MKL_THREADING_LAYER": "GNU"}.items():
        monkeypatch.setenv(name, value)
    job = Job(chapter=None, parameters={}, destination=tmp_path)
    for asked in ("", "0", "1"):
        monkeypatch.setenv("MEDBOOK_KEEP_ARITHMETIC", asked)
        given = environment(book.project, job, folder=tmp_path, runtime=tmp_path)
        kept = {name: given[name] for name in chosen if name in given}
        assert kept == (chosen if asked == "1" else {})
        assert (given["MKL_NUM_THREADS"], given["MKL_THREADING_LAYER"]) == ("1", "GNU")


@pytest.mark.usefixtures("forked")
def test_other_parameters_never_touch_the_book_s_run(ready_book):
    project = ready_book.project
    chapter = project.chapter("alpha")
    before = (project.run_dir(chapter) / "record.json").read_bytes()
    job = plan(project, chapter, given={"factor": 3})
    assert job.destination.is_relative_to(project.adhoc_runs)
    assert job.injected == {"factor": 3.0}
    (outcome,) = execute_all(project, [job])
    assert outcome.ok
    assert (project.run_dir(chapter) / "record.json").read_bytes() == before
    record = record_of(job.destination)
    assert (record["parameters"]["factor"], record["results"][0]["value"]) == (3.0, 12.0)


def test_giving_the_defaults_is_the_book_s_run(ready_book):
    project = ready_book.project
    chapter = project.chapter("alpha")
    assert plan(project, chapter, given={"factor": 2}).destination == project.run_dir(chapter)


def test_a_profile_is_kept_apart_even_with_the_book_s_parameters(ready_book):
    project = ready_book.project
    job = plan(project, project.chapter("alpha"), profile="smoke")
    assert job.parameters == plan(project, project.chapter("alpha")).parameters
    assert job.destination.is_relative_to(project.adhoc_runs)


def test_an_unknown_profile_names_the_nearest(ready_book):
    project = ready_book.project
    with pytest.raises(UserError, match="there is no profile 'smok': did you mean 'smoke'"):
        plan(project, project.chapter("alpha"), profile="smok")


def test_a_misspelt_parameter_in_a_profile_is_an_error(ready_book):
    ready_book.write("chapters/pixels/alpha/profiles.yml", "smoke: {facto: 3}\n")
    project = Project(ready_book.root)
    with pytest.raises(UserError, match=r"unknown parameter 'facto'.*'factor'"):
        plan(project, project.chapter("alpha"), profile="smoke")


def test_a_cell_that_raises_is_shown_with_its_line_and_the_others_finish(book):
    book.chapter("pixels/bad", "x = 1\nvalue = {}['dose']\ny = 2")
    book.chapter("pixels/good", "pass")
    bad, good = book.run("pixels/bad", "pixels/good", workers=1)
    assert good.ok
    failure = bad.failure
    assert failure.exit_code == Exit.CHAPTER_FAILED
    assert failure.line == ("pixels/bad: cell 3 raised KeyError: 'dose'  (at: value = {}['dose'])")
    assert failure.details[-2:] == (
        "KeyError: 'dose'",
        "the notebook as far as it came: build/failed/pixels/bad/notebook.ipynb",
    )
    assert not any("\x1b" in line for line in failure.details)
    assert not (book.project.runs / "pixels" / "bad").exists()
    assert (book.project.failed_runs / "pixels" / "bad" / "notebook.ipynb").is_file()
    assert sorted(os.listdir(book.project.runs / "pixels")) == ["good"]


@pytest.mark.usefixtures("forked")
def test_parameters_that_do_not_go_together_are_bad_input_told_in_one_line(book):
    book.chapter("pixels/bad", "run.require(False, 'seed', 'factor', right='seed is above factor')")
    (outcome,) = book.run("pixels/bad")
    line = "pixels/bad: seed = 0, factor = 2.0: seed is above factor"
    assert outcome.failure.line.startswith(line)
    assert outcome.failure.details == ()
    assert outcome.failure.exit_code == Exit.USAGE


@pytest.mark.usefixtures("forked")
def test_a_run_that_works_again_removes_the_failed_one(book):
    book.chapter("pixels/bad", "1 / 0")
    book.run("pixels/bad")
    assert os.listdir(book.project.failed_runs / "pixels") == ["bad"]
    book.edit("chapters/pixels/bad/bad.py", "1 / 0", "1 / 1")
    book.run("pixels/bad")
    assert os.listdir(book.project.failed_runs / "pixels") == []


@pytest.mark.usefixtures("forked")
def test_a_failure_leaves_the_last_good_run_as_it_was(ready_book):
    folder = ready_book.project.runs / "pixels" / "alpha"
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    ready_book.edit("medlib/pixels/double.py", "2 * x", "2 * x / 0")
    (outcome,) = ready_book.run("pixels/alpha")
    assert "ZeroDivisionError" in outcome.failure.line
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert after == before


def test_a_dead_kernel_is_a_failure_not_a_hang(book):
    book.chapter("pixels/dies", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    (outcome,) = book.run("pixels/dies")
    assert outcome.failure.line == (
        "pixels/dies: its kernel died in the middle; most often the memory ran out"
    )


def test_a_dead_worker_is_a_failure_not_a_hang(book):
    book.chapter("pixels/orphan", "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)")
    (outcome,) = book.run("pixels/orphan")
    assert outcome.failure.line == "pixels/orphan: its worker process died (signal 9)"


@pytest.mark.usefixtures("forked")
def test_a_chapter_without_a_record_is_red(book):
    book.chapter("pixels/silent", "pass")
    book.edit("chapters/pixels/silent/silent.py", "run.finish()", "print('done')")
    (outcome,) = book.run("pixels/silent")
    assert outcome.failure.line.startswith("pixels/silent: it ran, but left no record")


@pytest.mark.usefixtures("forked")
def test_a_disk_that_fills_up_in_a_cell_is_trouble_with_the_machine(book):
    book.chapter("pixels/full", "with open('/dev/full', 'w') as f:\n    f.write('x')")
    (outcome,) = book.run("pixels/full")
    assert outcome.failure.exit_code == Exit.ENVIRONMENT
    assert outcome.failure.line.startswith("pixels/full: the disk is full")


def can_mount() -> bool:
    if not shutil.which("unshare"):
        return False
    probe = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("size", "code"), [("8k", "pass"), ("200k", "print('x' * 1_000_000)")], ids=["start", "end"]
)
def test_a_full_disk_is_one_clear_line(book, size, code):
    if not can_mount():
        pytest.skip("needs a mount namespace of its own (unshare -rm)")
    book.chapter("pixels/big", code)
    book.project.build.mkdir()
    mount = f"mount -t tmpfs -o size={size} tmpfs {book.project.build} && exec "
    inside = ["unshare", "-rm", "sh", "-c", mount + '"$@"', "sh"]
    done = book.medbook("run", "big", before=inside)
    assert done.returncode == Exit.ENVIRONMENT
    assert "medbook: pixels/big: the disk is full" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.usefixtures("forked")
def test_outcomes_come_in_the_order_of_the_jobs(ready_book):
    project = ready_book.project
    jobs = [plan(project, project.chapter("beta"), given={"factor": f}) for f in (1, 3)]
    assert [outcome.job for outcome in execute_all(project, jobs)] == jobs


def test_no_jobs_are_no_work(book):
    assert execute_all(book.project, []) == []


@pytest.mark.usefixtures("forked")
def test_one_worker_and_two_give_the_same_results(ready_book):
    folder = ready_book.project.runs / "pixels"
    ready_book.run("pixels/alpha", "pixels/beta", workers=2)
    two = [record_of(folder / name)["results"] for name in ("alpha", "beta")]
    ready_book.run("pixels/alpha", "pixels/beta", workers=1)
    assert [record_of(folder / name)["results"] for name in ("alpha", "beta")] == two


def test_replacing_a_folder_puts_the_old_one_back_if_it_cannot(tmp_path):
    old = tmp_path / "old"
    old.mkdir()
    (old / "kept").touch()
    with pytest.raises(FileNotFoundError):
        replace_folder(tmp_path / "missing", old)
    assert os.listdir(tmp_path) == ["old"]
    assert (old / "kept").exists()


def test_there_is_at_least_one_core():
    assert available_cores() >= 1
