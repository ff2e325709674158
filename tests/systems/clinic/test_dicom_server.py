"""A real server: who can reach it, and what is left of it."""

import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from medlib.systems.clinic import dicom_server as room
from medlib.systems.clinic.dicom_server import dicom_server

ROOT = Path(__file__).parents[3]


def listening() -> set[str]:
    """Addresses at which anything on this machine listens, as hexadecimal."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]:
            where, state = line.split()[1], line.split()[3]
            if state == "0A":
                found.add(where)
    return found


def session(server) -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    made.verify = str(server.authority)
    made.auth = (server.user, server.password)
    return made


def test_it_answers_who_knows_the_password_and_nobody_else(server):
    url = f"{server.url}/studies"
    assert session(server).get(url, timeout=20).status_code == 200
    for wrong in (None, (server.user, "guessed"), ("orthanc", "orthanc")):
        stranger = session(server)
        stranger.auth = wrong
        assert stranger.get(url, timeout=20).status_code == 401


def test_its_certificate_counts_only_for_who_was_given_the_authority(server):
    stranger = session(server)
    stranger.verify = True
    with pytest.raises(requests.exceptions.SSLError):
        stranger.get(server.url, timeout=20)


def test_older_tls_and_plain_text_are_refused(server):
    port = int(server.rest_url.rsplit(":", 1)[1])
    old = ssl.create_default_context(cafile=server.authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    plain = socket.create_connection(("127.0.0.1", port))
    with plain, pytest.raises(ssl.SSLError):
        old.wrap_socket(plain, server_hostname="127.0.0.1")
    with socket.create_connection(("127.0.0.1", port)) as spoken:
        spoken.sendall(b"GET /studies HTTP/1.0\r\n\r\n")
        assert b"HTTP" not in spoken.recv(1000)


def test_folder_and_configuration_are_the_owners_alone(server):
    folder = server.authority.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "orthanc.json").stat().st_mode) == 0o600
    assert server.password not in " ".join(map(str, (server.url, folder)))
    with pytest.raises(
        ConnectionRefusedError
    ):  # Orthanc's own port is in the namespace, and not out here
        socket.create_connection(("127.0.0.1", room._PORT), timeout=1).close()


@pytest.mark.skipif(room.why_no_server() is not None, reason=str(room.why_no_server()))
def test_one_address_more_listens_on_loopback_and_none_is_left():
    before = listening()
    with dicom_server() as one:
        more = listening() - before
        port = int(one.rest_url.rsplit(":", 1)[1])
        assert f"0100007F:{port:04X}" in more  # 127.0.0.1
        own = {where for where in more if int(where.split(":")[1], 16) in (port, room._PORT, 4242)}
        assert own == {f"0100007F:{port:04X}"}
        folder = one.authority.parent
    assert f"0100007F:{port:04X}" not in listening()
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(one.process_id, 0)


@pytest.mark.skipif(room.why_no_server() is not None, reason=str(room.why_no_server()))
def test_it_ends_with_a_parent_that_is_killed():
    program = (
        "import sys; from medlib.systems.clinic.dicom_server import dicom_server\n"
        "with dicom_server() as one: print(one.authority.parent, flush=True); sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    folder = Path(parent.stdout.readline().decode().strip())
    assert (folder / "door").exists()
    parent.send_signal(signal.SIGKILL)
    parent.stderr.read()  # ends when the last of those who inherited it has ended
    assert parent.wait() == -signal.SIGKILL
    assert not folder.exists()
    for pipe in (parent.stdin, parent.stdout, parent.stderr):
        pipe.close()


def test_what_is_missing_is_said(monkeypatch):
    room.why_no_server.cache_clear()
    monkeypatch.setattr(room, "_executable", lambda: None)
    assert "Orthanc is not installed" in room.why_no_server()
    with pytest.raises(ValueError, match="not installed"), dicom_server():
        pass
    room.why_no_server.cache_clear()
    monkeypatch.setattr(room, "_executable", lambda: "/bin/true")
    monkeypatch.setattr(room, "_plugin", lambda: None)
    assert "plugin" in room.why_no_server()
    room.why_no_server.cache_clear()
