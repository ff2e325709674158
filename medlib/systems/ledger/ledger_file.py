"""A ledger in a file, one entry a line: many may write, and each may be killed at any byte."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from medlib.systems.ledger.chain import Fault, first_fault, is_whole
from medlib.systems.ledger.entry import Draft, Entry, entry_after, from_line, to_line

__all__ = ["Appended", "Contents", "append", "read_ledger"]

_BEGINNING = b'{"body":'  # of every line, as keys are in order
_BLOCK = 1 << 16


@dataclass(frozen=True)
class Appended:
    """What was written.

    Attributes:
        entries: the new ones, in order.
        moved: the file to which a torn last line was moved; None if there was none. Say so aloud:
            somebody's append was killed before it returned.
    """

    entries: tuple[Entry, ...]
    moved: Path | None


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes:
        entries: up to the first line that is none.
        fault: the first broken link, an unreadable line included; None if the chain is whole.
        torn: bytes behind the last line break that are no whole entry: of an append that was
            killed, or that is going on just now.
    """

    entries: tuple[Entry, ...]
    fault: Fault | None
    torn: bytes


def read_ledger(path: Path) -> Contents:
    """Read a ledger and check its chain; nothing is changed, no lock is taken.

    Raises:
        ValueError: no such file, a folder, no permission, or a file that is no ledger.
    """
    path = Path(path)
    with _told(path, "read"):
        data = path.read_bytes()
    *lines, tail = data.split(b"\n")
    if tail and _entry_of(tail) is not None:  # only its line break is missing
        lines, tail = [*lines, tail], b""
    entries: list[Entry] = []
    fault = None
    for position, line in enumerate(lines):
        try:
            entries.append(from_line(line))
        except ValueError as error:
            if position == 0:
                raise _no_ledger(path) from error
            fault = Fault(position, "unreadable", f"line {position + 1} is no entry: {error}")
            break
    if not lines and tail[: len(_BEGINNING)] != _BEGINNING[: len(tail)]:
        raise _no_ledger(path)
    return Contents(tuple(entries), first_fault(entries) or fault, tail)


def append(
    path: Path, drafts: Sequence[Draft], *, time: str, lock_timeout_s: float = 30.0
) -> Appended:
    """Write entries behind the last one, whoever else is writing; on return they are on the disk.

    The file is made if there is none. The writer holds an exclusive lock on a file beside it
    (``.lock``), reads the last line, writes all entries in one go and waits for the disk. If an
    earlier writer was killed within a line, the bytes of that line are first moved to a file beside
    (``.torn-`` and the first digits of their sha256); a whole entry is never dropped, even if its
    line break is missing. If there is no room on the disk, what was written of the entries is
    taken back.

    The last entry must be whole, but the chain before it is not read: `read_ledger` does that.
    The lock is the operating system's; on a network file system it is as good as that one's.

    Args:
        path: of the ledger.
        drafts: what to write, in order; several are written together or, if killed, a first part.
        time: of all of them, as the caller has it; RFC 3339 in UTC.
        lock_timeout_s: how long to wait for other writers, in seconds.

    Raises:
        ValueError: a folder, no permission, a file that is no ledger or whose last line is damaged,
            a lock that others hold for too long, or a draft that is no JSON.

    Example:
        >>> written = append(Path("ledger"), [Draft("note", {})], time="2024-05-03T10:00:00Z")
        >>> written.entries[0].index, written.moved, len(read_ledger(Path("ledger")).entries)
        (0, None, 1)
    """
    path = Path(path)
    lock = FileLock(f"{path}.lock", timeout=lock_timeout_s)
    with _told(path, "write to"):
        if path.is_dir():
            raise IsADirectoryError
        if not path.parent.is_dir():  # the lock would make it
            raise FileNotFoundError
        try:
            lock.acquire()
        except Timeout:
            raise ValueError(
                f"others have held {path}.lock for {lock_timeout_s} s; is a writer hanging?"
            ) from None
        try:
            return _append(path, drafts, time)
        finally:
            lock.release()


def _append(path: Path, drafts: Sequence[Draft], time: str) -> Appended:
    is_new = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        if is_new:
            _sync_folder(path)
        last, end, moved = _mended(path, file)
        entries: list[Entry] = []
        for draft in drafts:
            last = entry_after(last, draft, time=time)
            entries.append(last)
        try:
            _write_all(file, b"".join(map(to_line, entries)))
            os.fsync(file)
        except OSError:
            os.ftruncate(file, end)
            raise
        return Appended(tuple(entries), moved)
    finally:
        os.close(file)


def _mended(path: Path, file: int) -> tuple[Entry | None, int, Path | None]:
    """The last entry and the end of the file, once a torn line is gone; where that went."""
    size = os.fstat(file).st_size
    line, start = _last_line(file, size)
    moved = None
    if line and not line.endswith(b"\n"):
        if _entry_of(line) is not None:
            _write_all(file, b"\n")
            size += 1
        else:
            if start == 0 and line[: len(_BEGINNING)] != _BEGINNING[: len(line)]:
                raise _no_ledger(path)
            moved = _move_aside(path, line)
            os.ftruncate(file, start)
            size = start
        os.fsync(file)
        line, _ = _last_line(file, size)
    if not line:
        return None, size, moved
    last = _entry_of(line)
    if last is None:
        raise ValueError(
            f"the last line of {path} is damaged or no entry of a ledger; nothing was written. "
            "No killed append leaves it so: see read_ledger, and what the disk did"
        )
    return last, size, moved


def _last_line(file: int, size: int) -> tuple[bytes, int]:
    """The bytes behind the last but one line break, and where they begin."""
    found, start = b"", size
    while start > 0:
        step = min(_BLOCK, start)
        start -= step
        found = os.pread(file, step, start) + found
        at = found.rfind(b"\n", 0, len(found) - 1)
        if at >= 0:
            return found[at + 1 :], start + at + 1
    return found, 0


def _move_aside(path: Path, line: bytes) -> Path:
    """Keep torn bytes beside the ledger; done again after a kill, it gives the same file."""
    beside = path.with_name(f"{path.name}.torn-{hashlib.sha256(line).hexdigest()[:16]}")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        _write_all(file, line)
        os.fsync(file)
    finally:
        os.close(file)
    _sync_folder(path)
    return beside


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _sync_folder(path: Path) -> None:
    """A file's name is on the disk only when its folder is."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _entry_of(line: bytes) -> Entry | None:
    try:
        entry = from_line(line)
    except ValueError:
        return None
    return entry if is_whole(entry) else None


def _no_ledger(path: Path) -> ValueError:
    return ValueError(f"{path} is no ledger: its first line is no entry; nothing was changed")


@contextlib.contextmanager
def _told(path: Path, doing: str) -> Iterator[None]:
    """What the operating system refuses, in words."""
    try:
        yield
    except IsADirectoryError:
        raise ValueError(f"{path} is a folder; a ledger is a file") from None
    except FileNotFoundError:
        raise ValueError(f"there is no {path}, or no folder for it") from None
    except PermissionError:
        raise ValueError(f"no permission to {doing} {path}, or to lock it in its folder") from None
