"""Archives that try to leave their folder: refused whole, by name."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from data_fetch.archive import unpack
from data_fetch.download import fetch
from data_fetch.errors import DataError, UnsafeArchiveError
from tests.data_fetch.loopback import QUICK, Server, entry, whole


def zip_of(path: Path, names: list[str]) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name in names:
            made.writestr(zipfile.ZipInfo(name), b"content of " + name.encode())
    return path


def tar_of(path: Path, members: list[tarfile.TarInfo], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as made:
        for member in members:
            member.size = 7 if member.isfile() else 0
            made.addfile(member, io.BytesIO(b"content") if member.isfile() else None)
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_honest_tar_is_unpacked(tmp_path: Path, mode: str) -> None:
    made = tar_of(
        tmp_path / "a.tar",
        [special("deep", tarfile.DIRTYPE), tarfile.TarInfo("deep/x.txt"), tarfile.TarInfo("y")],
        mode,
    )
    files = unpack(made, tmp_path / "out")
    assert files == [tmp_path / "out/deep/x.txt", tmp_path / "out/y"]
    assert files[0].read_bytes() == b"content"


def test_honest_zip_is_unpacked(tmp_path: Path) -> None:
    made = zip_of(tmp_path / "a.zip", ["deep/", "deep/x.txt", "y..z"])
    assert [p.name for p in unpack(made, tmp_path / "out")] == ["x.txt", "y..z"]


OUTSIDE = ["../evil", "a/../../evil", "/tmp/evil", "..\\evil", "C:\\evil", "C:evil"]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_member_outside_the_folder_refuses_the_archive(
    tmp_path: Path, name: str, kind: str
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    if kind == "zip":
        made = zip_of(tmp_path / "a.zip", ["good.txt", name])
    else:
        made = tar_of(tmp_path / "a.tgz", [tarfile.TarInfo("good.txt"), tarfile.TarInfo(name)])
    with pytest.raises(UnsafeArchiveError, match=r"evil.* lies outside.*Nothing was unpacked"):
        unpack(made, inner / "out")
    assert list(inner.iterdir()) == []
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "bad",
    [
        special("way", tarfile.SYMTYPE, "/etc"),
        special("way", tarfile.LNKTYPE, "good.txt"),
        special("way", tarfile.CHRTYPE),
        special("way", tarfile.FIFOTYPE),
    ],
    ids=["symlink", "hard link", "device", "pipe"],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    made = tar_of(tmp_path / "a.tgz", [tarfile.TarInfo("good.txt"), bad])
    with pytest.raises(UnsafeArchiveError, match=r"'way' is a (link|device)"):
        unpack(made, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_symlink_in_a_zip_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("way")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr(link, "/etc/passwd")
    with pytest.raises(UnsafeArchiveError, match="'way' is a link"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_more_bytes_than_allowed_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("zeros", bytes(10**6))
    with pytest.raises(UnsafeArchiveError, match="more than"):
        unpack(tmp_path / "a.zip", tmp_path / "out", limit_bytes=10**5)


@pytest.mark.parametrize("keep", [0, 40, 150])
def test_damaged_archive_leaves_nothing(tmp_path: Path, keep: int) -> None:
    made = tar_of(tmp_path / "a.tgz", [tarfile.TarInfo(f"x{i}") for i in range(50)])
    assert made.stat().st_size > 150
    made.write_bytes(made.read_bytes()[:keep])
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(made, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tgz"]


def test_corrupt_member_of_a_zip_leaves_nothing(tmp_path: Path) -> None:
    made = zip_of(tmp_path / "a.zip", ["first", "second"])
    body = made.read_bytes()
    made.write_bytes(body.replace(b"content of second", b"CONTENT of second"))
    with pytest.raises(DataError, match="Bad CRC-32"):
        unpack(made, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_folder_in_use_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("mine")
    with pytest.raises(DataError, match="not an empty folder"):
        unpack(zip_of(tmp_path / "a.zip", ["x"]), tmp_path / "out")
    assert (tmp_path / "out/mine").read_text() == "mine"


def test_downloaded_archive_with_a_path_outside_is_refused(server: Server, tmp_path: Path) -> None:
    """The published digest can be right and the archive still bad."""
    body = zip_of(tmp_path / "made.zip", ["ok", "../../evil"]).read_bytes()
    server.answers["/x.zip"] = [whole(body)]
    cache = tmp_path / "cache"
    path = fetch(
        entry(server.url("/x.zip"), body=body, file="x.zip"),
        folder=cache,
        transfer=QUICK,
    )
    with pytest.raises(UnsafeArchiveError, match="evil"):
        unpack(path, cache / "x")
    assert not (cache / "x").exists()
    assert not list(tmp_path.rglob("evil"))
