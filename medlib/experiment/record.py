"""The run record: what one execution of a chapter measured, and on what it depended.

`Run.finish` writes it as ``record.json``; the press reads it. Everything a reader, a reviewer or an
auditor needs to repeat the run, and to see whether it came out the same, stands in this one file.
The schema is versioned: a reader refuses a version that it does not know.
"""

from __future__ import annotations

import json
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from medlib.experiment.arithmetic import Arithmetic
from medlib.experiment.estimate import CI, interval_text

SCHEMA_VERSION = 1

DataKind = Literal["real", "simulated", "real and simulated", "none"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class RecordError(ValueError):
    """A record that is missing, damaged, or of another schema version."""


class Part(BaseModel):
    """What every schema of the book's files is made of: frozen, and knowing all of its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")


class Result(Part):
    """One measured number with its unit, interval and number of observations."""

    name: Name
    value: float
    unit: str = ""
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    n: int | None = None
    atol: float = 0.0
    rtol: float = 1e-6

    @property
    def interval(self) -> tuple[float, float] | None:
        """The interval at `level`, or None where none was stated."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def tolerance(self) -> float:
        """How far another run's value may lie from this one: ``atol + rtol * |value|``."""
        return self.atol + self.rtol * abs(self.value)

    def __float__(self) -> float:
        return self.value

    def _ipython_display_(self) -> None:
        """Show nothing as a cell's last expression: a measured number is printed by a sentence."""

    def __format__(self, spec: str) -> str:
        """With ``ci`` value, unit and interval (see `estimate`); with another spec the bare number.

        Without a spec the number with its unit.
        """
        if spec.endswith(CI):
            if self.interval is None:
                raise ValueError(
                    f"result {self.name} has no interval to print; record it with an Estimate or"
                    f" interval=, or write {{{self.name}:{spec.removesuffix(CI) or '.1'}f}}"
                )
            return interval_text(
                self.value, *self.interval, unit=self.unit, spec=spec.removesuffix(CI)
            )
        if spec:
            return format(self.value, spec)
        return f"{self.value:.4g} {self.unit}".strip()


class Claim(Part):
    """A conclusion, whether it held, and by how much (margin >= 0 exactly when it holds)."""

    text: str = Field(min_length=8)
    holds: bool
    margin: float
    unit: str = ""
    control: bool = False
    falsified_by: str = ""

    def _ipython_display_(self) -> None:
        """Show nothing as a cell's last expression: `Run.finish` prints the claims."""


class Figure(Part):
    """A figure's identity: the sha256 of its decoded pixels (of each frame's, if interactive)."""

    name: Name
    kind: Literal["static", "interactive"]
    pixels_sha256: list[Digest] = Field(min_length=1)
    files: list[str] = Field(min_length=1)
    alt: list[str] = Field(min_length=1)
    caption: str
    data: DataKind


class Table(Part):
    """A table printed by the run."""

    name: Name
    caption: str
    rows: list[dict[str, Any]]


class DataUse(Part):
    """One data set the run read: what it is, its digest, and the file or folder it came from.

    Of a folder, `members` are the digests of the files that were looked at, by their names relative
    to `path`; all that match `members_glob` (names that begin with a dot left out), or, where that
    is empty, those that were asked for by name.
    """

    name: str
    kind: Literal["real", "simulated"]
    sha256: Digest
    unit: str = ""
    path: str | None = None
    file_sha256: Digest | None = None
    members: dict[str, Digest] = {}
    members_glob: str = ""
    licence: str = ""
    cite: str = ""
    doi: str = ""


class Commit(Part):
    """The commit that the code stood at, and whether tracked files had been changed since."""

    sha: str
    dirty: bool


class Device(Part):
    """The device asked for and the one that computed."""

    requested: str
    used: str
    name: str


class Record(Part):
    """Everything one run measured, and everything that it depended on."""

    schema_version: Literal[1] = SCHEMA_VERSION
    chapter: str
    profile: str
    seed: int
    parameters: dict[str, Any]
    results: list[Result] = []
    claims: list[Claim] = []
    figures: list[Figure] = []
    tables: list[Table] = []
    sentences: list[str] = []
    data: list[DataUse] = []
    streams: list[str] = []
    modules: dict[str, Digest] = {}
    constraints_sha256: str = ""
    packages: dict[str, str] = {}
    python: str
    platform: str
    processor: str = ""
    git: Commit | None = None
    device: Device
    arithmetic: Arithmetic | None = None
    threads: int
    started: datetime
    wall_s: float
    cpu_s: float
    peak_memory_mib: float

    @model_validator(mode="after")
    def _names_are_unique(self) -> Record:
        for what, names in (
            ("result", [r.name for r in self.results]),
            ("claim", [c.text for c in self.claims]),
            ("figure", [f.name for f in self.figures]),
            ("table", [t.name for t in self.tables]),
        ):
            twice = sorted({n for n in names if names.count(n) > 1})
            if twice:
                raise ValueError(f"{what} recorded twice: {', '.join(twice)}")
        return self

    def result(self, name: str) -> Result:
        """The result called `name`.

        Raises:
            KeyError: there is none; the message lists those there are.
        """
        for result in self.results:
            if result.name == name:
                return result
        raise KeyError(f"no result {name!r}; there are {[r.name for r in self.results]}")

    def write(self, path: Path) -> None:
        """Write the record as JSON beside `path`, then rename it into place."""
        write_atomically(path, self.model_dump_json(indent=1) + "\n")


def read_record(path: Path) -> Record:
    """Read a record, or say in one line what is wrong with it.

    Raises:
        RecordError: the file is missing, is not JSON, has another schema version, or fails it.
    """
    try:
        raw = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecordError(f"{path}: no such record; run the chapter first") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise RecordError(f"{path}: not a readable run record ({error}); run it again") from None
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version != SCHEMA_VERSION:
        raise RecordError(
            f"{path}: record schema {version!r}, this version reads {SCHEMA_VERSION}; run it again"
        )
    try:
        return Record.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "record"
        raise RecordError(f"{path}: damaged record: {where}: {first['msg']}") from None


def write_atomically(path: Path, text: str) -> None:
    """Write `text` to a temporary sibling of `path`, then rename it: never half a file."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
