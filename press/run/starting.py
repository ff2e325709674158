"""How a run's worker is started: as a process of its own, or as the fork of one that is warm."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

from press.errors import UserError
from press.source.project import SMOKE_PROFILE

WORKER = "press.run.worker"
NURSERY = "press.run.nursery"


class Process(Protocol):
    """What the press asks of a worker's process: as `subprocess.Popen` has it."""

    pid: int
    stdin: IO[str]
    stdout: IO[str]

    def poll(self) -> int | None: ...
    def wait(self) -> int: ...


class Start(Protocol):
    """Starts a worker in `folder`, with this environment and no other."""

    def __call__(self, folder: Path, environment: dict[str, str], log: IO[str]) -> Process: ...


def spawn(folder: Path, environment: dict[str, str], log: IO[str]) -> Process:
    """A worker, and later a kernel, that begin with nothing: the book's own way."""
    return subprocess.Popen(
        [sys.executable, "-m", WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        cwd=folder,
        env=environment,
        start_new_session=True,
    )


clean = (
    spawn  # what `execute_all` takes where nobody says how; the tests put a nursery in its place
)


def can_fork() -> bool:
    """Whether this machine has what a nursery needs: forks that end without being polled."""
    return hasattr(os, "pidfd_open") and hasattr(socket, "send_fds")


@contextlib.contextmanager
def start_for(profiles: Sequence[str]) -> Iterator[Start | None]:
    """How to start runs in these profiles: forked where all of several are quick, else as usual."""
    if len(profiles) > 1 and set(profiles) == {SMOKE_PROFILE} and can_fork():
        with Nursery() as nursery:
            yield nursery
    else:
        yield None


class Nursery:
    """Workers forked from one process that has imported torch and the like: quick runs and tests.

    What the packages read when they are imported (threads, instructions, hash seed) is settled
    with the first worker; one that asks for something else starts clean.

    >>> with Nursery() as nursery:  # doctest: +SKIP
    ...     execute_all(project, jobs, start=nursery)
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.mother: subprocess.Popen[bytes] | None = None
        self.door: socket.socket | None = None
        self.settled: dict[str, str] = {}

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the nursery; workers that still run end by themselves."""
        if self.door is not None:
            self.door.close()
        if self.mother is not None:
            self.mother.wait()
        self.door = self.mother = None

    def __call__(self, folder: Path, environment: dict[str, str], log: IO[str]) -> Process:
        with self.lock:
            if self.mother is None:
                self._open(environment)
            if read_at_import(environment) != self.settled:
                return spawn(folder, environment, log)
            return self._ask(folder, environment, log)

    def _open(self, environment: dict[str, str]) -> None:
        self.settled = read_at_import(environment)
        self.door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours = str(Path(__file__).resolve().parents[2])
        its_own = {
            "PYTHONPATH": ours,
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # as ipykernel sets it
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # no word of its debugger's to who started it
        }
        with theirs:
            self.mother = subprocess.Popen(
                [sys.executable, "-m", NURSERY, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                cwd="/",
                env=environment | its_own,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        if self.door.recv(1) != b"+":
            code = self.mother.wait()
            self.close()
            raise UserError(f"the nursery of quick runs did not start (exit code {code})")

    def _ask(self, folder: Path, environment: dict[str, str], log: IO[str]) -> ForkedWorker:
        order = json.dumps({"folder": str(folder), "environment": environment}).encode()
        stdin, to_worker = os.pipe()
        from_worker, stdout = os.pipe()
        ended, ending = os.pipe()
        theirs = [stdin, stdout, log.fileno(), ending]
        try:
            socket.send_fds(self.door, [order], theirs)
        finally:
            for handle in (stdin, stdout, ending):
                os.close(handle)
        return ForkedWorker(os.fdopen(to_worker, "w"), os.fdopen(from_worker), os.fdopen(ended))


class ForkedWorker:
    """A worker's process that is the nursery's child, not ours: the nursery tells how it ended."""

    def __init__(self, stdin: IO[str], stdout: IO[str], ended: IO[str]) -> None:
        self.stdin, self.stdout, self.ended = stdin, stdout, ended
        self.pid = int(ended.readline())
        self.returncode: int | None = None
        self.cpu_s = float("nan")  # of the worker and its kernel, once they have ended

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while the worker lives."""
        if self.returncode is None and select.select([self.ended], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self) -> int:
        """The exit code, once there is one; -9 where the nursery itself is gone."""
        if self.returncode is None:
            code, _, seconds = self.ended.readline().partition(" ")
            self.returncode, self.cpu_s = int(code or -9), float(seconds or "nan")
            self.ended.close()
        return self.returncode


def read_at_import(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that packages read when they are imported, not when they are used."""
    from medlib.experiment.arithmetic import chooses_arithmetic

    names = {"PYTHONHASHSEED", "CUDA_VISIBLE_DEVICES"}
    threads = {name for name in environment if name.endswith("_NUM_THREADS")}
    chosen = {name for name in environment if chooses_arithmetic(name)}
    return {
        name: environment[name] for name in sorted(names | threads | chosen) if name in environment
    }
