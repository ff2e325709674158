"""The part that runs inside: bytes both ways, and an end when either side ends."""

import socket
import threading

from medlib.systems.clinic.namespace_host import splice


def test_bytes_pass_both_ways_until_both_have_said_their_last():
    (a, near), (far, b) = socket.socketpair(), socket.socketpair()
    middle = threading.Thread(target=splice, args=(near, far))
    middle.start()
    with a, b:
        a.sendall(b"question")
        assert b.recv(100) == b"question"
        a.shutdown(socket.SHUT_WR)
        assert b.recv(100) == b""
        b.sendall(b"answer")  # the other way is still open
        assert a.recv(100) == b"answer"
        b.shutdown(socket.SHUT_WR)
        assert a.recv(100) == b""
    middle.join()
    assert near.fileno() == far.fileno() == -1


def test_a_side_that_breaks_off_ends_it():
    (a, near), (far, b) = socket.socketpair(), socket.socketpair()
    middle = threading.Thread(target=splice, args=(near, far))
    middle.start()
    with a:
        b.close()
        a.sendall(b"into nothing")
        assert a.recv(100) == b""
    middle.join()
