"""Checked downloads into a cache folder: what arrives there has the published digest.

pooch keeps the cache and compares digests; the transfer itself resumes a broken download where the
server allows it, tries again after a server's error, and speaks plainly when it gives up.
A file is written beside its place (``.part``) and renamed when it has been checked.
"""

import logging
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import pooch
from filelock import FileLock

from data_fetch.catalog import Dataset, dataset
from data_fetch.errors import ChecksumError, DataError, DownloadError
from data_fetch.sample import sha256_of_file
from data_fetch.transfer import Resuming, Transfer


def cache_folder() -> Path:
    """Where data are kept: $MEDBOOK_DATA, or the platform's cache folder."""
    stated = os.environ.get("MEDBOOK_DATA")
    return Path(stated).expanduser() if stated else pooch.os_cache("pixels-to-patients")


def fetch(
    wanted: str | Dataset, *, folder: Path | str | None = None, transfer: Transfer | None = None
) -> Path:
    """The path of a data set's file, downloaded if it is not there, its digest checked.

    Args:
        wanted: a name in the registry, or an entry.
        folder: the cache; `cache_folder()` by default.
        transfer: attempts, backoff, timeout, progress.

    Returns:
        The file. Beside it, ``<file>.sha256`` holds the sha256 of the first download; where the
        publisher gives an MD5 only, later reads are held to that too. A shared folder that holds
        the file need not be writable.

    Raises:
        DataError: unknown data set, a file that cannot be read, or a folder that cannot be written
            although something must be downloaded.
        DownloadError: no address delivered it; the message says how to bring the file by hand.
        ChecksumError: what arrived is not the published file (it is not kept), or the file was
            changed since it was first seen.
    """
    entry = dataset(wanted) if isinstance(wanted, str) else wanted
    if entry.source != "network":
        raise DataError(f"{entry.name} needs no download: call {entry.call}")
    folder = cache_folder() if folder is None else Path(folder)
    path = folder / entry.file
    transfer = transfer or Transfer()
    if _is_here(entry, path):  # it came by a rename, so it is whole: reading it needs no lock
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # two chapters that want the same file at once: one downloads, the other waits
        with FileLock(folder / f"{entry.file}.lock"):
            if _is_here(entry, path):
                return path
            _retrieve(entry, path, transfer=transfer)
            _hold_to_lock(path)
    except PermissionError as error:
        raise DataError(
            f"{entry.file} is not in the data folder {folder}, or is damaged, and nothing can be "
            f"written there: {error.strerror}; set MEDBOOK_DATA to a folder you can write to"
        ) from error
    except OSError as error:
        raise DataError(
            f"cannot keep {entry.file} in {folder}: {error}; set MEDBOOK_DATA to another folder"
        ) from error
    return path


def _is_here(entry: Dataset, path: Path) -> bool:
    """Whether the published file is there; its pin is kept where the folder can be written.

    Raises:
        DataError: something is there that cannot be read.
        ChecksumError: it is not the file that was pinned.
    """
    try:
        if not (path.exists() and pooch.hashes.hash_matches(str(path), entry.known_hash)):
            return False
        _hold_to_lock(path)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}; ask its owner to let you read it, or set "
            "MEDBOOK_DATA to a folder of your own"
        ) from error
    return True


def _retrieve(entry: Dataset, path: Path, *, transfer: Transfer) -> None:
    pooch.get_logger().setLevel(logging.WARNING)
    failures: list[str] = []
    mismatches = 0
    if path.exists():
        failures.append(f"{path} is there, but does not have the digest {entry.known_hash}")
    for url in entry.urls:
        part = path.with_name(f"{path.name}.part")
        resumed = part.exists()
        for _ in range(2 if resumed else 1):
            try:
                pooch.retrieve(
                    url,
                    known_hash=entry.known_hash,
                    fname=path.name,
                    path=path.parent,
                    downloader=Resuming(part, transfer=transfer),
                )
                return
            except DownloadError as error:
                failures.append(f"{url}: {error}")
                break
            except ValueError:  # pooch: the digest differs; it has deleted the file
                # a part left by an older file of that name may be the culprit: once more, whole
                failures.append(f"{url}: what arrived does not have the digest {entry.known_hash}")
                mismatches += 1
    if mismatches:
        raise ChecksumError(
            f"{entry.name}: {failures[-1]}. It was not kept. The file was changed in transit, or "
            "its publisher changed it: do not use it before you know which"
        )
    raise DownloadError(
        f"{entry.name} could not be downloaded.\n"
        + "\n".join(f"  {failure}" for failure in failures)
        + "\n"
        + by_hand(entry, folder=path.parent)
    )


def by_hand(entry: Dataset, *, folder: Path) -> str:
    """What to do without a network: which file, from where, put where, with which digest."""
    size = f" ({entry.size_bytes:,} bytes)" if entry.size_bytes else ""
    return (
        f"Without a network: on another machine download {entry.urls[0]}{size}, "
        f"copy it to {folder / entry.file} and run `python -m data_fetch verify {entry.name}`; "
        f"its digest must be {entry.known_hash}. Another folder: set MEDBOOK_DATA."
    )


def lock_file(path: Path) -> Path:
    """Where the sha256 of the first checked download is kept."""
    return path.with_name(f"{path.name}.sha256")


def _hold_to_lock(path: Path, *, pin: bool = True) -> None:
    """Pin the sha256 at the first sight, compare with it ever after."""
    digest = sha256_of_file(path)
    lock = lock_file(path)
    if not lock.exists():
        if pin:
            with suppress(OSError):  # a shared folder's owner keeps its pins
                _write_pin(lock, f"{digest}  {path.name}\n")
        return
    pinned = lock.read_text(encoding="utf-8", errors="replace").split()[:1]
    if pinned != [digest]:
        raise ChecksumError(
            f"{path} has sha256 {digest}, but {lock} pins {' '.join(pinned) or 'nothing'}: "
            "the file or its pin was changed. Delete both to download again"
        )


def _write_pin(lock: Path, text: str) -> None:
    handle, beside = tempfile.mkstemp(prefix=f".{lock.name}.", dir=lock.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(beside, 0o644)
        os.replace(beside, lock)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def state(entry: Dataset, *, folder: Path | str | None = None) -> str:
    """In a word: "here", "not here", "partial", "damaged" or "unreadable".

    It uses no network and writes nothing.
    """
    path = (cache_folder() if folder is None else Path(folder)) / entry.file
    try:
        if not path.exists():
            return "partial" if path.with_name(f"{path.name}.part").exists() else "not here"
        if pooch.hashes.hash_matches(str(path), entry.known_hash):
            _hold_to_lock(path, pin=False)
            return "here"
    except ChecksumError:
        return "damaged"
    except OSError:
        return "unreadable"
    return "damaged"
