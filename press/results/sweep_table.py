"""The tidy table of a sweep: one row a point and result, ready for pandas.

`press.results.sweep` fills it by running a chapter; this file makes, writes, keeps and reads it.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from medlib.experiment.record import Record, write_atomically
from press.results.accepted import read_table, sweep_path, to_json
from press.source.project import BOOK_PROFILE, Project

SUFFIXES = (".csv", ".json", ".md")
MEASURED = ("result", "value", "low", "high", "n", "unit", "error")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")


class SweptPoint(_Part):
    """One point of the grid: its swept parameters, its folder's key, and how it ended."""

    point: str
    parameters: dict[str, Any]
    cpu_s: float | None = None
    claims: int = 0
    held: int = 0
    error: str = ""


class SweptResult(_Part):
    """One result at one point."""

    point: str
    result: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    unit: str = ""


class MadeBy(_Part):
    """With what the points were run; a thing in which they differ has several values."""

    code_sha256: str
    commits: list[str] = []
    first: datetime | None = None
    last: datetime | None = None
    cpu_s: float = 0.0
    python: list[str] = []
    platform: list[str] = []
    processor: list[str] = []
    device: list[str] = []
    packages: dict[str, list[str]] = {}


class SweepTable(_Part):
    """A chapter over a grid; committed as ``results/<part>/<name>/sweep.json``."""

    schema_version: Literal[1] = 1
    chapter: str
    profile: str = BOOK_PROFILE
    grid: dict[str, list[Any]]
    fixed: dict[str, Any]
    made_by: MadeBy
    points: list[SweptPoint]
    results: list[SweptResult]

    @property
    def failed(self) -> list[SweptPoint]:
        """The points without a run, with the reason."""
        return [point for point in self.points if point.error]

    @property
    def columns(self) -> list[str]:
        """The columns of the tidy table; a swept parameter that bears another's name is marked."""
        seed = ["seed"] if "seed" in self.fixed else []
        return ["chapter", "point", *map(column_of, self.grid), *seed, *MEASURED]

    def rows(self) -> list[dict[str, Any]]:
        """One row a point and result, in the points' order; one with an error a failed point."""
        found: dict[str, list[SweptResult]] = {}
        for result in self.results:
            found.setdefault(result.point, []).append(result)
        seed = {"seed": self.fixed["seed"]} if "seed" in self.fixed else {}
        rows = []
        for point in self.points:
            swept = {column_of(name): value for name, value in point.parameters.items()}
            head = {"chapter": self.chapter, "point": point.point, **swept, **seed}
            for result in found.get(point.point, []):
                rows.append(head | result.model_dump(exclude={"point"}) | {"error": ""})
            if point.error:
                rows.append(head | dict.fromkeys(MEASURED) | {"error": point.error})
        return rows


def column_of(parameter: str) -> str:
    """The column of a swept parameter.

    >>> column_of("dose_fraction"), column_of("n")
    ('dose_fraction', 'parameter_n')
    """
    taken = parameter in ("chapter", "point", *MEASURED)
    return f"parameter_{parameter}" if taken else parameter


def swept_point(point: str, parameters: dict[str, Any], ended: Record | str) -> SweptPoint:
    """A point from its record, or from why it has none."""
    if isinstance(ended, str):
        return SweptPoint(point=point, parameters=parameters, error=ended)
    return SweptPoint(
        point=point,
        parameters=parameters,
        cpu_s=round(ended.cpu_s, 2),
        claims=len(ended.claims),
        held=sum(claim.holds for claim in ended.claims),
    )


def swept_results(point: str, record: Record) -> list[SweptResult]:
    """The results of a point."""
    wanted = ("value", "low", "high", "n", "unit")
    return [
        SweptResult(point=point, result=r.name, **{name: getattr(r, name) for name in wanted})
        for r in record.results
    ]


def made_by(records: Sequence[Record], *, code_sha256: str) -> MadeBy:
    """What the runs of a sweep have in common, and in what they differ."""
    names = sorted({name for record in records for name in record.packages}, key=str.lower)
    return MadeBy(
        code_sha256=code_sha256,
        commits=_distinct(
            record.git.sha + ("+changes" if record.git.dirty else "")
            for record in records
            if record.git
        ),
        first=min((record.started for record in records), default=None),
        last=max((record.started for record in records), default=None),
        cpu_s=round(sum(record.cpu_s for record in records), 1),
        python=_distinct(record.python for record in records),
        platform=_distinct(record.platform for record in records),
        processor=_distinct(record.processor for record in records),
        device=_distinct(record.device.used for record in records),
        packages={name: _distinct(r.packages.get(name, "") for r in records) for name in names},
    )


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))


# -- writing and reading ---------------------------------------------------------------------------


def render(table: SweepTable, suffix: str) -> str:
    """The tidy table as the text of a .csv, .json (a list of rows) or .md file."""
    columns, rows = table.columns, table.rows()
    if suffix == ".csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()
    if suffix == ".json":
        return to_json([{name: _json_value(row.get(name)) for name in columns} for row in rows])
    shown = [name for name in columns if name != "error" or table.failed]
    lines = ["| " + " | ".join(shown) + " |", "|" + "---|" * len(shown)]
    for row in rows:
        lines.append("| " + " | ".join(_cell(row.get(name)) for name in shown) + " |")
    return "\n".join(lines) + "\n"


def _json_value(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")


def write_sweep_table(project: Project, table: SweepTable) -> Path:
    """Keep `table` under ``results/`` as the accepted one, and say where."""
    path = sweep_path(project.results, table.chapter)
    write_atomically(path, to_json(table.model_dump(mode="json")))
    return path


def read_sweep_table(path: Path) -> SweepTable:
    """Read an accepted table.

    Raises:
        UserError: it is missing or damaged.
    """
    return read_table(path, SweepTable, of="a sweep", made_by="medbook sweep ... --accept")
