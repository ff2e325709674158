"""Run one point on a worker: ``python -m press.run.point``, in the sources that were sent.

The order comes as one line of JSON on standard input; events leave as lines of JSON on standard
output, the last one saying how it ended. The run's folder is left as a tar. When standard input
closes, nobody waits for the point any more: its kernel is killed and its files are removed.
"""

from __future__ import annotations

import _thread
import contextlib
import dataclasses
import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from medlib.experiment.arithmetic import arithmetic_variables
from press.run.execute import KEEP_ARITHMETIC, PRESS_NOTE, RECORD, Job, Outcome, execute_all, plan
from press.run.payload import pack_folder
from press.source.project import Project

LEAVE_WITHIN_S = 10.0
FOLDER_TAR = "folder.tar"


@dataclasses.dataclass
class Order:
    """One point as a worker is told it: plain data.

    Attributes:
        notebook: the chapter or companion.
        label: what the run is called in messages.
        whole: whether the whole folder is wanted, or the record only.
        key: the point's place among all, which the events carry.
        notice_s: the least time between two events about cells.
        arithmetic: the variables that choose instructions and kernels, where they are kept; those
            of the worker itself never reach the run.
    """

    notebook: str
    profile: str
    parameters: dict[str, Any]
    label: str
    whole: bool
    key: int
    notice_s: float
    arithmetic: dict[str, str]


class Events:
    """A listener that writes what it hears as lines of JSON."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def emit(self, event: str, **details: Any) -> None:
        """One line; that nobody reads it any more is for `leave_when_alone` to see."""
        with contextlib.suppress(BrokenPipeError):
            self.stream.write(json.dumps({"event": event, **details}) + "\n")
            self.stream.flush()

    def started(self, job: Job, cells: int) -> None:
        self.emit("start", cells=cells)

    def cell(self, job: Job, number: int, section: str) -> None:
        self.emit("cell", number=number, section=section)

    def finished(self, outcome: Outcome) -> None: ...
    def tick(self) -> None: ...


def main() -> int:
    """Run the point that standard input describes, in the folder that the command line names."""
    scratch = Path(sys.argv[1])
    order = Order(**json.loads(sys.stdin.readline()))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=leave_when_alone, daemon=True).start()
    events = Events(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    os.dup2(2, 1)  # whatever else prints is no event
    os.environ[KEEP_ARITHMETIC] = "1" if order.arithmetic else "0"
    for name in arithmetic_variables():
        del os.environ[name]
    os.environ.update(order.arithmetic)
    project = Project(Path.cwd())
    job = plan(
        project,
        project.notebook(order.notebook),
        given=order.parameters,
        profile=order.profile,
        label=order.label,
    )
    job = dataclasses.replace(job, destination=scratch / "run", failed_name=scratch.name)
    (outcome,) = execute_all(project, [job], workers=1, listener=events)
    kept = project.failed_runs / job.chapter.part / scratch.name
    folder = job.destination if outcome.ok else kept
    if outcome.ok and not order.whole:
        keep_the_record(folder)
    (scratch / FOLDER_TAR).write_bytes(pack_folder(folder))
    shutil.rmtree(kept, ignore_errors=True)
    failure = outcome.failure and dataclasses.asdict(outcome.failure)
    if failure:  # where this machine keeps it says nothing to who reads the message
        failure["details"] = [line for line in failure["details"] if scratch.name not in line]
    events.emit("ended", wall_s=outcome.wall_s, failure=failure, warnings=outcome.warnings)
    return 0


def keep_the_record(folder: Path) -> None:
    """Leave the record and the press's note in a run's folder; the note says so."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in (RECORD, PRESS_NOTE):
            path.unlink()
    note = json.loads((folder / PRESS_NOTE).read_text(encoding="utf-8"))
    text = json.dumps(note | {"kept": "record"}, indent=1) + "\n"
    (folder / PRESS_NOTE).write_text(text, encoding="utf-8")


def leave_when_alone() -> None:
    """Wait until standard input closes; then end as Ctrl-C does: kernel killed, files removed."""
    os.read(0, 1)
    _thread.interrupt_main()
    threading.Event().wait(LEAVE_WITHIN_S)
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
