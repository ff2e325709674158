"""Unpack a zip or tar file so that nothing can leave the folder it is unpacked into."""

import io
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from data_fetch.errors import DataError, UnsafeArchiveError


def unpack(archive: Path | str, folder: Path | str, *, limit_bytes: int = 64 * 2**30) -> list[Path]:
    """Unpack every file, or nothing: all members are judged before the first is written.

    Args:
        archive: .zip, .tar, .tar.gz, .tar.bz2 or .tar.xz, told by content.
        folder: created; must not exist yet or be empty.
        limit_bytes: refuse an archive that would unpack to more.

    Returns:
        The files, sorted.

    Raises:
        UnsafeArchiveError: a member with an absolute path or ``..``, a link, a device, or too
            many bytes. Nothing is unpacked.
        DataError: not an archive, damaged, or a folder that is in use.
    """
    archive, folder = Path(archive), Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} exists and is not an empty folder; unpack into a new one")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                _judge(archive, _zip_members(opened), limit_bytes=limit_bytes)
                for member in opened.infolist():
                    if not member.is_dir():
                        with opened.open(member) as source:
                            _write(source, beside / _relative(member.filename))
        else:
            with tarfile.open(archive) as opened:
                members = opened.getmembers()
                _judge(archive, _tar_members(members), limit_bytes=limit_bytes)
                for member in members:
                    source = opened.extractfile(member) if member.isfile() else None
                    if source is not None:
                        with source:
                            _write(source, beside / _relative(member.name))
        if folder.exists():
            folder.rmdir()
        beside.rename(folder)
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{archive} cannot be unpacked: {error}. Nothing was kept") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return sorted(p for p in folder.rglob("*") if p.is_file())


def _zip_members(opened: zipfile.ZipFile) -> Iterator[tuple[str, str, int]]:
    for member in opened.infolist():
        mode = member.external_attr >> 16
        kind = "link" if stat.S_ISLNK(mode) else "dir" if member.is_dir() else "file"
        yield member.filename, kind, member.file_size


def _tar_members(members: list[tarfile.TarInfo]) -> Iterator[tuple[str, str, int]]:
    for member in members:
        if member.isfile():
            kind = "file"
        elif member.isdir():
            kind = "dir"
        else:
            kind = "link" if member.issym() or member.islnk() else "device"
        yield member.name, kind, member.size


def _judge(archive: Path, members: Iterator[tuple[str, str, int]], *, limit_bytes: int) -> None:
    total = 0
    for name, kind, size in members:
        total += size
        windows = name.replace("\\", "/")
        path = PurePosixPath(windows)
        if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
            problem = f"the member {name!r} lies outside the folder"
        elif kind in ("link", "device"):
            problem = f"the member {name!r} is a {kind}"
        elif total > limit_bytes:
            problem = f"it would unpack to more than {limit_bytes / 2**30:.3g} GiB"
        else:
            continue
        raise UnsafeArchiveError(f"{archive} was refused: {problem}. Nothing was unpacked")


def _relative(name: str) -> Path:
    return Path(*PurePosixPath(name.replace("\\", "/")).parts)


def _write(source: io.BufferedIOBase, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "xb") as file:
        shutil.copyfileobj(source, file, 2**20)
