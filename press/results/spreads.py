"""How each result of a kept table scatters over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from medlib.experiment.tables import ResultColumn, SweepTable, SweptPoint
from press.run.spread import Spread


def spreads(table: SweepTable, *, beside: SweptPoint | None = None) -> dict[str, Spread]:
    """Result -> its spread over the seeds of a table.

    Args:
        table: of other seeds, or a sweep with several.
        beside: of a sweep, the point whose neighbours are meant: those that differ from it in
            nothing but the seed, without itself, for it is what will be judged.
    """
    places = [
        place
        for place, point in enumerate(table.points)
        if beside is None or (point != beside and _cell(point) == _cell(beside))
    ]
    found = {column.name: _spread(column, places) for column in table.results}
    return {name: spread for name, spread in found.items() if spread is not None}


def _cell(point: SweptPoint) -> dict[str, Any]:
    return {name: value for name, value in point.parameters.items() if name != "seed"}


def _spread(column: ResultColumn, places: Sequence[int]) -> Spread | None:
    deviations, known = {}, []
    for field, values in (("low", column.low), ("high", column.high), ("value", column.values)):
        known = [v for place in places if values and (v := values[place]) is not None]
        if len(known) > 1:
            deviations[field] = statistics.stdev(known)
    if "value" not in deviations:
        return None
    return Spread(len(known), statistics.fmean(map(abs, known)), deviations)
