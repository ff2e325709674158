"""Which items of two lists belong together: by their names, else by what they hold.

Compared by place, one thing put in at the top makes everything after it differ. Aligned, it makes
one difference: that one thing is new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal, TypeVar

T = TypeVar("T")
ALIKE = 0.6  # share of characters in common from which two texts count as one that was edited


@dataclass(frozen=True)
class Change:
    """What happened to texts of a list: how, and at which places (from 0) they were and are.

    "cut anew" says that the same text is divided otherwise: one cell split in two, or two joined.
    """

    how: Literal["new", "gone", "changed", "moved", "cut anew"]
    was: tuple[int, ...]
    now: tuple[int, ...]


def text_changes(was: Sequence[str], now: Sequence[str]) -> list[Change]:
    """The fewest changes that lead from the texts `was` to the texts `now`, in their order.

    >>> text_changes(["a = 1", "b = 2"], ["a = 1", "import os", "b = 2"])
    [Change(how='new', was=(), now=(1,))]
    >>> text_changes(["a = 1", "b = 2", "c = 3"], ["b = 2", "c = 3", "a = 1"])
    [Change(how='moved', was=(0,), now=(2,))]
    """
    found: list[Change] = []
    gone: list[int] = []
    new: list[int] = []
    matcher = SequenceMatcher(None, was, now, autojunk=False)
    for how, first, last, start, stop in matcher.get_opcodes():
        if how == "equal":
            continue
        before, after = range(first, last), range(start, stop)
        if before and after and _squeezed(was, before) == _squeezed(now, after):
            found.append(Change("cut anew", tuple(before), tuple(after)))
            continue
        pairs = list(_likely_pairs(was, before, now, after))
        found += [Change("changed", (old,), (at,)) for old, at in pairs]
        gone += [old for old in before if old not in {pair[0] for pair in pairs}]
        new += [at for at in after if at not in {pair[1] for pair in pairs}]
    for old in list(gone):
        at = next((at for at in new if was[old] == now[at]), None)
        if at is not None:
            gone.remove(old)
            new.remove(at)
            found.append(Change("moved", (old,), (at,)))
    found += [Change("gone", (old,), ()) for old in gone]
    found += [Change("new", (), (at,)) for at in new]
    return sorted(found, key=lambda change: (change.now or change.was, change.was))


def _squeezed(texts: Sequence[str], places: Sequence[int]) -> list[str]:
    lines = "\n".join(texts[place] for place in places).splitlines()
    return [line.rstrip() for line in lines if line.strip()]


def _likely_pairs(
    was: Sequence[str], before: Sequence[int], now: Sequence[str], after: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Which of the texts that stood here became which: the most alike, then those left in order.

    A text that stands elsewhere unchanged was moved, and is no other text's new wording.
    """
    olds = [old for old in before if was[old] not in now]
    news = [at for at in after if now[at] not in was]
    scores = sorted((likeness(was[old], now[at]), -old, -at) for old in olds for at in news)
    for score, old, at in reversed(scores):
        if score >= ALIKE and -old in olds and -at in news:
            olds.remove(-old)
            news.remove(-at)
            yield -old, -at
    yield from zip(olds, news, strict=False)


def likeness(one: str, other: str) -> float:
    """The share of characters that two texts have in common and in one order, 0 to 1."""
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def named_pairs(
    was: Sequence[T],
    now: Sequence[T],
    *,
    name: Callable[[T], str],
    content: Callable[[T], Any],
    prose: bool = False,
) -> Iterator[tuple[T | None, T | None]]:
    """The items that belong together, in the order of `now`, those that are gone first.

    Items of one name belong together. One that is gone and one that is new belong together as well
    where their contents are equal (it was renamed), or, where names are `prose`, most alike.
    """
    olds = {name(item): item for item in was}
    news = {name(item): item for item in now}
    gone = [item for key, item in olds.items() if key not in news]
    became: dict[str, T] = {}
    for key, item in news.items():
        if key in olds:
            became[key] = olds[key]
        elif old := _ancestor(item, gone, name=name, content=content, prose=prose):
            gone.remove(old)
            became[key] = old
    yield from ((item, None) for item in gone)
    yield from ((became.get(key), item) for key, item in news.items())


def _ancestor(
    item: T,
    gone: Sequence[T],
    *,
    name: Callable[[T], str],
    content: Callable[[T], Any],
    prose: bool,
) -> T | None:
    same = [old for old in gone if content(old) == content(item)]
    if prose:
        same.sort(key=lambda old: -likeness(name(old), name(item)))
    if same or not prose:
        return same[0] if same else None
    alike = [(likeness(name(old), name(item)), -place) for place, old in enumerate(gone)]
    score, place = max(alike, default=(0.0, 0))
    return gone[-place] if score >= ALIKE else None
