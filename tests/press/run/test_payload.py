"""What travels: the same bytes for the same files, all that a run needs, nothing of the rest."""

import io
import json
import shutil
import tarfile

import pytest

from press.errors import UserError
from press.run.admission import examine
from press.run.payload import (
    SHIPPED,
    installed,
    pack,
    pack_folder,
    pack_project,
    shipped_commit,
    unpack,
)
from press.source.project import Project


def unpacked(book, folder):
    """The book's sources as a worker has them."""
    payload = pack_project(Project(book.root))
    unpack(payload.data, folder)
    return payload


def test_equal_sources_make_equal_bytes_and_another_byte_makes_others(ready_book, executed_book):
    here, there = (pack_project(Project(b.root)) for b in (ready_book, executed_book))
    assert here.digest == there.digest  # another folder, other times of the files
    ready_book.edit("medlib/pixels/double.py", "2 * x", "x + x")
    other = pack_project(Project(ready_book.root))
    assert other.digest != here.digest
    assert other.passport.digests["tree"] != here.passport.digests["tree"]
    assert other.passport.digests["installed"] == here.passport.digests["installed"]


def test_what_a_run_needs_is_sent_and_nothing_else(ready_book, tmp_path):
    ready_book.write("results/pixels/alpha/accepted.json", "{}")
    ready_book.write("chapters/pixels/alpha/.hidden", "")
    ready_book.write("medlib/__pycache__/old.pyc", "")
    unpacked(ready_book, tmp_path / "tree")
    sent = {p.relative_to(tmp_path / "tree").as_posix() for p in (tmp_path / "tree").rglob("*.*")}
    for name in (
        "chapters/pixels/alpha/alpha.py",
        "results/pixels/alpha/accepted.json",
        "constraints.txt",
    ):
        assert name in sent
    for name in ("press/run/point.py", "press/run/worker.py", SHIPPED):
        assert name in sent
    assert not [n for n in sent if n.startswith("build/") or "pycache" in n or ".hidden" in n]


def test_a_commit_is_sent_along(ready_book, tmp_path):
    unpacked(ready_book, tmp_path / "tree")
    assert shipped_commit(tmp_path / "tree") == "none"  # this book is no checkout
    assert shipped_commit(ready_book.root) == ""
    told = {"git": {"sha": "a" * 40, "dirty": True}}
    (tmp_path / "tree" / SHIPPED).write_text(json.dumps(told))
    assert shipped_commit(tmp_path / "tree") == "a" * 40 + "+changes"


def test_a_worker_without_a_checkout_shows_the_digests_that_are_wanted(ready_book, tmp_path):
    payload = unpacked(ready_book, tmp_path / "tree")
    shown = examine(tmp_path / "tree", {})
    assert shown["digests"] == payload.passport.digests
    assert shown["differences"] == []


def test_a_worker_shows_its_own_checkout_where_it_has_one(ready_book, executed_book, tmp_path):
    payload = unpacked(executed_book, tmp_path / "tree")
    own = {"medlib": str(ready_book.root), "data_fetch": str(ready_book.root)}
    assert examine(tmp_path / "tree", own)["digests"] == payload.passport.digests
    ready_book.edit("constraints.txt", "numpy==", "numpy>=")
    shown = examine(tmp_path / "tree", own)
    assert shown["digests"]["constraints"] != payload.passport.digests["constraints"]
    (reason,) = shown["differences"]
    assert reason.startswith(f"its checkout {ready_book.root} ")
    assert reason.endswith("other bytes in constraints.txt")
    (ready_book.root / "medlib" / "pixels" / "double.py").unlink()
    ready_book.edit("chapters/pixels/alpha/alpha.py", "alpha ran", "alpha ran again")
    (reason,) = examine(tmp_path / "tree", own)["differences"]
    named = "chapters/pixels/alpha/alpha.py, constraints.txt, medlib/pixels/double.py"
    assert reason.endswith(f"other bytes in {named}")


def test_files_damaged_after_they_were_unpacked_are_seen(ready_book, tmp_path):
    payload = unpacked(ready_book, tmp_path / "tree")
    with (tmp_path / "tree" / "medlib" / "pixels" / "double.py").open("a") as stream:
        stream.write("\n")
    assert examine(tmp_path / "tree", {})["digests"] != payload.passport.digests


def test_another_python_or_package_is_named(ready_book, tmp_path):
    payload = unpacked(ready_book, tmp_path / "tree")
    path = tmp_path / "tree" / SHIPPED
    wanted = json.loads(path.read_text())
    wanted["python"] = "3.99.0"
    wanted["packages"] |= {"numpy": "9.9", "torch": "2.13.0"}
    path.write_text(json.dumps(wanted))
    differences = examine(tmp_path / "tree", {})["differences"]
    assert differences[0].endswith("wanted is 3.99.0")
    assert f"numpy is {payload.passport.packages['numpy']}, wanted is 9.9" in differences
    assert "torch is missing, wanted is 2.13.0" in differences


def test_a_local_label_of_a_version_is_the_machines_not_the_codes(tmp_path, monkeypatch):
    about = tmp_path / "Some_Thing-2.0+cu130.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: Some_Thing\nVersion: 2.0+cu130\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert installed("some-thing==2.0 ; python_version > '3'\n# numpy==1\n") == {
        "some-thing": "2.0"
    }


def test_a_folder_comes_back_as_it_was(executed_book, tmp_path):
    folder = executed_book.project.runs / "pixels" / "alpha"
    unpack(pack_folder(folder), tmp_path / "back")
    shutil.copytree(folder, tmp_path / "copy")
    for path in (tmp_path / "copy").rglob("*.*"):
        assert (tmp_path / "back" / path.relative_to(tmp_path / "copy")).read_bytes() == (
            path.read_bytes()
        )


@pytest.mark.parametrize("name", ["../outside", "a/../../outside"])
def test_nothing_is_unpacked_outside_its_folder(tmp_path, name):
    with pytest.raises(UserError, match="no whole run folder"):
        unpack(pack({name: b"x"}), tmp_path / "inside")
    assert not (tmp_path / "outside").exists()
    unpack(pack({str(tmp_path / "outside"): b"x"}), tmp_path / "inside")
    assert not (tmp_path / "outside").exists()


def test_a_link_is_no_file_of_a_run(tmp_path):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        link = tarfile.TarInfo("record.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        tar.addfile(link)
    with pytest.raises(UserError, match=r"'record.json', which is no plain file"):
        unpack(stream.getvalue(), tmp_path)


def test_half_a_folder_is_refused(tmp_path):
    data = pack({"record.json": b"x" * 5000})
    with pytest.raises(UserError, match="no whole run folder"):
        unpack(data[:3000], tmp_path)
