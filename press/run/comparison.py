"""The one comparer of records: what differs, causes before effects, one difference for one cause.

How strictly is a `Policy`. `BITS` serves a run that is repeated (`press.check.reproduce`), `EXACT`
what a run was given and what accepting would change (`press.run.freshness`, `press.check.drift`),
and `tolerant` a run that is held against the accepted one, within the tolerances that its chapter
states. Either side may be a `Record` or what was kept of one: what only one side has is left out.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from press.run.alignment import Change, named_pairs, text_changes

if TYPE_CHECKING:
    from medlib.experiment.arithmetic import Arithmetic
    from press.run.spread import Spread

Severity = Literal["error", "note"]
FIELDS = {
    "data": ("kind", "sha256"),
    "result": ("value", "low", "high", "unit", "n", "level", "atol", "rtol"),
    "claim": ("holds", "margin", "unit", "control"),
    "table": ("caption", "rows"),
    "figure": ("kind", "data", "pixels_sha256", "alt", "caption"),
}
DONE = {"data": "read", "result": "measured", "claim": "made", "table": "printed"}
MEASURED = {"value": "", "low": "its lower end ", "high": "its upper end "}


@dataclass(frozen=True, order=True)
class Difference:
    """One thing that differs: its kind ("code", "data"...), what was and is, and how serious."""

    kind: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


@dataclass(frozen=True)
class Policy:
    """How strictly two records are compared.

    Args:
        same: whether two values agree that no tolerance is stated for.
        within_tolerance: whether a result and the ends of its interval may move as far as stated.
        ignored: "kind.field" of what need not agree.
        new: what is said of a thing that is there for the first time.
        pictures: how figures compare whose pixels differ; by default that is the difference.
        redrawn: of two data sets that differ in their digest alone, whether that is only noted.
        spreads: result -> how it scatters over seeds. No tolerance is wider than half of that.
        another_draw: whether a result beyond its tolerance is only noted as long as two seeds lie
            as far apart.
    """

    same: Callable[[Any, Any], bool]
    within_tolerance: bool = False
    ignored: frozenset[str] = frozenset()
    new: str = "is new"
    pictures: Callable[[Any, Any], Difference] | None = None
    redrawn: Callable[[Any, Any], bool] | None = None
    spreads: Mapping[str, Spread] = field(default_factory=dict)
    another_draw: bool = False


def same_bits(old: Any, new: Any) -> bool:
    """Equal to the bit: 0.0 is not -0.0, and nan is nan.

    >>> same_bits(0.0, -0.0), same_bits(float("nan"), float("nan")), same_bits(0.1 + 0.2, 0.3)
    (False, True, False)
    """
    if isinstance(old, float) and isinstance(new, float):
        return struct.pack("<d", old) == struct.pack("<d", new)
    return _same(old, new, of=same_bits)


def same_value(old: Any, new: Any) -> bool:
    """Equal in value and type: 1 is neither 1.0 nor True; 0.0 is -0.0, and nan is nan.

    >>> same_value(1, 1.0), same_value(0.0, -0.0), same_value([1, True], [1, 1])
    (False, True, False)
    """
    if isinstance(old, float) and isinstance(new, float):
        return old == new or (math.isnan(old) and math.isnan(new))
    return _same(old, new, of=same_value)


def _same(old: Any, new: Any, *, of: Callable[[Any, Any], bool]) -> bool:
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(of, old, new))
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(of(old[key], new[key]) for key in old)
    return type(old) is type(new) and old == new


BITS = Policy(same_bits)
EXACT = Policy(same_value)


def tolerant(
    pictures: Callable[[Any, Any], Difference],
    *,
    redrawn: Callable[[Any, Any], bool] | None = None,
    spreads: Mapping[str, Spread] | None = None,
    another_draw: bool = False,
) -> Policy:
    """The policy of a run against the accepted one; `pictures` says how like two figures are.

    A claim's margin may move: that the claim holds is checked elsewhere. The rest is as in
    `Policy`.
    """
    return Policy(
        same_value,
        within_tolerance=True,
        ignored=frozenset({"claim.margin"}),
        new="is new and not accepted",
        pictures=pictures,
        redrawn=redrawn,
        spreads=spreads or {},
        another_draw=another_draw,
    )


def compare(was: Any, now: Any, policy: Policy) -> Iterator[Difference]:
    """What differs between two records, in the order in which things cause one another.

    Code stands outside records, and an environment has no tolerance: see `compare_cells`,
    `compare_digests` and `press.check.reproduce`.
    """
    yield from compare_mappings("parameter", was.parameters, now.parameters, policy)
    for kind, part in (("data", "data"), ("result", "results"), ("claim", "claims")):
        yield from compare_named(kind, getattr(was, part), getattr(now, part), policy)
    if hasattr(was, "tables") and hasattr(now, "tables"):
        yield from compare_named("table", was.tables, now.tables, policy)
    if hasattr(was, "sentences") and hasattr(now, "sentences"):
        yield from _compare_sentences(was.sentences, now.sentences)
    yield from compare_named("figure", was.figures, now.figures, policy)


# -- code ------------------------------------------------------------------------------------------


def compare_cells(was: Sequence[str], now: Sequence[str]) -> Iterator[Difference]:
    """What differs between the code cells of two notebooks; places are counted from 1."""
    for change in text_changes(was, now):
        yield Difference("code", _told_of_cells(change, was, now))


def _told_of_cells(change: Change, was: Sequence[str], now: Sequence[str]) -> str:
    old, new = _places(change.was), _places(change.now)
    if change.how == "new":
        return f"code cell {new} is new: first line `{_first_line(now[change.now[0]])}`"
    if change.how == "gone":
        return f"code cell {old} is gone: its first line was `{_first_line(was[change.was[0]])}`"
    if change.how == "moved":
        return f"code cell {old} is now code cell {new}: `{_first_line(now[change.now[0]])}`"
    if change.how == "cut anew":
        of, into = ("cell" if len(at) == 1 else "cells" for at in (change.was, change.now))
        return f"the code of {of} {old} is now divided into {into} {new}"
    line = _first_other_line(was[change.was[0]], now[change.now[0]])
    return f"code cell {new} changed, from its line {line}"


def _places(places: Sequence[int]) -> str:
    first, last = places[0] + 1 if places else 0, places[-1] + 1 if places else 0
    return str(first) if first == last else f"{first} to {last}"


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")


def _first_other_line(old: str, new: str) -> str:
    was, now = old.splitlines(), new.splitlines()
    for number, (before, after) in enumerate(zip(was, now, strict=False), start=1):
        if before != after:
            return f"{number}: was `{before.strip()}`, is `{after.strip()}`"
    return f"{min(len(was), len(now)) + 1}: {len(was)} lines were there, {len(now)} are"


def compare_digests(
    kind: str, was: Mapping[str, str], now: Mapping[str, str | None]
) -> Iterator[Difference]:
    """Which files are not what they were; in `now`, None is no file and "" one that is unreadable.

    Only the files in `was` count: those are what the run read.
    """
    for path, digest in was.items():
        if now.get(path) is None:
            yield Difference(kind, f"{path} is gone")
        elif not now[path]:
            yield Difference(kind, f"{path} cannot be read")
        elif now[path] != digest:
            yield Difference(kind, f"{path} changed")


def other_arithmetic(was: Arithmetic | None, now: Arithmetic | None) -> str:
    """What computed otherwise, causes first, in one line; empty where nothing is known to have."""
    if was is None or now is None:
        return ""
    both = was.described(), now.described()
    return "; ".join(d.message for d in compare_mappings("", *both, EXACT, written=str))


# -- things with names -----------------------------------------------------------------------------


def compare_mappings(
    kind: str,
    was: Mapping[str, Any],
    now: Mapping[str, Any],
    policy: Policy,
    *,
    written: Callable[[Any], str] = repr,
) -> Iterator[Difference]:
    """Values by their names: which is new, gone or another; `written` puts a value into words."""
    for name in {**now, **was}:
        if name not in was:
            yield Difference(kind, f"{name} {policy.new}, {written(now[name])}")
        elif name not in now:
            yield Difference(kind, f"{name} is gone, was {written(was[name])}")
        elif not policy.same(was[name], now[name]):
            yield Difference(kind, f"{name} was {written(was[name])}, is {written(now[name])}")


def compare_named(
    kind: str, was: Sequence[Any], now: Sequence[Any], policy: Policy
) -> Iterator[Difference]:
    """Results, claims, figures, tables or data: one difference each, whatever in it differs."""
    pairs = named_pairs(
        was,
        now,
        name=lambda item: getattr(item, "text" if kind == "claim" else "name"),
        content=lambda item: repr(_content(kind, item, policy)),
        prose=kind == "claim",
    )
    for old, new in pairs:
        if new is None:
            message = f"{_label(kind, old)} is no longer {DONE.get(kind, 'drawn')}"
            yield Difference(kind, message)
        elif old is None:
            yield Difference(kind, f"{_label(kind, new)} {policy.new}")
        else:
            yield from _compare_pair(kind, old, new, policy)


def _compare_pair(kind: str, old: Any, new: Any, policy: Policy) -> Iterator[Difference]:
    clauses, pixels_only, drawn_again = [], False, False
    if _label(kind, old) != _label(kind, new):
        clauses.append(f"is now called {_label(kind, new)}")
    before, after = _content(kind, old, policy), _content(kind, new, policy)
    if kind == "result" and policy.within_tolerance:
        spread = policy.spreads.get(old.name)
        moved = drifts(old, new, spread)
        near = policy.another_draw and not beyond_draws(old, new, spread)
        drawn_again = bool(moved) and near and not clauses
        clauses += moved
        before = {field: value for field, value in before.items() if field not in MEASURED}
    for name, value in before.items():
        if name in after and not policy.same(value, after[name]):
            pixels_only = name == "pixels_sha256" and not clauses
            drawn_again = False
            clauses.append(_clause(kind, name, value, after[name]))
    if drawn_again:
        clauses[-1] += ", another draw may be as far off"
    if pixels_only and len(clauses) == 1 and policy.pictures and _as_many_frames(old, new):
        yield policy.pictures(old, new)
    elif clauses:
        between = " " if clauses[0].startswith(("was ", "is ", "had ")) else ": "
        digest_only = kind == "data" and len(clauses) == 1 and old.sha256 != new.sha256
        redrawn = digest_only and policy.redrawn is not None and policy.redrawn(old, new)
        message = f"{_label(kind, old)}{between}{', '.join(clauses)}"
        yield Difference(kind, message, "note" if redrawn or drawn_again else "error")


def _label(kind: str, item: Any) -> str:
    return repr(item.text) if kind == "claim" else item.name


def _content(kind: str, item: Any, policy: Policy) -> dict[str, Any]:
    wanted = [field for field in FIELDS[kind] if f"{kind}.{field}" not in policy.ignored]
    return {field: getattr(item, field) for field in wanted if hasattr(item, field)}


def _as_many_frames(old: Any, new: Any) -> bool:
    return len(old.pixels_sha256) == len(new.pixels_sha256)


def _clause(kind: str, field: str, old: Any, new: Any) -> str:
    """What differs in one field, as the end of a sentence that begins with the thing's name."""
    if field == "sha256":
        return f"was sha256 {old[:12]}..., is {new[:12]}..."
    if field == "pixels_sha256" and len(old) != len(new):
        return f"had {len(old)} frames, has {len(new)}"
    if field == "pixels_sha256":
        frames = [
            str(at) for at, pair in enumerate(zip(old, new, strict=True), 1) if len({*pair}) > 1
        ]
        return "its pixels differ" + (f" in frames {', '.join(frames)}" if len(old) > 1 else "")
    if field in ("alt", "caption"):
        return f"its {'alt text' if field == 'alt' else field} differs"
    if field == "rows":
        return _clause_of_rows(old, new)
    if field in MEASURED:
        return f"{MEASURED[field]}was {old!r}, is {new!r}"
    return f"its {field} was {old!r}, is {new!r}"


