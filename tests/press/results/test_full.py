"""A long run is kept by a command, read back by its chapter, and never from a tree of no commit."""

import pytest

from medlib.experiment.record import read_record
from medlib.experiment.tables import FullRun, read_kept
from press.errors import Exit, UserError
from press.results.full import keep
from press.results.kept import portable
from press.run.execute import execute_all, plan
from press.source.project import Project

CODE = """\
before = experiment.recorded(run, "full", optional=True)
if before:
    run.say("Recorded at commit {made.commit}, with {n} steps.", made=before.made,
            n=before.parameters["n"])
    run.result("long_ago", before.result("third").value)
run.uses(read())
run.result("third", n / 3)
run.claim("it was worth the wait", n > 1, margin=n - 1)
"""
PARAMETERS = """\
seed: int = 0  # master seed, x ≥ 0
device: str = "cpu"  # where to compute: "auto", "cpu" or "cuda"
n: int = 1  # a number, 1 ≤ x ≤ 9
"""
KEPT = "results/pixels/patient/full.json"
WORDS = ("run", "patient", "--profile", "full", "--accept")


@pytest.fixture
def patient(book):
    from tests.press.conftest import READING

    book.write("data_fetch/reading.py", READING)
    book.write("data.txt", "3\n")
    book.chapter(
        "pixels/patient",
        CODE,
        imports="from data_fetch.reading import read",
        parameters=PARAMETERS,
    )
    book.write("chapters/pixels/patient/profiles.yml", "full: {n: 7}\n")
    return book


def test_a_long_run_is_kept_and_read_by_its_chapter(patient):
    commit = patient.commit()
    done = patient.medbook(*WORDS)
    assert done.returncode == 0, done.stderr
    assert f"kept      {KEPT}" in done.stdout
    full = read_kept(patient.root / KEPT, FullRun)
    assert (full.record.profile, full.record.parameters["n"]) == ("full", 7)
    assert (full.record.git.sha, full.record.git.dirty) == (commit, False)
    assert str(patient.root) not in (patient.root / KEPT).read_text("utf-8")
    (use,) = full.record.data
    assert use.path == "data.txt"

    assert patient.medbook("run", "patient").returncode == Exit.CHECK_FAILED  # n = 1: as claimed
    record = read_record(patient.root / "build/runs/pixels/patient/record.json")
    assert record.sentences == [f"Recorded at commit {commit[:10]}, with 7 steps."]
    assert record.result("long_ago").value == 7 / 3
    assert patient.state("pixels/patient").fresh
    patient.edit(KEPT, '"seed": 0', '"seed": 1')
    (reason,) = patient.state("pixels/patient").reasons
    assert reason == "data recorded/pixels/patient/full changed"


def test_a_fresh_long_run_is_kept_without_running_it_again(patient):
    assert patient.medbook(*WORDS[:-1]).returncode == 0
    refused = patient.medbook(*WORDS)
    assert refused.returncode == Exit.USAGE
    assert "this is no git checkout" in refused.stderr
    commit = patient.commit()
    done = patient.medbook(*WORDS)
    assert done.returncode == 0, done.stderr
    assert "its run of profile full is fresh and kept" in done.stdout
    assert "start " not in done.stdout
    # the run was made before it was committed, and what made it is what was committed
    assert read_kept(patient.root / KEPT, FullRun).record.git.sha == commit


def test_a_tree_that_differs_from_its_commit_is_refused(patient):
    patient.commit()
    patient.edit("data_fetch/reading.py", "import hashlib", "import hashlib  # edited")
    done = patient.medbook(*WORDS)
    assert done.returncode == Exit.USAGE
    assert "but data_fetch/reading.py differ from it: commit first" in done.stderr
    assert not (patient.root / "build").exists()


def test_a_library_file_that_is_not_in_git_is_refused(patient):
    patient.commit()
    text = (patient.root / "data_fetch/reading.py").read_text("utf-8")
    patient.write("data_fetch/untracked.py", text)
    patient.edit("chapters/pixels/patient/patient.py", "data_fetch.reading", "data_fetch.untracked")
    patient._git("add", "chapters")
    name = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    patient._git(*name, "commit", "-q", "-m", "without the library file")
    done = patient.medbook(*WORDS)
    assert done.returncode == Exit.USAGE
    assert "data_fetch/untracked.py is not in git: add and commit it first" in done.stderr
    assert not (patient.root / KEPT).exists()


def test_what_was_edited_and_committed_meanwhile_is_refused(patient):
    patient.commit()
    project = Project(patient.root)
    job = plan(project, project.chapter("patient"), profile="full")
    (outcome,) = execute_all(project, [job])
    assert outcome.failure is None
    patient.edit("data_fetch/reading.py", "import hashlib", "import hashlib  # edited")
    patient.edit("chapters/pixels/patient/patient.py", "n / 3", "n / 4")
    patient.commit()
    with pytest.raises(UserError, match=r"cells changed; data_fetch/reading\.py changed"):
        keep(project, job)
    assert not (patient.root / KEPT).exists()


@pytest.mark.parametrize(
    "words",
    [
        ("run", "patient", "--accept"),
        ("run", "patient", "--profile", "full", "-p", "n=3", "--accept"),
    ],
)
def test_only_the_profile_full_as_it_is_declared_is_kept(patient, words):
    patient.commit()
    done = patient.medbook(*words)
    assert done.returncode == Exit.USAGE
    assert "write `--profile full --accept` without -p and -f" in done.stderr


def test_paths_outside_the_repository_are_left_out(executed_book):
    record = read_record(executed_book.root / "build/runs/pixels/beta/record.json")
    assert Project(executed_book.root).root == executed_book.root
    assert [use.path for use in portable(record, executed_book.root).data] == ["data.txt"]
    assert [use.path for use in portable(record, executed_book.root / "x").data] == [None]
