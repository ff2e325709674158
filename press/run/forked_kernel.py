"""A kernel that was forked, not started: it waits for its command, then is like a fresh one."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
from operator import attrgetter

STARTED_WITH = {*os.environ.get("PYTHONPATH", "").split(os.pathsep), "", os.getcwd()}


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
            if "pydevd" in sys.modules:  # as debugpy does when it is imported
                os.environ.setdefault("PYDEVD_USE_FRAME_EVAL", "NO")
            path_of_a_fresh_start()
            draw_anew()
            import ipykernel_launcher
            from ipykernel.kernelapp import launch_new_instance

            sys.argv = [ipykernel_launcher.__file__, *order["arguments"]]

            # ipykernel reads whose end it must not outlive when it is imported: here too early
            launch_new_instance(parent_handle=int(os.environ["JPY_PARENT_PID"]))
            code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        leave(code)


def path_of_a_fresh_start() -> None:
    """Look for modules where PYTHONPATH says now, and forget those of the nursery itself.

    The kernel's debugger has put its own folder before all others, as it does in each kernel.
    """
    first = [path for path in os.environ["PYTHONPATH"].split(os.pathsep) if path]
    installed = [path for path in sys.path if path not in {*first, *STARTED_WITH}]
    debugger = [path for path in installed if os.path.basename(path) == "pydevd"]
    sys.path[:] = [*debugger, *first, *(path for path in installed if path not in debugger)]
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name.partition(".")[0] == "press"]:
        del sys.modules[name]


def draw_anew() -> None:
    """Seed the generators that nobody should use as a fresh start does: each time otherwise."""
    for package, seed in (("numpy", "random.seed"), ("torch", "seed")):
        if package in sys.modules:
            attrgetter(seed)(sys.modules[package])()


def leave(code: int) -> None:
    """End this process as a fork must: what is buffered is written, the mother's exits not run."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(code)
