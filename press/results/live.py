"""One small point of each recorded sweep, run again by every cold build.

A table says which: the point that took least CPU time when it was made. Where all points take long
a small run is recorded beside the sweep, by the same code, with the parameter set ``live`` of its
notebook: ``medbook sweep NAME --profile live --seeds 0-4 --accept``. It is no point of the sweep,
and whatever speaks of it says so. Of its five seeds one is run again; the others say how far
another draw may lie, beside which another arithmetic is set. The point is run into a folder of its
own, never taken from the sweep's, so that it is a second run and not the first once more. A table
whose code has changed has no live point: its numbers are those of other code.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from medlib.experiment.record import Record, RecordError, Result
from medlib.experiment.tables import SweepTable, SweptPoint, row_of
from press.errors import UserError
from press.results import kept
from press.results.stale import stale_because
from press.run.execute import Job, plan
from press.run.freshness import Freshness, freshness_of
from press.run.run_folder import Run
from press.source.project import LIVE_PROFILE, Chapter, Project


@dataclass(frozen=True)
class LivePoint:
    """A recorded sweep, the point of it or beside it that is run again, and the job that does."""

    chapter: Chapter
    table: SweepTable
    point: SweptPoint
    job: Job

    @property
    def told(self) -> str:
        """The point, as ``labels=10 seed=1``."""
        swept = " ".join(f"{name}={value}" for name, value in self.point.parameters.items())
        return f"{swept}, beside the sweep" if self.beside else swept

    @property
    def beside(self) -> bool:
        """Whether it is a small run by the code of the sweep, and no point of it."""
        return self.table.profile == LIVE_PROFILE

    @property
    def called(self) -> str:
        """What it is and which, for a sentence that has named the sweep."""
        return f"the small run {self.told}" if self.beside else f"its point {self.told}"

    def state(self, project: Project) -> Freshness:
        """Whether its run is there and fresh."""
        return freshness_of(project, self.job, self.run)

    @cached_property
    def run(self) -> Run:
        """The second run, if there is one."""
        return Run(self.job.destination)

    @property
    def record(self) -> Record | None:
        """What the second run recorded; None where there is none."""
        try:
            return self.run.record
        except RecordError:
            return None

    @property
    def recorded(self) -> list[Result]:
        """What the table has of the point."""
        place = self.table.points.index(self.point)
        found = []
        for column in self.table.results:
            if column.values[place] is not None:
                row = row_of(column, place)
                found.append(Result(name=row.pop("result"), level=column.level, **row))
        return found


def live_points(project: Project, chapter: Chapter | None = None) -> Iterator[LivePoint]:
    """The points to run again: one for each kept sweep whose code is still what made it.

    Args:
        project: the checkout.
        chapter: only the sweeps of this chapter and of its companions.
    """
    for name, kind in kept.tables_in(project):
        own = chapter is None or name == chapter.id or name.startswith(f"{chapter.id}/")
        if kind == "sweep" and own and (point := live_point(project, name)):
            yield point


def live_point(project: Project, name: str) -> LivePoint | None:
    """The point to run again of the sweep of `name`; None where it has none, or is stale."""
    key = ("live", name)
    if key not in project.kept:
        project.kept[key] = _live_point(project, name)
    return project.kept[key]


def _live_point(project: Project, name: str) -> LivePoint | None:
    try:
        sweep = kept.read(project, name, "sweep", SweepTable)
        if sweep is None:
            return None
        table = kept.read(project, name, LIVE_PROFILE, SweepTable) or sweep
        chapter = project.notebook(name)
        stale = any(stale_because(project, chapter, each.made_by) for each in (sweep, table))
        if stale or not table.live:
            return None
        point = next(point for point in table.points if point.point == table.live)
        given = {**table.fixed, **point.parameters}
        job = plan(project, chapter, given=given, profile=table.profile)
    except UserError:  # the table is damaged or its chapter gone, which is said elsewhere
        return None
    live = LivePoint(chapter, table, point, job)
    folder = live_folder(project, name)
    label = f"{name} again at {live.told}"
    failed = f"{chapter.name}-live"
    return dataclasses.replace(
        live, job=dataclasses.replace(job, destination=folder, label=label, failed_name=failed)
    )


def live_folder(project: Project, name: str) -> Path:
    """Where the second run of a sweep's live point lies."""
    return project.live_runs / name
