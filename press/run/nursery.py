"""Fork workers that need import nothing any more: ``python -m press.run.nursery SOCKET``.

The nursery imports, once, what the chapters import, and nothing of the project's own. Each order
that comes through the socket is answered with a forked worker, which forks its kernel before it
does anything else. Only for quick runs and tests: the book's own runs have clean kernels.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
from typing import Any

# what most of a cold start is spent on; whatever is missing here is imported by the run itself
THIRD_PARTY = (
    "PIL.Image",
    "ipykernel.kernelapp",
    "ipywidgets",
    "jaxtyping",
    "matplotlib.figure",
    "monai",
    "nbclient",
    "nibabel",
    "papermill",
    "pooch",
    "pydantic",
    "scipy.stats",
    "skimage.metrics",
    "skimage.transform",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.pipeline",
    "torch",
    "torch._dynamo",  # the first optimizer imports it
    "tqdm",
)
OWN = ("medlib", "data_fetch", "chapters")
MOST_BYTES = 1 << 20


def main() -> int:
    """Serve orders until the other end of the socket is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started the nursery ends it
    door = socket.socket(fileno=int(sys.argv[1]))
    prepare()
    door.sendall(b"+")
    children: dict[int, tuple[int, int]] = {}  # by pidfd: the process, and who waits for its end
    while True:
        ready, _, _ = select.select([door, *children], [], [])
        for handle in ready:
            if handle is door:
                message, handles, _, _ = socket.recv_fds(door, MOST_BYTES, 4)
                if not message:
                    return 0
                stdin, stdout, log, ending = handles
                if (process := os.fork()) == 0:
                    door.close()
                    live(json.loads(message), stdin=stdin, stdout=stdout, log=log, close=children)
                for used in (stdin, stdout, log):
                    os.close(used)
                os.write(ending, f"{process}\n".encode())
                children[os.pidfd_open(process)] = process, ending
            else:
                process, ending = children.pop(handle)
                _, status, used = os.wait4(process, 0)
                os.close(handle)
                with contextlib.suppress(BrokenPipeError):
                    told = os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime
                    os.write(ending, "{} {:.3f}\n".format(*told).encode())
                os.close(ending)


def prepare() -> None:
    """Import the packages; nothing that is the project's own, and no second thread.

    Raises:
        RuntimeError: something was imported or started that a fork must not inherit.
    """
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in THIRD_PARTY:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
    if own := sorted(name for name in sys.modules if name.partition(".")[0] in OWN):
        raise RuntimeError(f"the nursery imported {own[0]}, which each run must read for itself")
    if threading.active_count() > 1 or len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("a package started a thread, which a fork would lose")
    gc.collect()
    gc.freeze()


def live(
    order: dict[str, Any], *, stdin: int, stdout: int, log: int, close: dict[int, tuple[int, int]]
) -> None:
    """Be the worker that `order` asks for; never returns."""
    code = 1
    try:
        for handle, (_, ending) in close.items():
            os.close(handle)
            os.close(ending)
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for source, target in ((stdin, 0), (stdout, 1), (log, 2)):
            os.dup2(source, target)
            os.close(source)
        os.chdir(order["folder"])
        os.environ.clear()
        os.environ.update(order["environment"])
        kernel = ForkedKernel()
        from press.run import worker

        code = worker.main(kernel)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        leave(code)


class ForkedKernel:
    """A kernel's process, forked before its worker has a thread; it waits to be told its command.

    Has what jupyter_client asks of a `subprocess.Popen`.
    """

    stdin = stdout = stderr = None

    def __init__(self) -> None:
        self.returncode: int | None = None
        told, self._tell = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._tell)
            be_kernel(told)
        os.close(told)

    def launch(self, command: list[str], *, env: dict[str, str]) -> None:
        """Let the kernel begin, as `command` would in the worker's folder."""
        env = env | {"JPY_PARENT_PID": str(os.getpid())}  # when that is gone, so is the kernel
        order = {"arguments": command[command.index("-m") + 2 :], "environment": env}
        with os.fdopen(self._tell, "w", encoding="utf-8") as stream:
            json.dump(order, stream)

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while the kernel lives."""
        return self._reap(os.WNOHANG)

    def wait(self) -> int:
        """The exit code, once there is one."""
        code = self._reap(0)
        assert code is not None
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _reap(self, how: int) -> int | None:
        if self.returncode is None:
            process, status = os.waitpid(self.pid, how)
            if process:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def be_kernel(told: int) -> None:
    """Wait for the command, then be the kernel; never returns."""
    code = 1
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(2, 1)
        os.close(nothing)
        with os.fdopen(told, encoding="utf-8") as stream:
            text = stream.read()
        if text:
            order = json.loads(text)
            os.environ.clear()
            os.environ.update(order["environment"])
            path_of_a_fresh_start()
            draw_anew()
            import ipykernel_launcher
            from ipykernel.kernelapp import launch_new_instance

            sys.argv = [ipykernel_launcher.__file__, *order["arguments"]]

            launch_new_instance()
            code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        leave(code)


def path_of_a_fresh_start() -> None:
    """Look for modules where PYTHONPATH says now, and forget those of the nursery itself."""
    first = [path for path in os.environ["PYTHONPATH"].split(os.pathsep) if path]
    installed = [path for path in sys.path if path not in {*first, *STARTED_WITH}]
    sys.path[:] = [*first, *installed]
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name.partition(".")[0] == "press"]:
        del sys.modules[name]


def draw_anew() -> None:
    """Seed the generators that nobody should use as a fresh start does: each time otherwise."""
    import numpy as np
    import torch

    np.random.seed()  # noqa: NPY002  (this is the one that a chapter must not use)
    torch.seed()


STARTED_WITH = {*os.environ.get("PYTHONPATH", "").split(os.pathsep), "", os.getcwd()}


def leave(code: int) -> None:
    """End this process as a fork must: what is buffered is written, the mother's exits not run."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
