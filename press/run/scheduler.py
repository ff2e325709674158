"""Who runs the points of a sweep: this machine's cores, or the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from press.run.address import Address
from press.run.execute import Job, Listener, Outcome, available_cores, execute_all
from press.run.starting import start_for
from press.source.project import Project


class Scheduler(Protocol):
    """Runs jobs, anywhere: each job's folder is whole at its destination, or is not there."""

    def side_by_side(self, jobs: Sequence[Job]) -> int | None:
        """How many of `jobs` run at once; None where that is not known beforehand."""

    def run(self, project: Project, jobs: Sequence[Job], listener: Listener) -> list[Outcome]:
        """Run `jobs`; their outcomes, in their order. A job that fails does not stop the others."""


@dataclass(frozen=True)
class ThisMachine(Scheduler):
    """The cores of this machine, or `workers` of them."""

    workers: int | None = None

    def side_by_side(self, jobs: Sequence[Job]) -> int:
        return max(1, min(self.workers or available_cores(), len(jobs)))

    def run(self, project: Project, jobs: Sequence[Job], listener: Listener) -> list[Outcome]:
        workers = self.side_by_side(jobs)
        with start_for([job.profile for job in jobs]) as start:
            return execute_all(project, jobs, workers=workers, listener=listener, start=start)


@dataclass(frozen=True)
class Cluster(Scheduler):
    """The workers of the Dask scheduler at `address`; at most `limit` points at a time."""

    address: Address
    limit: int | None = None

    def side_by_side(self, jobs: Sequence[Job]) -> None:
        return None

    def run(self, project: Project, jobs: Sequence[Job], listener: Listener) -> list[Outcome]:
        from press.run.cluster import run_on_cluster

        return run_on_cluster(
            project, jobs, address=self.address, limit=self.limit, listener=listener
        )


Workers = int | Scheduler | None


def as_scheduler(workers: Workers) -> Scheduler:
    """Who `workers` are: a cluster's, so many of this machine's cores, or all of them (None)."""
    return ThisMachine(workers) if workers is None or isinstance(workers, int) else workers