def _clause_of_rows(old: Sequence[Mapping], new: Sequence[Mapping]) -> str:
    """The one row that is new or gone, or the first cell of a table that differs."""
    written = [[repr(row) for row in rows] for rows in (old, new)]
    changes = text_changes(*written)
    more = f" ({len(changes)} rows differ)" if len(changes) > 1 else ""
    first = changes[0]
    if first.how == "changed":
        row, again = old[first.was[0]], new[first.now[0]]
        for column in {**row, **again}:
            if not same_bits(row.get(column), again.get(column)):
                where = f"row {first.now[0] + 1}, column {column!r}"
                return f"{where} was {row.get(column)!r}, is {again.get(column)!r}{more}"
    return f"row {(first.now or first.was)[0] + 1} {_HOW_ROWS[first.how]}{more}"


_HOW_ROWS = {
    "new": "is new",
    "gone": "is gone",
    "moved": "was moved",
    "changed": "has its columns in another order",
    "cut anew": "is divided otherwise",
}


def drifts(was: Any, now: Any, spread: Spread | None = None) -> list[str]:
    """How far a result, or an end of its interval, moved beyond the tolerance accepted for it.

    All three may move by as much as the value: ``|now - was| <= atol + rtol * |value|``, and by no
    more than half its standard deviation over seeds, where that is known.
    """
    unit = f" {was.unit}" if was.unit else ""
    tolerance = was.tolerance if spread is None else spread.at_most(was.tolerance)
    moved = [
        f"{MEASURED[end]}was {before:.10g}{unit}, is {after:.10g}{unit}"
        for end, before, after in _ends(was, now)
        if not abs(after - before) <= tolerance
    ]
    if moved:
        moved[-1] += f"; tolerance {tolerance:.3g}{unit}"
    if (was.low is None) != (now.low is None):
        moved.append(f"its interval was {_span(was)}, is {_span(now)}")
    return moved


