"""One build at a time: a lock on a folder that names its holder to whoever waits."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from press.errors import Exit, UserError

LOCK = "medbook.lock"


@contextmanager
def hold(path: Path, *, wait: bool = True, echo: Callable[[str], None] = print) -> Iterator[None]:
    """Hold the lock file `path` for the length of a ``with`` block.

    The operating system frees the lock when its holder dies, however that happens.

    Args:
        path: the lock file; who holds it stands beside it, in ``<path>.holder``.
        wait: wait for the holder (and say so), or fail at once.
        echo: prints the message while waiting.

    Raises:
        UserError: another process holds it and `wait` is False.
    """
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    note = path.with_name(path.name + ".holder")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise UserError(
                f"{_holder(note)} is at work in {path.parent}: wait for it, or leave out --no-wait",
                Exit.ENVIRONMENT,
            ) from None
        echo(f"waiting for {_holder(note)}, which is at work in {path.parent}")
        lock.acquire()
    try:
        note.write_text(json.dumps(_ourselves()), encoding="utf-8")
        yield
    finally:
        note.unlink(missing_ok=True)
        lock.release()


def _ourselves() -> dict[str, object]:
    command = " ".join(["medbook", *(shlex.quote(word) for word in sys.argv[1:])])
    return {"pid": os.getpid(), "command": command, "since": f"{datetime.now():%H:%M:%S}"}


def _holder(note: Path) -> str:
    try:
        who = json.loads(note.read_text(encoding="utf-8"))
        return f"process {who['pid']} (`{who['command']}`, since {who['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another medbook"
