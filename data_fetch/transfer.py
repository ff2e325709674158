"""One file from one address: a broken transfer goes on where it stopped, a server's error is tried
again, and what remains is told in words."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import requests
from tqdm import tqdm

from data_fetch.errors import DownloadError

_WORTH_ANOTHER_TRY = {408, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Transfer:
    """How patient a download is."""

    attempts: int = 4
    backoff_s: float = 1.0  # doubles after every failure
    timeout_s: float = 30.0  # without a byte
    progress: bool | None = None  # None: only on a terminal


class _Broken(requests.ConnectionError):
    """The answer was no use, and another try may do better."""


class Resuming:
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
