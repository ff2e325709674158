"""What a run depended on: files, packages, commit, device."""

import hashlib
import os
import subprocess
from importlib import metadata

import pytest

from medlib.experiment import environment
from medlib.experiment.record import Commit


def test_imported_files_are_this_projects_and_hashed():
    root = environment.project_root()
    found = environment.imported_files(root)
    name = "medlib/experiment/environment.py"
    assert found[name] == hashlib.sha256((root / name).read_bytes()).hexdigest()
    assert all(path.startswith(("medlib/", "data_fetch/")) for path in found)


def test_a_file_that_changed_after_the_start_has_no_digest_to_be_fresh_by():
    root = environment.project_root()
    name = "medlib/experiment/environment.py"
    before = environment.tracked_files(root)
    assert environment.imported_files(root, before=before) == environment.imported_files(root)
    found = environment.imported_files(root, before={**before, name: "0123"})
    assert found.pop(name) == environment.CHANGED_MEANWHILE
    assert environment.CHANGED_MEANWHILE not in found.values()
    del before[name]
    assert environment.imported_files(root, before=before)[name] == environment.CHANGED_MEANWHILE


def test_a_clock_that_is_wrong_makes_nothing_stale():
    root = environment.project_root()
    path = root / "medlib/experiment/environment.py"
    before, times = environment.tracked_files(root), path.stat()
    try:
        os.utime(path, (times.st_atime, times.st_mtime + 1e6))
        assert environment.imported_files(root, before=before) == environment.imported_files(root)
    finally:
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_another_repository_around_the_project_is_not_its_commit(tmp_path, monkeypatch):
    def git(*words):
        subprocess.run(["git", "-C", tmp_path, *words], check=True, capture_output=True)

    git("init")
    git("-c", "user.name=a", "-c", "user.email=a@b.example", "commit", "--allow-empty", "-m", "a")
    (tmp_path / "unpacked").mkdir()
    assert environment.commit(tmp_path) is not None
    assert environment.commit(tmp_path / "unpacked") is None
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    assert environment.commit(tmp_path / "unpacked") is None


def test_commit_sees_a_changed_file_but_not_an_untracked_one(tmp_path):
    def git(*words):
        subprocess.run(
            ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b.example", *words],
            check=True,
            capture_output=True,
        )

    assert environment.commit(tmp_path) is None
    git("init")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-m", "a")
    (tmp_path / "untracked").write_text("1")
    assert not environment.commit(tmp_path).dirty
    (tmp_path / "a").write_text("2")
    assert environment.commit(tmp_path).dirty
    git("checkout", "a")
    (tmp_path / "results").mkdir()
    (tmp_path / "results/b").write_text("1")
    git("add", "results")
    git("commit", "-m", "b")
    (tmp_path / "results/b").write_text("2")  # what a run reads there is in its record
    assert not environment.commit(tmp_path).dirty


def test_device_names_are_checked():
    assert environment.resolve_device("cpu").type == "cpu"
    with pytest.raises(ValueError, match='"auto", "cpu" or "cuda"'):
        environment.resolve_device("gpu")


def test_cuda_where_there_is_none_says_so(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert environment.resolve_device("auto").type == "cpu"
    with pytest.raises(ValueError, match="no CUDA device here"):
        environment.resolve_device("cuda")


def test_resources_are_measured():
    before = environment.cpu_seconds()
    sum(i * i for i in range(300_000))
    assert environment.cpu_seconds() > before
    assert environment.peak_memory_mib() > 10
    assert environment.constraints_digest(environment.project_root() / "nowhere") == ""


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("a" * 40, Commit(sha="a" * 40, dirty=False)),
        ("a" * 40 + "+changes", Commit(sha="a" * 40, dirty=True)),
        ("none", None),
    ],
)
def test_sources_that_were_sent_are_of_the_commit_that_was_sent_along(told, expected, monkeypatch):
    monkeypatch.setenv("MEDBOOK_COMMIT", told)
    assert environment.commit(environment.project_root()) == expected


def test_every_module_has_the_distributions_that_python_gives_it():
    found = {}
    for distribution in metadata.distributions():
        for module in set(environment._top_levels(distribution)):
            found.setdefault(module, []).append(distribution.name)
    expected = metadata.packages_distributions()
    assert {name: sorted(owners) for name, owners in found.items()} == {
        name: sorted(owners) for name, owners in expected.items()
    }


def test_name_and_version_are_read_as_python_reads_them():
    every = list(metadata.distributions())
    assert [environment._name_and_version(one) for one in every] == [
        (one.name, one.version) for one in every
    ]


def test_a_distribution_that_says_little_is_read_by_python(tmp_path):
    about = tmp_path / "a-1.dist-info"
    about.mkdir()
    one = metadata.Distribution.at(about)
    (about / "PKG-INFO").write_text("Name: a\nVersion: 1\n\nName: b\n")
    assert environment._name_and_version(one) == ("a", "1")
    (about / "METADATA").write_text("Version: 2\nName: a b\nSummary: c\n\nName: b\nVersion: 3\n")
    assert environment._name_and_version(one) == (one.name, one.version) == ("a b", "2")
