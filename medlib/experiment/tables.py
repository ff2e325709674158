"""What is kept of runs that a cold build does not repeat: tables over grids and seeds, a full run.

The press makes these files with `medbook sweep`, `medbook check --seeds` and `medbook run --profile
full`, each with ``--accept``; a chapter reads them with `experiment.recorded`. The files hold one
column a result, with one value for each point of the grid, so that an array over seeds is one line.
"""

from __future__ import annotations

import json
import statistics
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ValidationError, model_validator

from medlib.experiment.arithmetic import Arithmetic
from medlib.experiment.record import Digest, Part, Record, RecordError

TABLE_SCHEMA = 2
FULL_SCHEMA = 2
KINDS = ("seeds", "sweep", "longer", "full")
MEASURED = ("result", "value", "low", "high", "n", "unit", "error")
_Kept = TypeVar("_Kept", bound=Part)


class MadeBy(Part):
    """With what runs were made; a thing in which they differ has several values.

    `code_sha256` is the digest of the notebook's code cells, `computing_sha256` that of the same
    cells without their words, `modules` those of the library files that the runs really imported,
    `computing_modules` those of the same files without docstrings and comments: when the cells
    or a file change in more than words, what they measured has to be made again.
    """

    code_sha256: str = ""
    computing_sha256: str = ""
    modules: dict[str, Digest] = {}
    computing_modules: dict[str, Digest] = {}
    constraints_sha256: list[str] = []
    commits: list[str] = []
    first: datetime | None = None
    last: datetime | None = None
    cpu_s: float = 0.0
    wall_s: float = 0.0
    python: list[str] = []
    platform: list[str] = []
    processor: list[str] = []
    device: list[str] = []
    arithmetic: list[Arithmetic] = []
    packages: dict[str, list[str]] = {}


class SweptPoint(Part):
    """One point of a grid: the key of its content, its swept parameters, and how it ended.

    `tables` are those that a companion printed there: name -> column -> a value for each row. Of a
    chapter's own points none are kept.
    """

    point: str
    parameters: dict[str, Any]
    cpu_s: float | None = None
    error: str = ""
    tables: dict[str, dict[str, list[Any]]] = {}


class ResultColumn(Part):
    """One result over all points, in their order; None where a point has none.

    `low`, `high` and `n` are empty where no point states them.
    """

    name: str
    unit: str = ""
    level: float = 0.95
    values: list[float | None]
    low: list[float | None] = []
    high: list[float | None] = []
    n: list[int | None] = []

    @property
    def known(self) -> list[float]:
        """The values that there are."""
        return [value for value in self.values if value is not None]

    @property
    def spread(self) -> float | None:
        """Standard deviation over the points (n - 1); None for fewer than two."""
        return statistics.stdev(self.known) if len(self.known) > 1 else None


class ClaimColumn(Part):
    """One claim over all points, in their order; None where a point did not make it."""

    text: str
    unit: str = ""
    control: bool = False
    holds: list[bool | None]
    margins: list[float | None]

    @property
    def known(self) -> list[float]:
        """The margins that there are."""
        return [margin for margin in self.margins if margin is not None]

    @property
    def held(self) -> int:
        """At how many points it held."""
        return sum(bool(holds) for holds in self.holds)

    @property
    def least(self) -> float | None:
        """The least margin."""
        return min(self.known, default=None)

    @property
    def median(self) -> float | None:
        """The median margin."""
        return statistics.median(self.known) if self.known else None

    @property
    def one_draw(self) -> bool:
        """Whether several points gave one and the same margin: they replicate nothing, n = 1."""
        return len(self.known) > 1 and len({float(m).hex() for m in self.known}) == 1

    @property
    def spread(self) -> float | None:
        """Standard deviation of the margins (n - 1); None for fewer than two, or for `one_draw`."""
        if len(self.known) < 2 or self.one_draw:
            return None
        return statistics.stdev(self.known)

    @property
    def safety(self) -> float | None:
        """The least margin in units of the spread; None where there is no spread."""
        least, spread = self.least, self.spread
        return None if least is None or not spread else least / spread


