"""An archive of images: a real server if there is one, else a folder; the same verbs for both."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread, dcmwrite

from medlib.systems.clinic.dicom_server import DicomServer, dicom_server, why_no_server

__all__ = ["Archive", "archive_in", "archive_of", "digest_of_dataset", "server_or_files"]

_AS_STORED = (("application/dicom", "*"),)
_UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True)
class Archive:
    """Where studies come from and results go to.

    Attributes:
        client: of dicomweb-client; both kinds have the same methods.
        kind: which one it is, in words, for the page and the ledger.
        why: no server; None if this is one.
    """

    client: Any
    kind: str
    why: str | None = None

    def store(self, datasets: Sequence[Dataset]) -> None:
        """STOW: keep datasets; one that is there already stays as it is.

        Each is sent as the bytes of a whole file. A dataset that was made here has no preamble, the
        client sends it without one, and Orthanc keeps and gives back what nobody can read.

        Raises:
            ValueError: some were not taken.
        """
        whole = [dcmread(io.BytesIO(_file(dataset))) for dataset in datasets]
        answer = self.client.store_instances(whole)
        if failed := answer.get("FailedSOPSequence"):
            reasons = sorted({int(item.get("FailureReason", 0)) for item in failed})
            raise ValueError(f"{len(failed)} of {len(datasets)} were not stored: {reasons}")

    def studies(self) -> list[str]:
        """QIDO: UIDs of the studies that there are, in order."""
        return sorted(_value(found, "0020000D") for found in self.client.search_for_studies())

    def instances(self, study: str) -> list[str]:
        """QIDO: SOP instance UIDs of a study, in order; none if it is not there."""
        found = self.client.search_for_instances(study)
        return sorted(_value(one, "00080018") for one in found)

    def fetch(self, study: str) -> list[Dataset]:
        """WADO: all of a study as it was stored, in the order of SOP instance UIDs.

        Unless asked for any transfer syntax, a server decodes what was compressed, without a word.
        Orthanc files images of two patients under one study UID as two studies, and then finds
        neither by that UID; each image is still found by its own.
        """
        from requests import HTTPError

        try:
            whole = self.client.retrieve_study(study, media_types=_AS_STORED)
        except HTTPError:
            found = self.client.search_for_instances(study)
            names = [[_value(one, tag) for tag in ("0020000E", "00080018")] for one in found]
            whole = [
                self.client.retrieve_instance(study, *each, media_types=_AS_STORED)
                for each in names
            ]
        return sorted(whole, key=lambda dataset: dataset.SOPInstanceUID)

    def digests(self, study: str) -> dict[str, str]:
        """SHA-256 of every object of a study, by SOP instance UID."""
        if not self.instances(study):
            return {}
        return {str(one.SOPInstanceUID): digest_of_dataset(one) for one in self.fetch(study)}

    def forget(self, study: str) -> None:
        """Delete a study, for the next trial; nothing happens if there is none."""
        if self.instances(study):
            self.client.delete_study(study)


@contextlib.contextmanager
def server_or_files(folder: Path, *, server: bool | None = None) -> Iterator[Archive]:
    """A real server where there can be one, else `folder`; `kind` says which.

    Args:
        folder: for the files, if it comes to that.
        server: True demands one, False declines; None takes what there is.

    Raises:
        ValueError: a server is demanded and there can be none.

    Example:
        >>> with server_or_files(Path("archive"), server=False) as archive:
        ...     archive.kind, archive.studies()
        ('a folder of files', [])
    """
    missing = "not asked for" if server is False else why_no_server()
    if missing and server:
        raise ValueError(missing)
    if missing:
        yield archive_in(folder, why=missing)
        return
    with dicom_server() as running:
        yield archive_of(running)


def archive_of(server: DicomServer) -> Archive:
    """The archive that a running server is, over TLS, checked against its own authority only."""
    import requests
    from dicomweb_client import DICOMwebClient

    session = requests.Session()
    session.trust_env = False  # else a variable with other authorities beats `verify`
    session.verify = str(server.authority)
    session.auth = (server.user, server.password)
    client = DICOMwebClient(server.url, session=session)
    client.set_http_retry_params(retry=False)  # else a wrong certificate is tried for 30 s

    def delete_study(study: str) -> None:
        found = session.post(f"{server.rest_url}/tools/lookup", data=study, timeout=20).json()
        for one in found:
            if one["Type"] == "Study":
                session.delete(f"{server.rest_url}/studies/{one['ID']}", timeout=20)

    client.delete_study = delete_study  # Orthanc deletes by its own interface alone
    return Archive(client, f"Orthanc {server.version} behind TLS")


def archive_in(folder: Path, *, why: str = "") -> Archive:
    """The archive that a folder is."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return Archive(_Folder(folder), "a folder of files", why)


def digest_of_dataset(dataset: Dataset) -> str:
    """SHA-256 of a dataset as the bytes of a file, its header of the file included."""
    return hashlib.sha256(_file(dataset)).hexdigest()


def _file(dataset: Dataset) -> bytes:
    stream = io.BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


class _Folder:
    """`DICOMfileClient`, with files that are whole or not there, and never overwritten.

    The client lists its folder once, when it is made. Another process may have stored since, so the
    folder is listed again before each question, and read anew if it is not as it was: before the
    question, and not after each change, for reading takes its time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: frozenset[str] | None = None

    def _reopen(self) -> None:
        from dicomweb_client import DICOMfileClient

        self._known = self._listed()  # before it is read: what comes meanwhile is read once more
        self._client = DICOMfileClient(f"file://{self._folder.resolve()}", in_memory=True)

    def _listed(self) -> frozenset[str]:
        return frozenset(str(path) for path in self._folder.rglob("*.dcm"))

    def __getattr__(self, name: str) -> Any:
        if self._listed() != self._known:
            self._reopen()
        return getattr(self._client, name)

    def store_instances(self, datasets: Sequence[Dataset]) -> Dataset:
        answer = Dataset()
        for dataset in datasets:
            study, series = dataset.StudyInstanceUID, dataset.SeriesInstanceUID
            uids = [str(uid) for uid in (study, series, dataset.SOPInstanceUID)]
            if not all(map(_UID.fullmatch, uids)):
                raise ValueError(
                    "a UID has digits and points, 64 at most: nothing else names files"
                )
            path = self._folder.joinpath(*uids[:2], f"{uids[2]}.dcm")
            if path.exists():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = self._folder.with_name(f"{self._folder.name}.partial-{os.getpid()}")
            partial.write_bytes(_file(dataset))
            os.replace(partial, path)
        return answer

    def delete_study(self, study: str) -> None:
        shutil.rmtree(self._folder / study)


def _value(found: dict[str, Any], tag: str) -> str:
    return str(found[tag]["Value"][0])
