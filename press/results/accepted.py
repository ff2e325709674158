"""What the book has committed itself to: one small JSON file per chapter under `results/`.

`medbook accept` writes it from a fresh run of the book; `medbook check` compares every later run
with it. The file holds what a reader could dispute (results with their tolerances, claims,
figures, data digests) and, apart from these, with what it was made. It is written so that a
review of a change reads like a review of code: the same run gives the same bytes, and one number
takes one line.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from medlib.experiment.arithmetic import Arithmetic
from medlib.experiment.record import Part, Record, RecordError, Result, write_atomically
from medlib.experiment.tables import read_kept
from press.errors import UserError
from press.results.thumbnail import encode_thumbnail, read_pixels, thumbnail

RESULTS_SCHEMA = 1


class AcceptedClaim(Part):
    """One accepted conclusion and the margin by which it held."""

    text: str
    margin: float
    unit: str = ""
    control: bool = False


class AcceptedFigure(Part):
    """A figure: digest of the decoded pixels and a small grey thumbnail, both for each frame."""

    name: str
    kind: Literal["static", "interactive"]
    data: str
    pixels_sha256: list[str]
    thumbnails: list[str]


class AcceptedData(Part):
    """A data set that the run read."""

    name: str
    kind: str
    sha256: str


class MadeWith(Part):
    """The circumstances of the accepted run; shown, not compared."""

    commit: str = ""
    python: str
    platform: str
    processor: str = ""
    device: str
    arithmetic: Arithmetic | None = None
    packages: dict[str, str] = {}
    wall_s: float
    cpu_s: float
    peak_memory_mib: float


class Accepted(Part):
    """The committed results of one chapter."""

    schema_version: Literal[1] = RESULTS_SCHEMA
    chapter: str
    title: str
    seed: int
    parameters: dict[str, Any]
    results: list[Result] = []
    claims: list[AcceptedClaim] = []
    figures: list[AcceptedFigure] = []
    data: list[AcceptedData] = []
    made_with: MadeWith


def results_path(folder: Path, chapter: str) -> Path:
    """Where the accepted results of a chapter stand, `folder` being the project's `results/`."""
    return Path(folder) / chapter / "accepted.json"


def read_accepted(path: Path) -> Accepted:
    """Read accepted results.

    Raises:
        UserError: missing or damaged; the message names the file and what to do.
    """
    try:
        return read_kept(path, Accepted)
    except FileNotFoundError:
        raise UserError(
            f"{path}: no accepted results yet; look at the run, then `medbook accept`"
        ) from None
    except RecordError as error:
        raise UserError(str(error)) from None


def distil(record: Record, *, title: str, run_folder: Path) -> Accepted:
    """What of a run is committed.

    Args:
        record: the run's record.
        title: the chapter's title.
        run_folder: where the record lies; its figure files are relative to it.

    Raises:
        UserError: a figure file is missing or is not an image.
    """
    figures = [
        AcceptedFigure(
            name=figure.name,
            kind=figure.kind,
            data=figure.data,
            pixels_sha256=list(figure.pixels_sha256),
            thumbnails=[
                encode_thumbnail(thumbnail(read_pixels(run_folder / file))) for file in figure.files
            ],
        )
        for figure in record.figures
    ]
    commit = record.git
    return Accepted(
        chapter=record.chapter,
        title=title,
        seed=record.seed,
        parameters=record.parameters,
        results=record.results,
        claims=[
            AcceptedClaim(**claim.model_dump(exclude={"holds", "falsified_by"}))
            for claim in record.claims
        ],
        figures=figures,
        data=[AcceptedData(name=use.name, kind=use.kind, sha256=use.sha256) for use in record.data],
        made_with=MadeWith(
            commit="" if commit is None else commit.sha + ("+changes" if commit.dirty else ""),
            python=record.python,
            platform=record.platform,
            processor=record.processor,
            device=record.device.used,
            arithmetic=record.arithmetic,
            packages=dict(sorted(record.packages.items(), key=lambda item: item[0].lower())),
            wall_s=round(record.wall_s, 2),
            cpu_s=round(record.cpu_s, 2),
            peak_memory_mib=round(record.peak_memory_mib, 1),
        ),
    )


def write_accepted(path: Path, accepted: Accepted) -> None:
    """Write accepted results beside their place, then rename them into it."""
    write_atomically(path, to_json(accepted.model_dump(mode="json")))


def to_json(value: Any, *, width: int = 200, long_columns: bool = False) -> str:
    """JSON that diffs well: whatever fits into a line takes one, the rest is opened.

    With `long_columns` a list of plain values takes one line, however long it is.

    >>> print(to_json({"a": [1, 2], "b": {"c": "x" * 12}}, width=20), end="")
    {
     "a": [1, 2],
     "b": {
      "c": "xxxxxxxxxxxx"
     }
    }
    """

    def render(item: Any, depth: int, used: int) -> str:
        flat = json.dumps(item, ensure_ascii=False)
        if long_columns and isinstance(item, list) and not _nested(item):
            return flat
        if len(flat) + used + depth <= width or not isinstance(item, dict | list) or not item:
            return flat
        pad, end = " " * (depth + 1), " " * depth
        if isinstance(item, dict):
            heads = [f"{json.dumps(str(key), ensure_ascii=False)}: " for key in item]
            parts = [
                h + render(v, depth + 1, len(h)) for h, v in zip(heads, item.values(), strict=True)
            ]
            return "{\n" + ",\n".join(pad + part for part in parts) + f"\n{end}}}"
        return "[\n" + ",\n".join(pad + render(part, depth + 1, 0) for part in item) + f"\n{end}]"

    return render(value, 0, 0) + "\n"


def _nested(items: list[Any]) -> bool:
    return any(isinstance(item, dict | list) for item in items)
