"""Checked downloads into a cache folder: what arrives there has the published digest.

pooch keeps the cache and compares digests; the transfer itself resumes a broken download where the
server allows it, tries again after a server's error, and speaks plainly when it gives up.
A file is written beside its place (``.part``) and renamed when it has been checked.
"""

import hashlib
import logging
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pooch
import requests
from filelock import FileLock
from tqdm import tqdm

from data_fetch.catalog import Dataset, dataset
from data_fetch.errors import ChecksumError, DataError, DownloadError

_WORTH_ANOTHER_TRY = {408, 429, 500, 502, 503, 504}


def cache_folder() -> Path:
    """Where data are kept: $MEDBOOK_DATA, or the platform's cache folder."""
    stated = os.environ.get("MEDBOOK_DATA")
    return Path(stated).expanduser() if stated else pooch.os_cache("pixels-to-patients")


@dataclass(frozen=True)
class Transfer:
    """How patient a download is."""

    attempts: int = 4
    backoff_s: float = 1.0  # doubles after every failure
    timeout_s: float = 30.0  # without a byte
    progress: bool | None = None  # None: only on a terminal


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
        publisher gives an MD5 only, later reads are held to that too.

    Raises:
        DataError: unknown data set, or a folder that cannot be written.
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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # two chapters that want the same file at once: one downloads, the other waits
        with FileLock(folder / f"{entry.file}.lock"):
            if path.exists() and pooch.hashes.hash_matches(str(path), entry.known_hash):
                _hold_to_lock(path)
                return path
            _retrieve(entry, path, transfer=transfer)
            _hold_to_lock(path)
    except PermissionError as error:
        raise DataError(
            f"cannot write to the data folder {folder}: {error.strerror}; set MEDBOOK_DATA to a "
            "folder you can write to"
        ) from error
    except OSError as error:
        raise DataError(
            f"cannot keep {entry.file} in {folder}: {error}; set MEDBOOK_DATA to another folder"
        ) from error
    return path


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
                    downloader=_Resuming(part, transfer=transfer),
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


class _Broken(requests.ConnectionError):
    """The answer was no use, and another try may do better."""


class _Resuming:
    """A pooch downloader that continues a partial file and retries what may pass."""

    def __init__(self, part: Path, *, transfer: Transfer) -> None:
        self.part = part
        self.transfer = transfer

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        for attempt in range(self.transfer.attempts):
            if attempt:
                time.sleep(self.transfer.backoff_s * 2 ** (attempt - 1))
            try:
                self._once(url)
            except requests.RequestException as error:
                status = getattr(error.response, "status_code", None)
                if status is not None and status not in _WORTH_ANOTHER_TRY:
                    raise DownloadError(_in_words(error)) from error
                last = error
            else:
                self.part.replace(output_file)
                return
        raise DownloadError(f"{_in_words(last)} (tried {self.transfer.attempts} times)") from last

    def _once(self, url: str) -> None:
        have = self.part.stat().st_size if self.part.exists() else 0
        # without compression in transit, or a byte range would mean another thing
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        with requests.get(
            url, headers=headers, stream=True, timeout=self.transfer.timeout_s
        ) as response:
            if response.status_code == 416:  # the part is as long as the file, or longer
                self.part.unlink(missing_ok=True)
                raise _Broken("the server has no more than the part kept here")
            response.raise_for_status()
            resumes = response.status_code == 206 and response.headers.get(
                "Content-Range", ""
            ).startswith(f"bytes {have}-")
            if response.status_code == 206 and not resumes:
                self.part.unlink(missing_ok=True)
                raise _Broken("the server sent another range than was asked for")
            start = have if resumes else 0
            length = int(response.headers.get("Content-Length") or 0)
            shown = self.transfer.progress
            with (
                open(self.part, "ab" if resumes else "wb") as file,
                tqdm(
                    total=start + length or None,
                    initial=start,
                    unit="B",
                    unit_scale=True,
                    desc=self.part.stem,
                    disable=not (sys.stderr.isatty() if shown is None else shown),
                ) as bar,
            ):
                for chunk in response.iter_content(2**16):
                    file.write(chunk)
                    bar.update(len(chunk))
        got = self.part.stat().st_size - start
        if length and got != length:
            raise _Broken(f"{got} bytes arrived of {length}")


def _in_words(error: requests.RequestException) -> str:
    if error.response is not None:
        code, reason = error.response.status_code, error.response.reason
        moved = "; the file was moved or withdrawn" if code in (404, 410) else ""
        return f"the server answered {code} {reason}{moved}"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke before the whole file had arrived"
    if isinstance(error, requests.Timeout):
        return "the server did not answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return f"the server's certificate was not accepted: {error}"
    if isinstance(error, requests.ConnectionError) and not isinstance(error, _Broken):
        return "no connection to the server"
    return str(error)


def lock_file(path: Path) -> Path:
    """Where the sha256 of the first checked download is kept."""
    return path.with_name(f"{path.name}.sha256")


def _hold_to_lock(path: Path) -> str:
    """Pin the sha256 at the first sight, compare with it ever after."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    lock = lock_file(path)
    if not lock.exists():
        beside = lock.with_name(f"{lock.name}.part")
        beside.write_text(f"{digest}  {path.name}\n", encoding="utf-8")
        beside.replace(lock)
        return digest
    pinned = lock.read_text(encoding="utf-8").split()[:1]
    if pinned != [digest]:
        raise ChecksumError(
            f"{path} has sha256 {digest}, but {lock} pins {' '.join(pinned) or 'nothing'}: "
            "the file or its pin was changed. Delete both to download again"
        )
    return digest


def state(entry: Dataset, *, folder: Path | str | None = None) -> str:
    """In a word, without a network: "here", "not here", "partial" or "damaged"."""
    path = (cache_folder() if folder is None else Path(folder)) / entry.file
    if not path.exists():
        return "partial" if path.with_name(f"{path.name}.part").exists() else "not here"
    with suppress(ChecksumError):
        if pooch.hashes.hash_matches(str(path), entry.known_hash):
            _hold_to_lock(path)
            return "here"
    return "damaged"
