"""Whether entries form one chain; if not, the first broken link and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from medlib.systems.ledger.entry import FIRST, Entry, digest_of

__all__ = ["Fault", "Wrong", "first_fault", "is_whole"]

Wrong = Literal[
    "content changed",
    "reordered",
    "removed",
    "inserted",
    "wrong previous",
    "wrong index",
    "unreadable",
]


@dataclass(frozen=True)
class Fault:
    """Where a chain breaks.

    Attributes:
        position: of the first entry that does not fit, from 0; what stands before it does.
        wrong: what is wrong. Of a rewritten history only "wrong previous" is sure; "reordered",
            "removed" and "inserted" are the simplest story that fits all entries.
        detail: the same in a sentence.
        was, found: the digest that the entry holds and the one that is there now, if it is of use.
    """

    position: int
    wrong: Wrong
    detail: str
    was: str | None = None
    found: str | None = None


def is_whole(entry: Entry) -> bool:
    """Whether an entry's digest is that of what it says."""
    return entry.digest == _recomputed(entry)


def first_fault(entries: Sequence[Entry]) -> Fault | None:
    r"""The first broken link of a chain; None if every entry is whole and in its place.

    Entry i must have index i, :math:`d_{i-1}` as previous, and its own :math:`d_i`. Entries cut off
    at the end leave a shorter chain without a fault: only a signed head finds that.

    Args:
        entries: in the order in which they stand.

    Example:
        >>> from medlib.systems.ledger.entry import Draft, entry_after
        >>> chain = [entry_after(None, Draft("note", {}), time="2024-05-03T10:00:00Z")]
        >>> for n in range(3):
        ...     chain.append(entry_after(chain[-1], Draft("note", {"n": n}), time=chain[0].time))
        >>> first_fault(chain) is None
        True
        >>> fault = first_fault([chain[0], chain[2], chain[1], chain[3]])
        >>> fault.position, fault.wrong
        (1, 'reordered')

    The chain is that of Haber and Stornetta 1991, doi:10.1007/BF00196791.
    """
    previous = FIRST
    for position, entry in enumerate(entries):
        if entry.index != position or entry.previous != previous or not is_whole(entry):
            return _named(entries, position, previous)
        previous = entry.digest
    return None


def _named(entries: Sequence[Entry], position: int, previous: str) -> Fault:
    """What is wrong with the first entry that does not fit."""
    entry, rest = entries[position], entries[position + 1 :]
    own = _recomputed(entry)
    if own != entry.digest:
        return Fault(
            position,
            "content changed",
            f"entry {position} has the digest {entry.digest[:12]}... but what it says has "
            f"{own[:12]}...",
            was=entry.digest,
            found=own,
        )
    if entry.digest in {earlier.digest for earlier in entries[:position]}:
        return Fault(position, "inserted", f"entry {position} is a copy of an earlier one")
    if entry.previous == previous:
        return Fault(
            position,
            "wrong index",
            f"entry {position} follows the one before it but calls itself {entry.index}",
        )
    if position and (entry.index, entry.previous) == _place(entries[position - 1]):
        return Fault(
            position,
            "inserted",
            f"entries {position - 1} and {position} both claim the place {entry.index}: one of them"
            " was inserted",
        )
    fits, digests = (position, previous), {later.digest for later in rest}
    stranger = entry.previous not in digests  # else it was only moved up
    if stranger and rest and _place(rest[0]) == fits and is_whole(rest[0]):
        return Fault(
            position,
            "inserted",
            f"without entry {position}, the next one would follow the one before",
        )
    if any(_place(later) == fits and is_whole(later) for later in rest):
        return Fault(position, "reordered", f"what belongs in place {position} stands further down")
    if entry.index > position:
        gone = entry.index - position
        return Fault(
            position,
            "removed",
            f"place {position} holds the entry of place {entry.index}: {gone} before it"
            f" {'is' if gone == 1 else 'are'} missing",
        )
    return Fault(
        position,
        "wrong previous",
        f"entry {position} follows {entry.previous[:12]}..., not the {previous[:12]}... that stands"
        " before it: an earlier entry was rewritten, or this one is of another chain",
        was=entry.previous,
        found=previous,
    )


def _recomputed(entry: Entry) -> str:
    return digest_of(
        index=entry.index,
        time=entry.time,
        kind=entry.kind,
        body=entry.body,
        previous=entry.previous,
    )


def _place(entry: Entry) -> tuple[int, str]:
    return entry.index, entry.previous