class SweepTable(Part):
    """A notebook over a grid of parameters; seeds are a grid over `seed`.

    Attributes:
        grid: parameter -> the values tried; `points` are in its order, the last one fastest.
        fixed: the values of all other parameters; empty in tables that did not record them.
        live: the key of the point that a build runs again and compares; empty for none.
    """

    schema_version: Literal[2] = TABLE_SCHEMA
    chapter: str
    profile: str = "book"
    grid: dict[str, list[Any]]
    fixed: dict[str, Any] = {}
    made_by: MadeBy = MadeBy()
    live: str = ""
    points: list[SweptPoint]
    results: list[ResultColumn] = []
    claims: list[ClaimColumn] = []

    @model_validator(mode="after")
    def _columns_are_as_long_as_there_are_points(self) -> SweepTable:
        count = len(self.points)
        for column in self.results:
            for values in (column.values, column.low, column.high, column.n):
                if len(values) != count and (values or values is column.values):
                    raise ValueError(f"{column.name} has {len(values)} values at {count} points")
        for claim in self.claims:
            if not len(claim.holds) == len(claim.margins) == count:
                raise ValueError(f"claim {claim.text!r} is not given at each of {count} points")
        if self.live and self.live not in {point.point for point in self.points}:
            raise ValueError(f"the live point {self.live} is none of its points")
        return self

    @property
    def seeds(self) -> list[int]:
        """The seeds that were tried; empty where the seed was not swept."""
        return list(self.grid.get("seed", ()))

    @property
    def failed(self) -> list[SweptPoint]:
        """The points without a run, with the reason."""
        return [point for point in self.points if point.error]

    @property
    def keeps_results(self) -> bool:
        """Whether it keeps what was measured, and not only whether claims held."""
        return bool(self.results)

    @property
    def columns(self) -> list[str]:
        """The columns of the tidy table; a swept parameter that bears another's name is marked."""
        seed = ["seed"] if "seed" in self.fixed else []
        return ["chapter", "point", *map(column_of, self.grid), *seed, *MEASURED]

    def rows(self) -> list[dict[str, Any]]:
        """One row a point and result, in the points' order; one with an error a failed point."""
        seed = {"seed": self.fixed["seed"]} if "seed" in self.fixed else {}
        rows = []
        for place, point in enumerate(self.points):
            swept = {column_of(name): value for name, value in point.parameters.items()}
            head = {"chapter": self.chapter, "point": point.point, **swept, **seed}
            for column in self.results:
                if column.values[place] is not None:
                    rows.append(head | row_of(column, place) | {"error": ""})
            if point.error:
                rows.append(head | dict.fromkeys(MEASURED) | {"error": point.error})
        return rows


def row_of(column: ResultColumn, place: int) -> dict[str, Any]:
    """What a column holds at one point: result, unit, value, low, high, n."""
    measured = {"result": column.name, "unit": column.unit, "value": column.values[place]}
    for name in ("low", "high", "n"):
        values = getattr(column, name)
        measured[name] = values[place] if values else None
    return measured


def column_of(parameter: str) -> str:
    """The tidy table's column of a swept parameter.

    >>> column_of("dose_fraction"), column_of("n")
    ('dose_fraction', 'parameter_n')
    """
    taken = parameter in ("chapter", "point", *MEASURED)
    return f"parameter_{parameter}" if taken else parameter


class FullRun(Part):
    """One long run of a chapter: its whole record, and the digest of the code cells that made it.

    Paths of data in the record are relative to the repository, or left out.
    """

    schema_version: Literal[2] = FULL_SCHEMA
    code_sha256: str = ""
    record: Record


def table_path(results: Path, chapter: str, kind: str) -> Path:
    """Where a kept file of a chapter or companion stands, `results` being the folder of them all.

    >>> table_path(Path("results"), "pixels/low_dose_ct", "seeds").as_posix()
    'results/pixels/low_dose_ct/seeds.json'
    """
    return Path(results) / chapter / f"{kind}.json"


def read_kept(path: Path, model: type[_Kept]) -> _Kept:
    """Read a kept file, or say in one line what is wrong with it.

    Raises:
        FileNotFoundError: there is none.
        RecordError: it is not JSON, has another schema version, or fails the schema.
    """
    path = Path(path)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise RecordError(f"{path}: cannot be read ({error}); restore it from git") from None
    wanted = model.model_fields["schema_version"].default
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version != wanted:
        raise RecordError(
            f"{path}: damaged, or of another version: schema {version!r}, this version reads"
            f" {wanted}; restore it from git, or make it again"
        )
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "file"
        raise RecordError(
            f"{path}: damaged: {where}: {first['msg']}; restore it from git"
        ) from None
