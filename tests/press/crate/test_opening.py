"""What a stranger packed is read without following, writing or swelling anything."""

import os
import stat
import zipfile

import pytest

from press.crate import opening
from press.crate.opening import is_crate, open_crate
from press.crate.packing import archive, write_crate
from press.errors import Exit, UserError

FILES = {"ro-crate-metadata.json": b"{}", "figures/a.png": b"picture"}


def zipped(path, members, *, mode=0, kind=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in members:
            member = zipfile.ZipInfo(name)
            member.external_attr, member.compress_type = mode << 16, kind
            packed.writestr(member, data)
    return path


def refused(path, message):
    with pytest.raises(UserError, match=message) as caught:
        open_crate(path)
    assert caught.value.exit_code in (Exit.CHECK_FAILED, Exit.USAGE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["c", "c.zip"])
def test_folder_and_archive_are_read_alike(tmp_path, name):
    write_crate(FILES, tmp_path / name)
    crate = open_crate(tmp_path / name)
    assert is_crate(tmp_path / name)
    assert (crate.files, crate.unreadable, crate.repacked) == (
        dict(sorted(FILES.items())),
        {},
        False,
    )


def test_an_archive_of_another_tool_is_read_and_known(tmp_path):
    path = zipped(tmp_path / "c.zip", FILES.items(), kind=zipfile.ZIP_DEFLATED)
    crate = open_crate(path)
    assert crate.files == FILES
    assert crate.repacked


@pytest.mark.parametrize(
    "name",
    [
        "../out.txt",
        "/etc/out.txt",
        "a/../../out.txt",
        "C:/out.txt",
        "a\\..\\out.txt",
        "a//b",
        "./a",
    ],
)
def test_a_path_that_leaves_the_crate_is_refused_by_name(tmp_path, name):
    path = zipped(tmp_path / "c.zip", [*FILES.items(), ("placeholder", b"x")])
    data = path.read_bytes()
    assert data.count(b"placeholder") == 2
    if len(name) > len("placeholder"):
        path = zipped(tmp_path / "d.zip", [(name, b"x")])
    else:  # as it is spelled: `zipfile` writes no backslash of its own accord
        held = zipped(tmp_path / "e.zip", [("p" * len(name), b"x")]).read_bytes()
        path.write_bytes(held.replace(b"p" * len(name), name.encode()))
    refused(path, "refused: .*(leaves the crate|no plain relative path|every machine)")
    assert not (tmp_path.parent / "out.txt").exists()


def test_links_are_refused_in_archive_and_folder(tmp_path):
    linked = zipped(tmp_path / "c.zip", [("a", b"/etc/passwd")], mode=stat.S_IFLNK | 0o777)
    refused(linked, "'a' is a link")
    folder = tmp_path / "c"
    write_crate(FILES, folder)
    (folder / "figures/b.png").symlink_to("/etc/passwd")
    refused(folder, "'figures/b.png' is a link")
    (folder / "figures/b.png").unlink()
    (folder / "more").symlink_to(tmp_path)
    refused(folder, "'more' is a link")


def test_what_is_no_file_is_refused(tmp_path):
    write_crate(FILES, tmp_path / "c")
    os.mkfifo(tmp_path / "c" / "pipe")
    refused(tmp_path / "c", "'pipe' is no plain file")


def test_an_archive_that_swells_is_refused_before_it_does(tmp_path, monkeypatch):
    path = zipped(tmp_path / "c.zip", [("zeros", bytes(2**22))], kind=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**13
    monkeypatch.setattr(opening, "MOST_BYTES", 2**20)
    monkeypatch.setattr(zipfile.ZipFile, "open", None)  # it would be a TypeError
    refused(path, r"refused: 1 files of 4 MiB together; a crate has 10,000 files of 1 MiB at most")


def test_an_archive_that_lies_about_its_size_gives_no_more_than_it_says(tmp_path):
    path = zipped(tmp_path / "c.zip", [("zeros", bytes(2**20))], kind=zipfile.ZIP_DEFLATED)
    size = (2**20).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (9).to_bytes(4, "little")))
    crate = open_crate(path)
    assert crate.files == {}
    assert "CRC" in crate.unreadable["zeros"]


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "MOST_FILES", 1)
    write_crate(FILES, tmp_path / "c")
    refused(tmp_path / "c", "refused: 2 files")


def test_names_that_are_one_on_another_machine_are_refused(tmp_path):
    refused(zipped(tmp_path / "c.zip", [("a", b"1"), ("A", b"2")]), "are one file on some machines")
    refused(zipped(tmp_path / "d.zip", [("a", b"1"), ("a/b", b"2")]), "is a file and a folder")
    with pytest.warns(UserWarning, match="Duplicate"):
        path = zipped(tmp_path / "e.zip", [("a", b"1"), ("a", b"2")])
    refused(path, "'a' is in it twice")


def test_what_is_no_crate_is_one_clear_line(tmp_path):
    (tmp_path / "c.zip").write_bytes(b"nothing")
    refused(tmp_path / "c.zip", "no whole .zip archive")
    refused(tmp_path / "absent.zip", "there is no such crate")
    (tmp_path / "cut.zip").write_bytes(archive(FILES)[:-9])
    refused(tmp_path / "cut.zip", "no whole .zip archive")
    assert not is_crate(tmp_path)


def test_an_encrypted_member_is_named_and_the_others_read(tmp_path):
    data = bytearray(archive(FILES))
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    (tmp_path / "c.zip").write_bytes(data)
    crate = open_crate(tmp_path / "c.zip")
    assert "encrypted" in crate.unreadable["figures/a.png"]
    assert list(crate.files) == ["ro-crate-metadata.json"]
