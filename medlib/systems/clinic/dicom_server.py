"""Orthanc, a DICOM server, for as long as a block of code runs, and for nobody else.

The version here (1.10) listens on every address of its machine. With its defaults a neighbour can
store images in it over DICOM's older protocol; over HTTP a neighbour is turned away, but only after
connecting. So it is given a machine of its own: a network namespace with nothing in it but a
loopback (files are the machine's). Its only door is a Unix socket in a folder that nobody else may
enter; before that stands a TLS listener on 127.0.0.1.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from medlib.systems.clinic import namespace_host
from medlib.systems.clinic.tls_door import TlsDoor
from medlib.systems.federation.certificates import make_server_certificate

__all__ = ["DicomServer", "dicom_server", "why_no_server"]

_PLUGINS = (
    "/usr/share/orthanc/plugins/libOrthancDicomWeb.so",
    "/usr/lib/orthanc/libOrthancDicomWeb.so",
)
_UNSHARE = ("--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child=SIGKILL")
_PORT = 8042  # inside the namespace, where nobody else is


@dataclass(frozen=True)
class DicomServer:
    """A server that runs.

    Attributes:
        url: of its DICOMweb service.
        rest_url: of its own interface, through which things can be deleted.
        authority: PEM file of who signed its certificate.
        user, password: drawn for this run.
        process_id: of what holds it; when that ends, all of it ends.
        version: as it says itself.
    """

    url: str
    rest_url: str
    authority: Path
    user: str
    password: str
    process_id: int
    version: str


@lru_cache(maxsize=1)
def why_no_server() -> str | None:
    """What is missing for a server here, in words; None if nothing is.

    Example:
        >>> missing = why_no_server()
        >>> missing is None or len(missing) > 10
        True
    """
    if _executable() is None:
        return "Orthanc is not installed (Debian: apt-get install orthanc orthanc-dicomweb)"
    if _plugin() is None:
        return "Orthanc has no DICOMweb plugin (Debian: apt-get install orthanc-dicomweb)"
    if shutil.which("unshare") is None:
        return "there is no unshare, with which a namespace is made (Debian: util-linux)"
    tried = subprocess.run(
        ["unshare", *_UNSHARE, "true"], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        return f"no network namespace may be made here: {tried.stderr.strip()}"
    return None


@contextlib.contextmanager
def dicom_server() -> Iterator[DicomServer]:
    """Start a server, empty; stop it and delete all of its files at the end of the block.

    If this process is killed, the server ends by itself: it lives as long as a pipe is open. Its
    folder is then deleted by the process that holds it.

    Raises:
        ValueError: something is missing (`why_no_server`), or it does not start.

    DICOMweb is DICOM PS3.18; Orthanc is that of Jodogne 2018, doi:10.1007/s10278-018-0082-y.
    """
    if missing := why_no_server():
        raise ValueError(missing)
    folder = Path(tempfile.mkdtemp(prefix="orthanc-"))  # 0700; short, as a socket's path must be
    user, password = "pipeline", secrets.token_urlsafe(24)
    holder = door = None
    try:
        make_server_certificate(folder)
        _write_configuration(folder, user, password)
        holder = subprocess.Popen(
            ["unshare", *_UNSHARE, sys.executable, "-I", namespace_host.__file__, str(folder),
             _executable(), str(_PORT)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        if holder.stdout.readline() != b"ready\n":
            log = (folder / "orthanc.log").read_text("utf-8", "replace")[-400:]
            raise ValueError(f"Orthanc does not start; the end of its log: {log}")
        door = TlsDoor(
            certificate=folder / "server.pem", key=folder / "server.key", behind=folder / "door"
        )
        root = f"https://127.0.0.1:{door.port}"
        server = DicomServer(
            url=f"{root}/dicom-web", rest_url=root, authority=folder / "ca.pem", user=user,
            password=password, process_id=holder.pid, version=_version(),
        )  # fmt: skip
        yield server
    finally:
        if door is not None:
            door.close()
        if holder is not None:
            _end(holder)
        shutil.rmtree(folder, ignore_errors=True)


def _end(holder: subprocess.Popen) -> None:
    holder.stdin.close()
    try:
        holder.wait(15)
    except subprocess.TimeoutExpired:
        holder.kill()  # with it the namespace, by --kill-child
        holder.wait()
    holder.stdout.close()


def _write_configuration(folder: Path, user: str, password: str) -> None:
    (folder / "store").mkdir(mode=0o700)
    configuration = {
        "Name": "pixels", "HttpPort": _PORT, "AuthenticationEnabled": True,
        "RegisteredUsers": {user: password}, "RemoteAccessAllowed": False,
        "DicomServerEnabled": False, "OrthancExplorerEnabled": False, "WebDavEnabled": False,
        "StorageDirectory": str(folder / "store"), "IndexDirectory": str(folder / "store"),
        "TemporaryDirectory": str(folder / "store"), "Plugins": [_plugin()],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": False},
        "OverwriteInstances": False, "ExecuteLuaEnabled": False,
    }  # fmt: skip
    path = folder / "orthanc.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(configuration), "utf-8")


def _executable() -> str | None:
    return shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin")


def _plugin() -> str | None:
    return next((path for path in _PLUGINS if Path(path).is_file()), None)


@lru_cache(maxsize=1)
def _version() -> str:
    said = subprocess.run([_executable(), "--version"], capture_output=True, text=True, check=True)
    return said.stdout.split()[1]
