"""An accepted table of a sweep, joined with new points: a larger grid, and no old point again.

``medbook sweep ... --extend --accept`` runs only what is asked for and joins it to the table that
is accepted already, as long as the present code would make that one too. Together the points must
be a grid again. What made the joined table is what made either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from medlib.experiment.tables import ClaimColumn, MadeBy, ResultColumn, SweepTable
from press.errors import UserError
from press.results import kept
from press.results.stale import GROUND_FLOOR, stale_because
from press.results.sweep import Sweep
from press.source.project import Project

Place = tuple[tuple[str, str], ...]


def table_to_extend(project: Project, sweep: Sweep) -> SweepTable:
    """The accepted table that the points of `sweep` may join; nothing is run.

    Raises:
        UserError: there is none, its code has changed, it stands on other parameters, or old and
            new points together are no grid.
    """
    name = sweep.chapter.id
    old = kept.read(project, name, sweep.kind, SweepTable)
    if old is None:
        raise UserError(f"--extend: no table of {name} is accepted yet: leave --extend out")
    if because := stale_because(project, sweep.chapter, old.made_by):
        raise UserError(
            f"--extend: since the accepted table of {name} was made, {'; '.join(because)}: its"
            " points have to be made again, without --extend"
        )
    if set(old.grid) != set(sweep.grid):
        raise UserError(
            f"--extend: the accepted table of {name} is over {_words(old.grid)}, these points over"
            f" {_words(sweep.grid)}: sweep the same parameters"
        )
    if (old.profile, old.fixed) != (sweep.profile, sweep.fixed):
        apart = [
            f"{key}={old.fixed.get(key)} there and {key}={sweep.fixed.get(key)} here"
            for key in dict.fromkeys([*old.fixed, *sweep.fixed])
            if old.fixed.get(key) != sweep.fixed.get(key)
        ]
        if old.profile != sweep.profile:
            apart.insert(0, f"profile {old.profile} there and {sweep.profile} here")
        raise UserError(f"--extend: the accepted table of {name} has {', '.join(apart)}")
    grid = _united(old.grid, sweep.grid)
    there = {_place(point.parameters) for point in old.points if not point.error}
    there |= {_place(point.swept) for point in sweep.points}
    every = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    if lacking := [each for each in every if _place(each) not in there]:
        first = " ".join(f"{key}={value}" for key, value in lacking[0].items())
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise UserError(
            f"--extend: with the accepted points these are no whole grid: {first}{more} would be"
            " missing; ask for them too"
        )
    return old


def joined(old: SweepTable, new: SweepTable) -> SweepTable:
    """One table of the points of both, in the order of the grid; a point that both have is the new.

    Args:
        old: an accepted table, of `table_to_extend`.
        new: the points that were run.
    """
    grid = _united(old.grid, new.grid)
    where = {_place(p.parameters): (old, i) for i, p in enumerate(old.points) if not p.error}
    where |= {_place(p.parameters): (new, i) for i, p in enumerate(new.points)}
    places = [
        where[_place(dict(zip(grid, values, strict=True)))] for values in product(*grid.values())
    ]
    points = [table.points[i] for table, i in places]
    done = [point for point in points if not point.error]
    live = min(done, key=lambda point: point.cpu_s or 0.0).point if done and new.live else ""
    return new.model_copy(
        update={
            "grid": grid,
            "made_by": _made_by(old, new),
            "live": live,
            "points": points,
            "results": _results([old, new], places),
            "claims": _claims([old, new], places),
        }
    )


def _place(parameters: Mapping[str, Any]) -> Place:
    return tuple(sorted((name, repr(value)) for name, value in parameters.items()))


def _united(old: Mapping[str, list[Any]], new: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """All values of each parameter, numbers in their order, others as they came."""
    grid = {}
    for name, values in old.items():
        every = [*values, *(value for value in new[name] if value not in values)]
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in every)
        grid[name] = sorted(every) if numbers else every
    return grid


def _words(grid: Mapping[str, Any]) -> str:
    return ", ".join(grid)


def _results(
    tables: Sequence[SweepTable], places: Sequence[tuple[SweepTable, int]]
) -> list[ResultColumn]:
    columns = {}
    for key in dict.fromkeys((c.name, c.unit, c.level) for t in tables for c in t.results):
        of = {
            id(t): next((c for c in t.results if (c.name, c.unit, c.level) == key), None)
            for t in tables
        }
        spans = {
            field: [_at(of[id(table)], field, i) for table, i in places]
            for field in ("values", "low", "high", "n")
        }
        values = spans.pop("values")
        known = {f: v if any(x is not None for x in v) else [] for f, v in spans.items()}
        name, unit, level = key
        columns[key] = ResultColumn(name=name, unit=unit, level=level, values=values, **known)
    return list(columns.values())


def _claims(
    tables: Sequence[SweepTable], places: Sequence[tuple[SweepTable, int]]
) -> list[ClaimColumn]:
    columns = {}
    for text in dict.fromkeys(c.text for t in tables for c in t.claims):
        of = {id(t): next((c for c in t.claims if c.text == text), None) for t in tables}
        said = next(column for column in reversed(of.values()) if column is not None)
        columns[text] = said.model_copy(
            update={
                field: [_at(of[id(table)], field, i) for table, i in places]
                for field in ("holds", "margins")
            }
        )
    return list(columns.values())


def _at(column: ResultColumn | ClaimColumn | None, field: str, place: int) -> Any:
    values = [] if column is None else getattr(column, field)
    return values[place] if values else None


def _made_by(old: SweepTable, new: SweepTable) -> MadeBy:
    """What made either; of a file that differs in words alone, the newer."""
    a, b = old.made_by, new.made_by
    times = {
        "first": min((t for t in (a.first, b.first) if t is not None), default=None),
        "last": max((t for t in (a.last, b.last) if t is not None), default=None),
    }
    lists = {
        name: _distinct([*getattr(a, name), *getattr(b, name)])
        for name in (
            "constraints_sha256",
            "commits",
            "python",
            "platform",
            "processor",
            "device",
            "arithmetic",
        )
    }
    packages = {
        name: _distinct([*a.packages.get(name, []), *b.packages.get(name, [])])
        for name in sorted({*a.packages, *b.packages}, key=str.lower)
    }
    counted = {path: was for path, was in a.modules.items() if not path.startswith(GROUND_FLOOR)}
    return MadeBy(
        code_sha256=b.code_sha256 or a.code_sha256,
        computing_sha256=b.computing_sha256 or a.computing_sha256,
        modules=dict(sorted((counted | b.modules).items())),
        computing_modules=dict(sorted((a.computing_modules | b.computing_modules).items())),
        cpu_s=round(a.cpu_s + b.cpu_s, 1),
        wall_s=round(a.wall_s + b.wall_s, 1),
        packages=packages,
        **times,
        **lists,
    )


def _distinct(values: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
