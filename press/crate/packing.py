"""Write a crate as a folder or as a .zip archive: whole, or not at all.

Equal files make equal archives, to the byte: names in their order, one date, nothing compressed. So
an archive does not depend on the version of a compressor, and a run has one archive.
"""

from __future__ import annotations

import io
import os
import stat
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from press.crate.manifest import MANIFEST
from press.crate.terms import METADATA
from press.errors import UserError
from press.run.execute import replace_folder, work_folder

ARCHIVE = ".zip"
DATE = (1980, 1, 1, 0, 0, 0)  # the first that an archive can tell
UNIX = 3
MODE = 0o644


def archive(files: Mapping[str, bytes]) -> bytes:
    """A .zip archive of `files`, the same bytes for the same files.

    >>> archive({"b": b"2", "a": b"1"}) == archive({"a": b"1", "b": b"2"})
    True
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as packed:
        for name, data in sorted(files.items()):
            member = zipfile.ZipInfo(name, date_time=DATE)
            member.create_system = UNIX
            member.external_attr = (stat.S_IFREG | MODE) << 16
            packed.writestr(member, data)
    return stream.getvalue()


def is_archive(path: Path) -> bool:
    """Whether a crate of that name is written as one file."""
    return path.suffix.lower() == ARCHIVE


def may_be_written(destination: Path, *, force: bool) -> None:
    """Before the work: may a crate be written to `destination`?

    Raises:
        UserError: something stands there; with `force`, something that is no crate.
    """
    if not os.path.lexists(destination):
        return
    if not force:
        raise UserError(f"{destination} is there already: name another, or use --force")
    if not _was_a_crate(destination):
        raise UserError(f"{destination} is no crate, and --force replaces nothing else")


def _was_a_crate(path: Path) -> bool:
    if path.is_symlink():
        return False
    if path.is_dir():
        return any((path / name).is_file() for name in (METADATA, MANIFEST))
    return path.is_file() and is_archive(path) and zipfile.is_zipfile(path)


def write_crate(files: Mapping[str, bytes], destination: Path, *, force: bool = False) -> None:
    """Write `files` to a sibling of `destination`, then rename it into place.

    Raises:
        UserError: something stands there: see `may_be_written`.
    """
    may_be_written(destination, force=force)
    if is_archive(destination):
        _write_file(archive(files), destination)
        return
    with work_folder(destination) as folder:
        for name, data in sorted(files.items()):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        replace_folder(folder, destination)


def _write_file(data: bytes, destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=destination.parent, prefix=f".{destination.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, MODE)
        os.replace(temporary, destination)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
