"""The tidy table of a sweep: filled from the records of its points, and written for pandas."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from medlib.experiment.record import Record
from medlib.experiment.tables import ClaimColumn, ResultColumn, SweepTable
from press.results.accepted import to_json

SUFFIXES = (".csv", ".json", ".md")


def result_columns(keys: Sequence[str], records: Mapping[str, Record]) -> list[ResultColumn]:
    """What was measured, one column a result, one value for each of `keys`.

    A result that bears another unit or level at some points has a column for each.
    """
    found = {
        (result.name, result.unit, result.level): None
        for key in keys
        if key in records
        for result in records[key].results
    }
    columns = []
    for name, unit, level in found:
        rows = [_result(records.get(key), name, unit, level) for key in keys]
        spans = {
            field: [None if row is None else getattr(row, field) for row in rows]
            for field in ("value", "low", "high", "n")
        }
        values = spans.pop("value")
        known = {f: v if any(x is not None for x in v) else [] for f, v in spans.items()}
        columns.append(ResultColumn(name=name, unit=unit, level=level, values=values, **known))
    return columns


def _result(record: Record | None, name: str, unit: str, level: float) -> Any:
    wanted = (name, unit, level)
    results = [] if record is None else record.results
    return next((r for r in results if (r.name, r.unit, r.level) == wanted), None)


def claim_columns(keys: Sequence[str], records: Mapping[str, Record]) -> list[ClaimColumn]:
    """What was claimed, one column a claim, one margin for each of `keys`."""
    stated = {claim.text: claim for record in records.values() for claim in record.claims}
    columns = []
    for text, claim in stated.items():
        found = [
            next((c for c in records[key].claims if c.text == text), None)
            if key in records
            else None
            for key in keys
        ]
        columns.append(
            ClaimColumn(
                text=text,
                unit=claim.unit,
                control=claim.control,
                holds=[None if c is None else c.holds for c in found],
                margins=[None if c is None else c.margin for c in found],
            )
        )
    return columns


def printed_tables(record: Record) -> dict[str, dict[str, list[Any]]]:
    """The tables of a run, each column by column."""
    return {
        table.name: {name: [row[name] for row in table.rows] for name in table.rows[0]}
        for table in record.tables
        if table.rows
    }


# -- for other programs ----------------------------------------------------------------------------


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
