"""What goes in at one side comes out at the other, encrypted on the way."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from medlib.systems.clinic.tls_door import TlsDoor
from medlib.systems.federation.certificates import make_server_certificate


@pytest.fixture
def door(tmp_path, monkeypatch):
    """A door before a socket that gives back what it hears, in capitals."""
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    make_server_certificate(tmp_path)
    behind = socket.socket(socket.AF_UNIX)
    behind.bind("behind")
    behind.listen()

    def echo(guest: socket.socket) -> None:
        with guest:
            while block := guest.recv(100_000):
                guest.sendall(block.upper())

    def welcome() -> None:
        while True:
            try:
                guest, _ = behind.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(guest,), daemon=True).start()

    thread = threading.Thread(target=welcome, daemon=True)
    thread.start()
    found = TlsDoor(
        certificate=tmp_path / "server.pem", key=tmp_path / "server.key", behind=Path("behind")
    )
    yield found
    found.close()
    behind.shutdown(socket.SHUT_RDWR)
    behind.close()
    thread.join()


def connect(door, authority="ca.pem"):
    context = ssl.create_default_context(cafile=authority)
    plain = socket.create_connection(("127.0.0.1", door.port))
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def heard(guest, n: int) -> bytes:
    found = b""
    while len(found) < n:
        found += guest.recv(n - len(found))
    return found


def test_long_and_short_things_pass_both_ways(door):
    with connect(door) as one, connect(door) as other:
        assert one.version() == "TLSv1.3"
        long = b"abc" * 10_000
        one.sendall(long)
        other.sendall(b"x")
        assert heard(other, 1) == b"X"
        assert heard(one, len(long)) == long.upper()


def test_a_closed_door_lets_nobody_in(door):
    port = door.port
    with connect(door) as one:
        one.sendall(b"x")
        assert heard(one, 1) == b"X"
        door.close()
        assert one.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    door.close()  # twice is no harm
