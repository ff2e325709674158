"""Inside a network namespace of its own: Orthanc, and a Unix socket as the only door to it.

Run as a file by `dicom_server`, never imported for its effects; it uses the standard library alone.
It is the first process of its namespace of processes: when it ends, the kernel ends all others.
"""

from __future__ import annotations

import fcntl
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

__all__ = ["raise_loopback", "splice"]

_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1  # of linux/sockios.h and linux/if.h
_BLOCK = 1 << 16
_PATIENCE_S = 20.0


def raise_loopback() -> None:
    """Switch on `lo`, which is down in a new namespace.

    Raises:
        OSError: not allowed, as outside a namespace of one's own.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        found = fcntl.ioctl(any_socket, _GET_FLAGS, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", found)[1] | _UP
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags))


def splice(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until each side has said its last; then close both."""

    def carry(source: socket.socket, sink: socket.socket) -> None:
        try:
            while block := source.recv(_BLOCK):
                sink.sendall(block)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # one side is gone: the other need not wait
            for each in (source, sink):
                with_shutdown(each)

    back = threading.Thread(target=carry, args=(other, one), daemon=True)
    back.start()
    carry(one, other)
    back.join()
    one.close()
    other.close()


def with_shutdown(one: socket.socket) -> None:
    """Shut a socket both ways, whatever state it is in."""
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def main(folder: Path, executable: str, port: int) -> int:
    """Serve until standard input ends, as it does when the parent is gone; then leave nothing."""
    raise_loopback()
    with (folder / "orthanc.log").open("wb") as log:
        orthanc = subprocess.Popen(
            [executable, str(folder / "orthanc.json")], stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip
    begun = time.monotonic()
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            if orthanc.poll() is not None or time.monotonic() - begun > _PATIENCE_S:
                orthanc.kill()
                return 3
            time.sleep(0.02)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(str(folder / "door"))
    door.listen(64)
    threading.Thread(target=_welcome, args=(door, port), daemon=True).start()
    print("ready", flush=True)
    sys.stdin.buffer.read()
    orthanc.terminate()
    try:
        orthanc.wait(5)
    except subprocess.TimeoutExpired:
        orthanc.kill()
        orthanc.wait()
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _welcome(door: socket.socket, port: int) -> None:
    while True:
        guest, _ = door.accept()
        try:
            host = socket.create_connection(("127.0.0.1", port))
        except OSError:
            guest.close()
            continue
        threading.Thread(target=splice, args=(guest, host), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
