"""What a chapter reads recorded results with: typed rows, arrays over seeds, and who made them.

``trial = experiment.recorded(run, "_every_arm_to_its_end/sweep")`` reads a kept table and notes it,
with its digest, among the data of the run: a table that is made anew makes the chapter stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medlib.experiment import environment
from medlib.experiment.estimate import Estimate
from medlib.experiment.parameters import nearest
from medlib.experiment.record import DataUse, Record, RecordError, Result
from medlib.experiment.tables import (
    KINDS,
    FullRun,
    MadeBy,
    ResultColumn,
    SweepTable,
    read_kept,
    row_of,
    table_path,
)

if TYPE_CHECKING:
    import numpy as np

    from medlib.experiment.run import Run

COMMANDS = {
    "seeds": "medbook check {chapter} --seeds 10 --accept",
    "sweep": "medbook sweep {chapter} ... --accept",
    "longer": "medbook check {chapter} --longer --accept",
    "full": "medbook run {chapter} --profile full --accept",
}


@dataclass(frozen=True)
class Made:
    """When, at which commit, on what and in how long recorded results were made."""

    first: datetime
    last: datetime
    commits: tuple[str, ...]
    machines: tuple[str, ...]
    cpu_s: float

    @property
    def day(self) -> str:
        """The day it was made; the first and the last where there were several."""
        days = dict.fromkeys(f"{when:%d %B %Y}" for when in (self.first, self.last))
        return " and ".join(days)

    @property
    def commit(self) -> str:
        """The commits, ten digits of each."""
        return ", ".join(commit[:10] for commit in self.commits) or "unknown"

    @property
    def machine(self) -> str:
        """The processors."""
        return ", ".join(self.machines) or "unknown"

    @property
    def minutes(self) -> float:
        """Minutes of CPU, all points together."""
        return self.cpu_s / 60

    def __str__(self) -> str:
        return (
            f"Recorded on {self.day}, commit {self.commit}, on {self.machine}:"
            f" {self.minutes:.0f} minutes of CPU."
        )


@dataclass(frozen=True)
class Row:
    """One result at one point: what was swept, the seed, and what was measured."""

    parameters: dict[str, Any]
    seed: int | None
    result: str
    value: float
    unit: str = ""
    low: float | None = None
    high: float | None = None
    n: int | None = None
    level: float = 0.95

    @property
    def estimate(self) -> Estimate:
        """The result as an `Estimate`.

        Raises:
            ValueError: it has no interval, or does not say how many things it rests on.
        """
        if self.low is None or self.high is None or self.n is None:
            raise ValueError(f"recorded {self.result}: no interval, or no n, was recorded with it")
        return Estimate(self.value, self.low, self.high, self.n, self.unit, self.level)


@dataclass(frozen=True)
class Trial:
    """A recorded table: a notebook over a grid of parameters and seeds.

    Attributes:
        grid: parameter -> the values tried, in order.
        fixed: the values of all other parameters.
    """

    name: str
    table: SweepTable

    @property
    def grid(self) -> dict[str, list[Any]]:
        return self.table.grid

    @property
    def fixed(self) -> dict[str, Any]:
        return self.table.fixed

    @property
    def seeds(self) -> list[int]:
        """The seeds that were tried; empty where the seed was not swept."""
        return self.table.seeds

    @property
    def made(self) -> Made:
        """When, at which commit, on what and in how long it was made.

        Raises:
            ValueError: the table is of a time when that was not recorded.
        """
        return _made(self.name, self.table.made_by)

    @property
    def names(self) -> list[str]:
        """The results that were recorded."""
        return list(dict.fromkeys(column.name for column in self.table.results))

    def rows(self, result: str | None = None, **where: Any) -> list[Row]:
        """The rows of one result, or of all, at the points where parameters have given values.

        Args:
            result: the name of a result.
            where: swept parameters and the values wanted.

        Raises:
            ValueError: there is no such result, no such swept parameter, or no such value of it.
        """
        found = []
        for column in self._columns(result):
            for place in self._places(where):
                if column.values[place] is not None:
                    found.append(self._row(column, place))
        return found

    def array(self, result: str, **where: Any) -> np.ndarray:
        """One result over the grid.

        Args:
            result: its name.
            where: swept parameters that are held at one value each.

        Returns:
            One axis for each swept parameter that is not held, in the grid's order; the seed is the
            last: ``trial.array("auc", labels=20)`` has a value a seed.

        Raises:
            ValueError: there is no such result, parameter or value, or a point has no such result.
        """
        import numpy as np

        (column, *more) = self._columns(result)
        if more:
            raise ValueError(f"recorded {self.name}: {result} was recorded in several units")
        places = self._places(where)
        values = [column.values[place] for place in places]
        lost = [self.table.points[p] for p in places if column.values[p] is None]
        if lost:
            at = " ".join(f"{name}={value}" for name, value in lost[0].parameters.items())
            raise ValueError(
                f"recorded {self.name}: {result} was not measured at {at}"
                + (f", nor at {len(lost) - 1} other points" if len(lost) > 1 else "")
            )
        shape = [len(tried) for name, tried in self.grid.items() if name not in where]
        return np.array(values, dtype=float).reshape(shape)

    def printed(self, table: str, **where: Any) -> list[dict[str, Any]]:
        """The rows of a table that a companion printed, at all points or at some.

        Args:
            table: its name in the companion.
            where: swept parameters and the values wanted.

        Returns:
            The rows of one point after the other's, each with the point's swept parameters before
            its own columns.

        Raises:
            ValueError: a point printed no such table, or there is no such parameter or value.
        """
        rows = []
        for place in self._places(where):
            point = self.table.points[place]
            if table not in point.tables:
                raise ValueError(
                    f"recorded {self.name}: no table {table!r} at point {point.point}; it printed"
                    f" {list(point.tables)}"
                )
            columns = point.tables[table]
            for values in zip(*columns.values(), strict=True):
                rows.append(point.parameters | dict(zip(columns, values, strict=True)))
        return rows

    def _row(self, column: ResultColumn, place: int) -> Row:
        parameters = self.table.points[place].parameters
        seed = parameters.get("seed", self.fixed.get("seed"))
        return Row(parameters, seed, level=column.level, **row_of(column, place))

    def _columns(self, result: str | None) -> list[ResultColumn]:
        found = [c for c in self.table.results if result in (None, c.name)]
        if not found and not self.table.keeps_results:
            raise ValueError(f"recorded {self.name}: it keeps claims only, no results")
        if not found:
            near = nearest(str(result), self.names)
            hint = f"did you mean {near!r}?" if near else f"there are {self.names}"
            raise ValueError(f"recorded {self.name}: no result {result!r}; {hint}")
        return found

    def _places(self, where: dict[str, Any]) -> list[int]:
        for name, value in where.items():
            if name not in self.grid:
                raise ValueError(
                    f"recorded {self.name}: {name} was not swept; {list(self.grid)} were"
                )
            if value not in self.grid[name]:
                raise ValueError(
                    f"recorded {self.name}: {name} = {value!r} was not tried;"
                    f" {self.grid[name]} were"
                )
        return [
            place
            for place, point in enumerate(self.table.points)
            if all(point.parameters[name] == value for name, value in where.items())
        ]


@dataclass(frozen=True)
class FullTrial:
    """A recorded run of a whole chapter: `record` has its parameters, seed, results and tables."""

    name: str
    record: Record
    made_by: MadeBy

    @property
    def parameters(self) -> dict[str, Any]:
        return self.record.parameters

    @property
    def seed(self) -> int:
        return self.record.seed

    @property
    def made(self) -> Made:
        """When, at which commit, on what and in how long it was made."""
        return _made(self.name, self.made_by)

    def result(self, name: str) -> Result:
        """A result of that run.

        Raises:
            KeyError: there is none; the message lists those there are.
        """
        return self.record.result(name)

    def table(self, name: str) -> Sequence[dict[str, Any]]:
        """The rows of a table that it printed.

        Raises:
            ValueError: it printed no such table.
        """
        for table in self.record.tables:
            if table.name == name:
                return table.rows
        names = [table.name for table in self.record.tables]
        raise ValueError(f"recorded {self.name}: no table {name!r}; there are {names}")


def recorded(
    run: Run, name: str, *, chapter: str | None = None, optional: bool = False
) -> Any:  # Trial | FullTrial | None, which a notebook need not tell apart
    """Read recorded results, as data of `run`.

    Args:
        run: the run that reads them; its record notes the file and its digest.
        name: which of the chapter's: "full", "seeds", "sweep", or a companion's,
            ``_companion/sweep``.
        chapter: whose; by default the run's own.
        optional: whether None is returned where there are none yet, as before the run that makes
            them.

    Returns:
        A `FullTrial` for a full run, else a `Trial`.

    Raises:
        ValueError: there are none such (the message gives the command that makes them), or the file
            is damaged.
    """
    *companion, kind = name.split("/")
    if kind not in KINDS or len(companion) > 1:
        raise ValueError(f"recorded {name!r}: write one of {', '.join(KINDS)}, or _companion/sweep")
    of = "/".join([chapter or run.chapter, *companion])
    root = environment.project_root()
    path = table_path(root / "results", of, kind)
    if not path.is_file():
        if optional:
            return None
        command = COMMANDS[kind].format(chapter=of)
        raise ValueError(f"recorded {name!r}: there is no {path.relative_to(root)}; `{command}`")
    found = _read(path, f"{of}/{kind}", kind)
    digest = environment.sha256_of_file(path)
    run.note_data(
        DataUse(
            name=f"recorded/{of}/{kind}",
            kind="simulated",
            sha256=digest,
            path=path.relative_to(root).as_posix(),
            file_sha256=digest,
        )
    )
    return found


def _read(path: Path, name: str, kind: str) -> Trial | FullTrial:
    if kind != "full":
        return Trial(name, read_kept(path, SweepTable))
    full = read_kept(path, FullRun)
    return FullTrial(name, full.record, made_by([full.record], code_sha256=full.code_sha256))


def made_by(records: Sequence[Record], *, code_sha256: str, computing_sha256: str = "") -> MadeBy:
    """What runs have in common, and in what they differ.

    A library file that was not the same for all has the digest of no file: they are stale.
    """
    names = sorted({name for record in records for name in record.packages}, key=str.lower)
    modules: dict[str, str] = {}
    for path, digest in (item for record in records for item in record.modules.items()):
        same = modules.get(path, digest) == digest  # else edited between two runs: of no digest
        modules[path] = digest if same else environment.CHANGED_MEANWHILE
    return MadeBy(
        code_sha256=code_sha256,
        computing_sha256=computing_sha256,
        modules=dict(sorted(modules.items())),
        constraints_sha256=_distinct(record.constraints_sha256 for record in records),
        commits=_distinct(
            record.git.sha + ("+changes" if record.git.dirty else "")
            for record in records
            if record.git
        ),
        first=min((record.started for record in records), default=None),
        last=max((record.started for record in records), default=None),
        cpu_s=round(sum(record.cpu_s for record in records), 1),
        wall_s=round(sum(record.wall_s for record in records), 1),
        python=_distinct(record.python for record in records),
        platform=_distinct(record.platform for record in records),
        processor=_distinct(record.processor for record in records),
        device=_distinct(record.device.used for record in records),
        arithmetic=_distinct(record.arithmetic for record in records),
        packages={name: _distinct(r.packages.get(name, "") for r in records) for name in names},
    )


def _distinct(values: Any) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value and value not in found:
            found.append(value)
    return found


def _made(name: str, made: MadeBy) -> Made:
    if made.first is None or made.last is None:
        raise ValueError(f"recorded {name}: when and by what it was made was not recorded")
    return Made(made.first, made.last, tuple(made.commits), tuple(made.processor), made.cpu_s)


__all__ = ["FullTrial", "Made", "RecordError", "Row", "Trial", "made_by", "recorded"]
