"""A real Dask cluster on loopback, over TLS: processes that tests start, kill and start again."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

from distributed.security import Security

from tests.press.conftest import REPOSITORY, TinyBook, plain_environment

PATIENCE_S = 120
LOCAL = ("--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")


class Daemon:
    """A process of the cluster, in a group of its own; all that it says is read."""

    def __init__(self, command: list[str], *, path: list[Path], cwd: Path) -> None:
        environment = plain_environment() | {"PYTHONPATH": os.pathsep.join(map(str, path))}
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env=environment,
            start_new_session=True,
        )
        self.local: Path | None = None
        self.said: list[str] = []
        self.news = threading.Condition()
        self.ended = False
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    def _read(self) -> None:
        for line in self.process.stderr:
            with self.news:
                self.said.append(line)
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line that `pattern` is found in, once it is said."""

        def found() -> re.Match[str] | None:
            return next(filter(None, (re.search(pattern, line) for line in self.said)), None)

        with self.news:
            self.news.wait_for(lambda: found() or self.ended, timeout=PATIENCE_S)
        match = found()
        assert match, "".join(self.said)
        return match

    def kill(self) -> None:
        """End the whole group at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(timeout=PATIENCE_S)
        self.reader.join(timeout=PATIENCE_S)
        self.process.stderr.close()


class DaskCluster:
    """One scheduler and its workers; `folder` holds the certificates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        made = Security.temporary()
        for name, text in (
            ("ca.pem", made.tls_ca_file),
            ("cert.pem", made.tls_client_cert),
            ("key.pem", made.tls_client_key),
        ):
            (folder / name).write_text(text)
        self.tls = [
            *("--tls-ca-file", str(folder / "ca.pem")),
            *("--tls-cert", str(folder / "cert.pem")),
            *("--tls-key", str(folder / "key.pem")),
        ]
        self.workers: list[Daemon] = []
        self.scheduler: Daemon | None = None
        self.address = ""

    def start_scheduler(self) -> None:
        """Start the scheduler, at the port that it had before where it had one."""
        port = self.address.rpartition(":")[2] or "0"
        command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--protocol", "tls"]
        self.scheduler = Daemon(
            [*command, "--port", port, *LOCAL, *self.tls], path=[], cwd=self.folder
        )
        self.address = self.scheduler.wait_for(r"Scheduler at:\s+(tls://\S+)")[1]

    def start_worker(
        self, *checkout: Path, name: str, python: str = sys.executable, threads: int = 1
    ) -> Daemon:
        """Start a worker that would import the book's packages from `checkout`."""
        command = [python, "-m", "distributed.cli.dask_worker", self.address, "--name", name]
        local = self.folder / f"{name}-{len(self.workers)}"
        where = ["--local-directory", str(local), "--no-nanny", "--nthreads", str(threads)]
        worker = Daemon([*command, *where, *LOCAL, *self.tls], path=list(checkout), cwd=self.folder)
        worker.local = local
        self.workers.append(worker)
        return worker

    def worker_of(self, book: TinyBook, name: str, **options: int) -> Daemon:
        """A worker started from the book's own checkout."""
        return self.start_worker(book.root, REPOSITORY, name=name, **options)

    @property
    def options(self) -> list[str]:
        """What a command line of `medbook` adds to run there."""
        return ["--scheduler", self.address, "--tls", str(self.folder)]

    def stop_workers(self) -> None:
        for worker in self.workers:
            worker.kill()
        self.workers.clear()

    def stop(self) -> None:
        self.stop_workers()
        if self.scheduler is not None:
            self.scheduler.kill()
