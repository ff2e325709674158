"""Execute one notebook in its own kernel and report over a pipe: ``python -m press.run.worker``.

The press starts one worker a chapter. Its job arrives as one line of JSON on standard input; events
leave as lines of JSON on standard output. When standard input closes, the press is gone: the worker
kills its kernel and leaves, so that nothing runs on unattended.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from press.run.forked_kernel import ForkedKernel

TRACEBACK_LINES = 12


@dataclass(frozen=True)
class Assignment:
    """What a worker is told: paths, and the parameters that papermill injects."""

    source: str
    output: str
    folder: str
    parameters: dict[str, Any]

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def main(kernel: ForkedKernel | None = None) -> int:
    """Do the one job; `kernel` is the process that waits for it where the worker was forked."""
    assignment = Assignment(**json.loads(sys.stdin.readline()))
    events = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # whatever else prints belongs in the log, not among the events

    watcher = threading.Thread(target=leave_with_parent, args=(assignment,), daemon=True)
    watcher.start()

    def emit(event: str, **details: Any) -> None:
        try:
            events.write(json.dumps({"event": event, **details}) + "\n")
        except BrokenPipeError:  # the press is gone: let the watcher finish clearing up
            watcher.join()

    try:
        execute(assignment, emit, kernel)
    except BaseException as error:
        emit("failed", **describe_failure(error))
        return 1
    emit("done", cpu_s=round(cpu_seconds(), 3), forked=kernel is not None)
    return 0


def cpu_seconds() -> float:
    """User and system seconds of this process and of those that it has outlived: the kernel's."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def execute(assignment: Assignment, emit: Any, kernel: ForkedKernel | None = None) -> None:
    """Run the notebook through papermill; `emit` hears of every cell."""
    import papermill
    from papermill.engines import NBClientEngine, papermill_engines
    from traitlets.config import Config

    from press.source.weave import sections

    class ReportingEngine(NBClientEngine):
        @classmethod
        def execute_managed_notebook(cls, manager: Any, kernel_name: str, **options: Any) -> None:
            places = [i for i, cell in enumerate(manager.nb.cells) if cell.cell_type == "code"]
            headings = sections(manager.nb)
            number_of = {place: number for number, place in enumerate(places, start=1)}
            emit("start", cells=len(places))
            begin = manager.cell_start

            def cell_start(cell: Any, cell_index: int | None = None, **rest: Any) -> None:
                begin(cell, cell_index, **rest)
                if cell_index in number_of:
                    emit("cell", number=number_of[cell_index], section=headings[cell_index])

            manager.cell_start = cell_start
            super().execute_managed_notebook(manager, kernel_name, **options)

    papermill_engines.register("medbook", ReportingEngine)
    papermill.execute_notebook(
        assignment.source,
        assignment.output,
        parameters=assignment.parameters or None,
        engine_name="medbook",
        kernel_name="python3",
        progress_bar=False,
        request_save_on_cell_execute=False,
        cwd=assignment.folder,
        config=Config({"KernelManager": connection(Path(os.environ["JUPYTER_RUNTIME_DIR"]))}),
        **({"kernel_manager_class": manager_of(kernel)} if kernel else {}),
    )


def manager_of(kernel: ForkedKernel) -> type:
    """A kernel manager whose kernel is the process `kernel`, which waits for its command."""
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_client.provisioning import LocalProvisioner

    class ForkedProvisioner(LocalProvisioner):
        async def launch_kernel(self, cmd: list[str], **options: Any) -> dict[str, Any]:
            kernel.launch(cmd, env=options["env"])
            self.process, self.pid, self.pgid = kernel, kernel.pid, kernel.pid
            return self.connection_info

    class ForkedManager(AsyncKernelManager):
        async def _async_pre_start_kernel(self, **options: Any) -> tuple[list[str], dict[str, Any]]:
            self.provisioner = ForkedProvisioner(
                kernel_id="forked", kernel_spec=self.kernel_spec, parent=self
            )
            return await super()._async_pre_start_kernel(**options)

        pre_start_kernel = _async_pre_start_kernel

    return ForkedManager


def connection(runtime: Path) -> dict[str, str]:
    """How to reach the kernel: by sockets in the press's own short-lived folder.

    Over TCP ipykernel would write a warning about unencrypted traffic into the notebook.
    """
    return {"transport": "ipc", "connection_file": str(runtime / "kernel.json")}


def describe_failure(error: BaseException) -> dict[str, Any]:
    """The failure as plain data: its kind, and what a person needs to find it."""
    name = type(error).__name__
    if name == "PapermillExecutionError":
        trace = "".join(line + "\n" for line in error.traceback)
        return {
            "kind": "cell",
            "cell": error.exec_count,
            "source": error.source,
            "error": error.ename,
            "message": strip_ansi(error.evalue),
            "trace": strip_ansi(trace).rstrip().splitlines()[-TRACEBACK_LINES:],
            "line": failing_line(strip_ansi(trace)),
        }
    if name == "DeadKernelError":
        return {"kind": "kernel died", "message": str(error)}
    if isinstance(error, OSError):
        return {"kind": "os", "errno": error.errno, "message": str(error), "path": error.filename}
    import traceback

    trace = traceback.format_exception(error)
    return {"kind": "fault", "error": name, "message": str(error), "trace": trace}


def strip_ansi(text: str) -> str:
    """`text` without terminal colours.

    >>> strip_ansi("\\x1b[31mred\\x1b[0m")
    'red'
    """
    import re

    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)


def failing_line(trace: str) -> str:
    """The cell's own line that raised: the first frame's arrow in an IPython traceback."""
    import re

    found = re.search(r"^-+> *\d+ (.*)$", trace, re.MULTILINE)
    return found.group(1).strip() if found else ""


def leave_with_parent(assignment: Assignment) -> None:
    """Wait until standard input closes; then end the kernel and remove what it half wrote."""
    sys.stdin.read()
    import shutil

    import psutil

    family = psutil.Process().children(recursive=True)
    for child in family:
        child.kill()
    psutil.wait_procs(family, timeout=5)
    for folder in (assignment.folder, os.environ["JUPYTER_RUNTIME_DIR"]):
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
