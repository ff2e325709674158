"""What a run depended on: files, packages, commit, device."""

import hashlib
import subprocess
from datetime import UTC, datetime

import pytest

from medlib.experiment import environment


def test_imported_files_are_this_projects_and_hashed():
    root = environment.project_root()
    found = environment.imported_files(root)
    name = "medlib/experiment/environment.py"
    assert found[name] == hashlib.sha256((root / name).read_bytes()).hexdigest()
    assert all(path.startswith(("medlib/", "data_fetch/")) for path in found)


def test_a_file_written_after_the_start_has_no_digest_to_be_fresh_by():
    root = environment.project_root()
    long_ago = datetime.fromtimestamp(0, UTC)
    found = environment.imported_files(root, since=long_ago)
    assert set(found.values()) == {environment.CHANGED_MEANWHILE}
    assert environment.imported_files(root, since=datetime.now(UTC)) == environment.imported_files(
        root
    )


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
