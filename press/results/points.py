"""Points that outlive this machine's build folder: one small file a finished point.

A sweep of many hours is made over several days, or on several machines. ``medbook sweep --points
FOLDER`` keeps every point there as soon as it is finished, under a key of its content (chapter,
profile, parameters, code cells), with the plan of the sweep beside them; ``medbook sweep --resume
FOLDER`` goes on from it. The folder can be committed or carried; two of one sweep are merged by
copying the files of one into the other. A point counts only while it is fresh: made by the present
code cells and library files (`press.results.stale` says which count), under the same Python and the
same pins of the packages that it imported. (A pin of another package, as of a tool for tests, moves
no number; hours of points need not be made again for it.)
"""

from __future__ import annotations

import dataclasses
import json
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from medlib.experiment.record import Part, Record, RecordError, read_record, write_atomically
from medlib.experiment.tables import read_kept
from press.errors import Exit, UserError
from press.results.accepted import to_json
from press.results.kept import portable
from press.results.stale import computing_digests, counted, digests_now
from press.run.execute import RECORD, Job, read_note
from press.run.freshness import file_digest, stale_reasons
from press.run.payload import normal, pins
from press.source.project import Project

PLAN = "plan.json"


class KeptPoint(Part):
    """One finished point: its record, less the folders of the machine that made it."""

    schema_version: Literal[1] = 1
    code_sha256: str
    wall_s: float | None = None
    record: Record
    computing_modules: dict[str, str] = {}


class SweepPlan(Part):
    """What a sweep was asked for; the swept parameters in order."""

    schema_version: Literal[1] = 1
    chapter: str
    profile: str
    grid: dict[str, list[Any]]
    given: dict[str, Any] = {}


@dataclasses.dataclass(frozen=True)
class PointStore:
    """A folder of finished points."""

    folder: Path

    def path(self, job: Job) -> Path:
        """Where the point of `job` stands."""
        content = [job.chapter.id, job.profile, job.parameters, job.code_sha256]
        text = json.dumps(content, sort_keys=True)
        return self.folder / f"{sha256(text.encode()).hexdigest()[:16]}.json"

    def fresh(self, project: Project, job: Job) -> Record | None:
        """The record of a point, where it is here and still what the present code would make."""
        try:
            kept = read_kept(self.path(job), KeptPoint)
        except (FileNotFoundError, RecordError):
            return None
        note = {"code_sha256": kept.code_sha256}
        modules = counted(project, kept.record.modules)
        now = digests_now(project, modules, kept.computing_modules)
        same = {
            path: file_digest(project.root / path) for path in modules if now[path] == modules[path]
        }
        looked_at = {"modules": modules | same}
        if _pinned_alike(project, kept.record):
            looked_at["constraints_sha256"] = file_digest(project.constraints)
        record = kept.record.model_copy(update=looked_at)
        return None if stale_reasons(project, job, record, note) else kept.record

    def put(self, project: Project, job: Job) -> list[str]:
        """Keep the run that `job` wrote, unless files that count have changed while it ran.

        Returns:
            Those files: none, where the point is kept.
        """
        record = read_record(job.destination / RECORD)
        note = read_note(job.destination)
        changed = dict.fromkeys(note.get("changed_while_running", ()), "")
        if left := sorted(counted(project, changed)):
            return left
        kept = KeptPoint(
            code_sha256=note.get("code_sha256", ""),
            wall_s=note.get("wall_s"),
            record=portable(record, project.root),
            computing_modules=computing_digests(project, record.modules),
        )
        write_atomically(self.path(job), to_json(kept.model_dump(mode="json"), long_columns=True))
        return []

    def begin(self, plan: SweepPlan) -> None:
        """Write what the sweep was asked for.

        Raises:
            UserError: the folder holds the points of another sweep, or cannot be written.
        """
        path = self.folder / PLAN
        if path.exists() and (there := self.plan()) != plan:
            raise UserError(
                f"--points {self.folder} holds a sweep of {there.chapter} over"
                f" {_grid_text(there)}: go on with it (`medbook sweep --resume {self.folder}`),"
                " or give another folder"
            )
        try:
            write_atomically(path, to_json(plan.model_dump(mode="json")))
        except OSError as error:
            why = error.strerror or error
            message = f"--points {self.folder}: cannot be written: {why}"
            raise UserError(message, Exit.ENVIRONMENT) from None

    def plan(self) -> SweepPlan:
        """What the sweep was asked for.

        Raises:
            UserError: the folder holds no sweep, or its plan is damaged.
        """
        try:
            return read_kept(self.folder / PLAN, SweepPlan)
        except FileNotFoundError:
            raise UserError(
                f"--resume {self.folder}: there is no {PLAN}; `medbook sweep ... --points"
                f" {self.folder}` begins one"
            ) from None
        except RecordError as error:
            raise UserError(str(error)) from None


def _grid_text(plan: SweepPlan) -> str:
    return ", ".join(f"{name} ({len(values)} values)" for name, values in plan.grid.items())


def _pinned_alike(project: Project, record: Record) -> bool:
    """Whether each package that a run imported is pinned to the version that it had then."""
    now = pins(project.constraints.read_text("utf-8")) if project.constraints.is_file() else {}
    had = {normal(name): version.partition("+")[0] for name, version in record.packages.items()}
    return bool(had) and all(now.get(name, version) == version for name, version in had.items())
