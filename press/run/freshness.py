"""Whether a chapter must be executed again, and what changed.

A chapter is re-executed when, and only when, something that can change its outputs has: its code
cells (not its prose, not its tags), its parameters, the bytes of a library file that it really
imported (recorded from ``sys.modules`` at the end of the run, so transitively right), the bytes of
its data files, ``constraints.txt``, the variables that choose its arithmetic, or the version of
Python.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from press.run.comparison import EXACT, compare_digests, compare_mappings
from press.run.execute import NOTEBOOK, RECORD, Job, kept_arithmetic, plan
from press.run.run_folder import Run
from press.source.project import Chapter, Project

if TYPE_CHECKING:
    from medlib.experiment.record import DataUse, Record


class State(StrEnum):
    """How a chapter's last run stands to its present sources."""

    FRESH = "fresh"
    STALE = "stale"
    NEVER_RUN = "never run"


@dataclass(frozen=True)
class Freshness:
    """A chapter's state and, where it is stale, what changed: each thing by its name."""

    state: State
    reasons: tuple[str, ...] = ()

    @property
    def fresh(self) -> bool:
        return self.state is State.FRESH

    def __str__(self) -> str:
        return f"{self.state}: {'; '.join(self.reasons)}" if self.reasons else str(self.state)


def freshness(project: Project, chapter: Chapter) -> Freshness:
    """The state of the book's own run of `chapter`.

    Raises:
        UserError: the chapter's source cannot be woven, or its parameters cell is wrong.
    """
    return freshness_of(project, plan(project, chapter))


def freshness_of(project: Project, job: Job, run: Run | None = None) -> Freshness:
    """The state of the run that `job` would write; of `run`, where that has been read."""
    from medlib.experiment.record import RecordError

    run = run or Run(job.destination)
    folder = job.destination
    whole = (folder / NOTEBOOK).is_file() or run.note.get("kept") == "record"
    if not (folder / RECORD).is_file() or not whole:
        return Freshness(State.NEVER_RUN)
    try:
        record = run.record
    except RecordError as error:
        reason = str(error).removeprefix(f"{folder / RECORD}: ")
        return Freshness(State.STALE, (f"its {RECORD} cannot be used: {reason}",))
    reasons = stale_reasons(project, job, record, run.note)
    return Freshness(State.STALE if reasons else State.FRESH, reasons)


def stale_reasons(
    project: Project, job: Job, record: Record, note: dict[str, Any]
) -> tuple[str, ...]:
    """Why what was recorded is not what `job` would record now; empty where it is.

    Args:
        project: the checkout.
        job: the run.
        record: what was recorded.
        note: what the press wrote beside it.
    """
    return tuple(_reasons(project, job, record, note))


def _reasons(project: Project, job: Job, record: Record, note: dict[str, Any]) -> Iterator[str]:
    if note.get("code_sha256") != job.code_sha256:
        yield "its code cells changed"
    for found in compare_mappings("parameter", record.parameters, job.parameters, EXACT):
        yield f"parameter {found.message}"
    if record.profile != job.profile:
        yield f"profile was {record.profile}, is {job.profile}"
    meanwhile = note.get("changed_while_running", ())
    imported = {path: digest for path, digest in record.modules.items() if path not in meanwhile}
    digests = {path: _digest_if_there(project.root / path) for path in imported}
    yield from (found.message for found in compare_digests("code", imported, digests))
    for path in meanwhile:
        yield f"{path} changed while it ran"
    for use in record.data:
        yield from data_changes(project, use)
    if record.constraints_sha256 != file_digest(project.constraints):
        yield f"{project.constraints.name} changed"
    if record.arithmetic is not None:
        was, now = record.arithmetic.variables, kept_arithmetic()
        for found in compare_mappings("environment", was, now, EXACT, written=str):
            yield found.message
    if record.python != platform.python_version():
        yield f"Python was {record.python}, is {platform.python_version()}"


def data_changes(project: Project, use: DataUse) -> Iterator[str]:
    """What of the data that a run read is no longer as it read it."""
    if use.path is None:
        return
    path, name = project.root / use.path, f"data {use.name}"
    if use.file_sha256 is not None:
        yield from _file_change(path, use.file_sha256, name)
    elif not path.is_dir():
        yield f"{name}: {path} is gone"
    elif not use.members:
        yield f"{name}: which files of {path} it read is not recorded"
    else:
        now = set(use.members) | set(_listed(path, use.members_glob))
        found = {member: _digest_once(path / member) for member in now}
        for what, members in (
            ("changed", [m for m, was in use.members.items() if found[m] and found[m] != was]),
            ("gone", [m for m in use.members if not found[m]]),
            ("new", [m for m in found if m not in use.members]),
        ):
            if members:
                some = ", ".join(sorted(members)[:3]) + (", ..." if len(members) > 3 else "")
                yield f"{name}: {len(members)} file{'s'[: len(members) > 1]} {what} ({some})"


def _listed(folder: Path, pattern: str) -> Iterator[str]:
    """The files below `folder` that match, none of them hidden, by their relative names."""
    for path in folder.glob(pattern) if pattern else ():
        member = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in member.parts):
            yield member.as_posix()


def _file_change(path: Path, digest: str, name: str) -> Iterator[str]:
    differences = compare_digests("data", {name: digest}, {name: _digest_if_there(path)})
    yield from (found.message for found in differences)


def _digest_if_there(path: Path) -> str | None:
    """As `file_digest`, but None where there is no file at all."""
    return file_digest(path) or ("" if path.exists() else None)


def file_digest(path: Path) -> str:
    """The sha256 of a file's bytes; an empty string where there is no file that can be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def _digest_once(path: Path) -> str:
    """As `file_digest`, but an untouched file is read once: the points of a sweep share theirs."""
    try:
        now = path.stat()
    except OSError:
        return ""
    return _digest_at(path, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)


@lru_cache(maxsize=100_000)
def _digest_at(path: Path, *_stat: int) -> str:
    return file_digest(path)
