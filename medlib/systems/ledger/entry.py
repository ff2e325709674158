"""One entry of a ledger: what was done, tied by digests to all that was written before."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from medlib.systems.ledger.canonical_json import canonical_json, read_canonical_json

__all__ = ["FIRST", "Draft", "Entry", "digest_of", "entry_after", "from_line", "to_line"]

FIRST = "0" * 64  # what the first entry has in the place of a previous digest
DIGEST = re.compile(r"[0-9a-f]{64}")
_DOMAIN = b"pixels-to-patients ledger entry v1\n"  # no other use of SHA-256 gives this digest
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_FIELDS = {"index": int, "time": str, "kind": str, "body": dict, "previous": str, "digest": str}


@dataclass(frozen=True)
class Draft:
    """What is to be written: an entry without a place.

    Attributes:
        kind: what the body speaks of.
        body: a JSON mapping.
    """

    kind: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """One line of a ledger. Whether its digest is right is for `chain` to say.

    Attributes:
        index: its place, from 0.
        time: when, as whoever wrote it had it: RFC 3339 in UTC. Not checked against any clock, and
            not in order where writers' clocks differ; the order is the chain's.
        kind: what the body speaks of.
        body: a JSON mapping; frozen, to all depths.
        previous: digest of the entry before, or `FIRST`.
        digest: `digest_of` the other five.
    """

    index: int
    time: str
    kind: str
    body: Mapping[str, Any]
    previous: str
    digest: str

    def __post_init__(self) -> None:
        if self.index < 0:
            raise ValueError(f"index is {self.index}; places count from 0")
        if not self.kind:
            raise ValueError("kind is empty; say in a word what the entry speaks of")
        for name in ("previous", "digest"):
            value = getattr(self, name)
            if not DIGEST.fullmatch(value):
                raise ValueError(f"{name} is {value!r}; it must be 64 small hexadecimal digits")
        _check_time(self.time)
        # read back from its text, so that an entry equals the one that a file gives
        object.__setattr__(self, "body", _frozen(read_canonical_json(canonical_json(self.body))))


def digest_of(*, index: int, time: str, kind: str, body: Mapping[str, Any], previous: str) -> str:
    r"""The digest of an entry,
    :math:`d_i = \mathrm{SHA256}(\mathit{domain} \,\|\, \mathrm{JCS}(i, t, k, b, d_{i-1}))`.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> noon = "2024-05-03T12:00:00Z"
        >>> digest_of(index=0, time=noon, kind="note", body={}, previous=FIRST)[:8]
        'f34ed5c8'
    """
    said = {"index": index, "time": time, "kind": kind, "body": body, "previous": previous}
    return hashlib.sha256(_DOMAIN + canonical_json(said)).hexdigest()


def entry_after(last: Entry | None, draft: Draft, *, time: str) -> Entry:
    """The entry that puts a draft behind the last one.

    Args:
        last: the entry before; None for the first of a ledger.
        draft: what it says.
        time: RFC 3339 in UTC, such as "2024-05-03T10:00:00Z"; no clock is read here.

    Raises:
        ValueError: a time of another form, a body that JSON cannot hold, an empty kind.

    Example:
        >>> first = entry_after(None, Draft("note", {"text": "begun"}), time="2024-05-03T10:00:00Z")
        >>> second = entry_after(first, Draft("note", {}), time="2024-05-03T10:00:01Z")
        >>> second.index, second.previous == first.digest
        (1, True)
    """
    said = {
        "index": 0 if last is None else last.index + 1,
        "time": time,
        "kind": draft.kind,
        "body": draft.body,
        "previous": FIRST if last is None else last.digest,
    }
    return Entry(**said, digest=digest_of(**said))


def to_line(entry: Entry) -> bytes:
    """The entry as one line of canonical JSON, with its line break."""
    return canonical_json({name: getattr(entry, name) for name in _FIELDS}) + b"\n"


def from_line(line: bytes) -> Entry:
    """The entry that a line holds, with or without its line break.

    Raises:
        ValueError: no canonical JSON, or not the six fields of an entry.

    Example:
        >>> entry = entry_after(None, Draft("note", {"n": 1}), time="2024-05-03T10:00:00Z")
        >>> from_line(to_line(entry)) == entry
        True
    """
    said = read_canonical_json(line.removesuffix(b"\n"))
    if not isinstance(said, dict) or {name: type(part) for name, part in said.items()} != _FIELDS:
        wanted = ", ".join(f"{name} ({kind.__name__})" for name, kind in _FIELDS.items())
        raise ValueError(f"a line of a ledger has these fields and no others: {wanted}")
    return Entry(**said)


def _check_time(time: str) -> None:
    if not _TIME.fullmatch(time):
        raise ValueError(f"time is {time!r}; write it in UTC, as 2024-05-03T10:00:00Z")
    try:
        datetime.fromisoformat(time)
    except ValueError as error:
        raise ValueError(f"time is {time!r}: {error}") from None


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({key: _frozen(inner) for key, inner in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