def beyond_draws(was: Any, now: Any, spread: Spread | None) -> bool:
    """Whether a result, or an end of its interval, moved farther than from one seed to another.

    A share of n things that all seeds agree on may still move by one of them, and the ends of its
    interval by two: an exact interval's end moves by more than the share.
    """
    if spread is None or (was.low is None) != (now.low is None):
        return True
    one = _one_of_n(was, now)
    return any(
        not abs(after - before)
        <= max(was.atol, spread.between_draws(end), one if end == "value" else 2 * one)
        for end, before, after in _ends(was, now)
    )


def _one_of_n(was: Any, now: Any) -> float:
    """One n-th, and a little for rounding, where both values are shares of n things; else 0."""
    if not was.n or was.n != now.n:
        return 0.0
    counts = was.value * was.n, now.value * now.n
    whole = all(math.isfinite(each) and abs(each - round(each)) < 1e-6 for each in counts)
    return (1 + 1e-6) / was.n if whole else 0.0


def _ends(was: Any, now: Any) -> Iterator[tuple[str, float, float]]:
    """A result's value and the ends of its interval, where they moved: which, before, after."""
    for end in MEASURED:
        before, after = getattr(was, end), getattr(now, end)
        if before is not None and after is not None and not same_value(before, after):
            yield end, before, after


def _span(result: Any) -> str:
    return "none" if result.low is None else f"[{result.low:.10g}, {result.high:.10g}]"


# -- sentences -------------------------------------------------------------------------------------


def _compare_sentences(was: Sequence[str], now: Sequence[str]) -> Iterator[Difference]:
    for change in text_changes(was, now):
        old = "; ".join(was[place] for place in change.was)
        new = "; ".join(now[place] for place in change.now)
        if change.how == "new":
            message = f"{new!r} was not said"
        elif change.how == "gone":
            message = f"{old!r} is no longer said"
        elif change.how == "changed":
            message = f"was {old!r}, is {new!r}"
        else:
            message = f"{new!r} is said at another place"
        yield Difference("sentence", message)
