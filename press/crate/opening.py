"""Open a crate that a stranger may have made: a folder, or a .zip archive.

Nothing is unpacked and nothing is followed: the files are read into memory, at most so many and so
large, and whatever is no plain file below the crate (a link, a device, a path that leaves it) is
refused by its name.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from press.crate.manifest import MANIFEST
from press.crate.names import clashes, name_fault
from press.crate.packing import archive
from press.crate.terms import METADATA
from press.errors import Exit, UserError

MOST_FILES = 10_000
MOST_BYTES = 512 * 2**20
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1


@dataclass(frozen=True)
class Crate:
    """The files of a crate, by name.

    Attributes:
        place: where it lies.
        files: name -> bytes.
        unreadable: name -> why its bytes cannot be had, of a damaged archive.
        repacked: whether it is an archive whose bytes are not those that `packing` would write.
    """

    place: Path
    files: dict[str, bytes]
    unreadable: dict[str, str] = field(default_factory=dict)
    repacked: bool = False


def is_crate(path: Path) -> bool:
    """Whether `path` is meant as a crate: an archive, or a folder that describes itself as one."""
    if path.is_dir():
        return any((path / name).exists() for name in (METADATA, MANIFEST))
    return path.is_file() and path.suffix.lower() == ".zip"


def open_crate(path: Path) -> Crate:
    """Read a crate, whole; whether it is sound is for `press.check.crate` to say.

    Raises:
        UserError: there is none, it is no archive, or something in it is refused.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(f"{path}: there is no such crate")
    try:
        crate = _of_folder(path) if path.is_dir() else _of_archive(path)
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: no whole .zip archive: {error}", Exit.CHECK_FAILED) from None
    for clash in clashes([*crate.files, *crate.unreadable]):
        raise UserError(f"{path}: {clash}", Exit.CHECK_FAILED)
    return crate


def _of_folder(folder: Path) -> Crate:
    places = dict(_walk(folder, folder))
    _must_be_small(folder, (path.lstat().st_size for path in places.values()))
    return Crate(folder, {name: path.read_bytes() for name, path in sorted(places.items())})


def _walk(folder: Path, top: Path) -> Iterator[tuple[str, Path]]:
    """Every file below `folder` by its name; no link is followed, the first is refused."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = Path(entry.path)
            name = path.relative_to(top).as_posix()
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                yield from _walk(path, top)
            else:
                _must_be_plain(top, name, mode)
                yield name, path


def _of_archive(path: Path) -> Crate:
    files: dict[str, bytes] = {}
    unreadable: dict[str, str] = {}
    _must_be_small(path, [path.stat().st_size])
    with zipfile.ZipFile(path) as packed:
        members = packed.infolist()
        _must_be_small(path, (member.file_size for member in members))
        for member in members:
            name = member.filename
            if member.is_dir() and not member.file_size:
                _must_be_named(path, name.removesuffix("/"))
                continue
            _must_be_plain(path, name, member.external_attr >> 16 or stat.S_IFREG)
            if name in files or name in unreadable:
                raise UserError(f"{path}: {name!r} is in it twice", Exit.CHECK_FAILED)
            if member.flag_bits & ENCRYPTED or member.compress_type not in PLAIN:
                unreadable[name] = "it is encrypted, or packed in a way that is not opened"
                continue
            try:
                with packed.open(member) as stream:  # no more than the size that was looked at
                    files[name] = stream.read(member.file_size)
                    stream.read(1)  # the end, where the checksum is compared
            except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
                unreadable[name] = str(error)
                files.pop(name, None)
    repacked = not unreadable and path.read_bytes() != archive(files)
    return Crate(path, files, unreadable, repacked)


def _must_be_named(place: Path, name: str) -> None:
    if fault := name_fault(name):
        raise UserError(f"{place}: refused: {name!r} {fault}", Exit.CHECK_FAILED)


def _must_be_plain(place: Path, name: str, mode: int) -> None:
    _must_be_named(place, name)
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        kind = "a link" if stat.S_ISLNK(mode) else "no plain file"
        raise UserError(f"{place}: refused: {name!r} is {kind}", Exit.CHECK_FAILED)


def _must_be_small(place: Path, sizes: Iterable[int]) -> None:
    number = total = 0
    for size in sizes:
        number, total = number + 1, total + size
    if number > MOST_FILES or total > MOST_BYTES:
        raise UserError(
            f"{place}: refused: {number} files of {total / 2**20:,.0f} MiB together; a crate has"
            f" {MOST_FILES:,} files of {MOST_BYTES / 2**20:,.0f} MiB at most",
            Exit.CHECK_FAILED,
        )
