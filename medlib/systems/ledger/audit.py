"""What no longer agrees with a ledger: itself, environment, code, data or a metric."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from medlib.systems.ledger.canonical_json import canonical_json
from medlib.systems.ledger.chain import is_whole
from medlib.systems.ledger.entry import Entry
from medlib.systems.ledger.kinds import digest_of_file, digests_of_files, flat
from medlib.systems.ledger.ledger_file import read_ledger
from medlib.systems.ledger.lineage import lineage
from medlib.systems.ledger.signed_head import SignedHead, head_fault

__all__ = ["Audit", "Finding", "World", "audit"]

Part = Literal["ledger", "environment", "code", "data", "metric"]
_UPSTREAM_FIRST = ("ledger", "environment", "code", "data", "metric")


@dataclass(frozen=True)
class World:
    """The things of which a ledger speaks, as they are now. What is None is not checked.

    Attributes:
        data: folder that data and images lie in.
        code: root of the program.
        environment: as it would be described now.
        recompute: gives the value of a metric, from its entry and that of its run.
        heads: signed ends of the ledger, kept elsewhere.
        keys: public keys that are trusted, by `key_id`.
    """

    data: Path | None = None
    code: Path | None = None
    environment: Mapping[str, Any] | None = None
    recompute: Callable[[Entry, Entry], float] | None = None
    heads: Sequence[SignedHead] = ()
    keys: Mapping[str, Ed25519PublicKey] | None = None


@dataclass(frozen=True)
class Finding:
    """One thing that no longer agrees.

    Attributes:
        part: what it is of.
        path: of the file, part of the environment, or metric; or the place in the ledger.
        detail: what is wrong, in words.
        was, found: sha256 as written and as it is now; None where there is none.
        entry: index of the entry that speaks of it; None if the ledger itself is at fault.
        follows: whether something upstream of it is found as well, which may explain it.
    """

    part: Part
    path: str
    detail: str
    was: str | None = None
    found: str | None = None
    entry: int | None = None
    follows: bool = False


@dataclass(frozen=True)
class Audit:
    """The report.

    Attributes:
        findings: the most upstream first: ledger, environment, code, data, metric.
        checked: how many digests and numbers of each part were compared; of the ledger its entries,
            and under "signed ends" how many of those it was held against.
    """

    findings: tuple[Finding, ...]
    checked: Mapping[str, int]

    @property
    def agrees(self) -> bool:
        """Whether all that was checked is as written. What was not checked is in `checked`: 0."""
        return not self.findings

    @property
    def causes(self) -> tuple[Finding, ...]:
        """The findings that nothing upstream explains."""
        return tuple(finding for finding in self.findings if not finding.follows)


def audit(ledger: Path, world: World) -> Audit:
    """Hold a ledger against the things it speaks of; change nothing.

    Of each entry of kind data, images, code and environment, all files and parts are compared, the
    outputs of every run, and each metric is recomputed. A finding *follows* if its entry stands at
    or behind a broken link of the ledger, or if it is a metric and something behind it is found,
    however many runs away. An output that is another does not follow from a changed program: files
    do not change by themselves. Code that was added and is not in the ledger is found as well: it
    can shadow what is. A file that was added to the data is not, as no entry speaks of it. A link
    counts as what it points to by name, so that one in the place of a file is found.

    Args:
        ledger: its file.
        world: what to compare with.

    Raises:
        ValueError: there is no such file, or a folder of the world is none.
    """
    ledger = Path(ledger)
    if not ledger.is_file():
        raise ValueError(f"{ledger} is not a file")
    for folder in (world.data, world.code):
        if folder is not None and not folder.is_dir():
            raise ValueError(f"{folder} is not a folder")
    findings, entries, broken = _of_ledger(ledger, world)
    checked: dict[str, int] = dict.fromkeys((*_UPSTREAM_FIRST, "signed ends"), 0)
    checked["ledger"], checked["signed ends"] = len(entries), len(world.heads)
    for entry in entries:
        if not is_whole(entry):
            continue  # it is the break, or behind it: what it says is not what was written
        try:
            part, pairs = _pairs(entry, world)
        except (KeyError, TypeError, ValueError):
            detail = f"the body of an entry of kind {entry.kind!r} is not of that kind"
            findings.append(Finding("ledger", f"entry {entry.index}", detail))
            continue
        if part is None:
            continue
        checked[part] += len(pairs)
        findings += [
            Finding(
                part, path, _difference(was, now), was, now, entry.index,
                follows=entry.index >= broken,
            )
            for path, was, now in pairs
            if was != now
        ]  # fmt: skip
    metrics = [entry for entry in entries if entry.kind == "metric" and is_whole(entry)]
    if world.recompute is not None:
        checked["metric"] = len(metrics)
    for metric in metrics:
        findings += _of_metric(metric, entries, world, findings, broken)
    findings.sort(key=lambda finding: _UPSTREAM_FIRST.index(finding.part))  # stable: ledger's order
    return Audit(tuple(findings), checked)


def _of_ledger(ledger: Path, world: World) -> tuple[list[Finding], tuple[Entry, ...], int]:
    """Findings on the ledger itself; its entries; the index from which they are not to be trusted.

    One cause of each kind: a head that does not fit a chain already found broken follows from that.
    """
    try:
        contents = read_ledger(ledger)
    except ValueError as error:
        return [Finding("ledger", "line 1", str(error))], (), 0
    entries, findings, broken = contents.entries, [], len(contents.entries)
    if fault := contents.fault:
        path = f"entry {fault.position}: {fault.wrong}"
        findings.append(Finding("ledger", path, fault.detail, fault.was, fault.found))
        broken = fault.position
    if contents.torn:
        found = hashlib.sha256(contents.torn).hexdigest()
        detail = f"{len(contents.torn)} bytes behind the last line are no whole entry"
        findings.append(Finding("ledger", "end of the file: torn", detail, found=found))
    for head in world.heads:
        if wrong := head_fault(head, entries, keys=world.keys or {}):
            now = entries[head.index].digest if head.index < len(entries) else None
            findings.append(
                Finding(
                    "ledger", f"head of entry {head.index}: {wrong.wrong}", wrong.detail,
                    head.digest, now, follows=bool(findings),
                )
            )  # fmt: skip
            if wrong.wrong == "forked":
                broken = 0
    return findings, entries, broken


def _pairs(
    entry: Entry, world: World
) -> tuple[Part | None, list[tuple[str, str | None, str | None]]]:
    """What an entry speaks of: path, sha256 as written, sha256 as it is."""
    body = entry.body
    if entry.kind in ("data", "images") and world.data is not None:
        was = dict(body.get("files", {}))
        was |= {image["file"]: image["sha256"] for image in body.get("images", ())}
        now = {path: _digest_within(world.data, path) for path in was}
        return "data", _compared(was, now)
    if entry.kind == "run" and world.data is not None:
        was = dict(body.get("outputs", {}))
        return "data", _compared(was, {path: _digest_within(world.data, path) for path in was})
    if entry.kind == "code" and world.code is not None:
        was = dict(body["files"])
        suffixes = {Path(path).suffix for path in was}
        now = {
            path: digest
            for path, digest in digests_of_files(world.code).items()
            if path in was or (Path(path).suffix in suffixes and "__pycache__" not in path)
        }
        return "code", _compared(was, now)
    if entry.kind == "environment" and world.environment is not None:
        was, now = dict(body["parts"]), flat(world.environment)
        return "environment", _compared(_digests(was), _digests(now))
    return None, []


def _of_metric(
    metric: Entry,
    entries: Sequence[Entry],
    world: World,
    findings: Iterable[Finding],
    broken: int,
) -> list[Finding]:
    name = str(metric.body.get("name", metric.index))
    try:
        behind = lineage(entries, metric)
    except ValueError as error:
        is_broken = metric.index >= broken
        return [Finding("ledger", f"entry {metric.index}", str(error), follows=is_broken)]
    if world.recompute is None:
        return []
    damaged = metric.index >= broken
    try:
        found = world.recompute(metric, behind.run)
        was, now = _digest(metric.body["value"]), _digest(found)
    except Exception:
        if damaged:  # it was handed what somebody had altered; the chain has told so already
            return []
        raise
    if was == now:
        return []
    upstream = {entry.index for entry in behind.entries}
    finding = Finding(
        "metric", name, f"{metric.body['value']} was written; it is {found} now", was, now,
        metric.index,
    )  # fmt: skip
    follows = damaged or any(each.entry in upstream for each in findings)
    return [replace(finding, follows=follows)]


def _compared(
    was: Mapping[str, str], now: Mapping[str, str | None]
) -> list[tuple[str, str | None, str | None]]:
    return [(path, was.get(path), now.get(path)) for path in sorted(was.keys() | now.keys())]


def _difference(was: str | None, now: str | None) -> str:
    if was is None:
        return "was added: the ledger does not know it"
    return "is gone" if now is None else "is another"


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()


def _digests(parts: Mapping[str, Any]) -> dict[str, str]:
    return {path: _digest(value) for path, value in parts.items()}


def _digest_within(folder: Path, name: str) -> str | None:
    """sha256 of a file of the folder; a ledger is not to name files outside of it."""
    path = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        return None
    if any(part.is_symlink() for part in path.parents if part != folder and folder in part.parents):
        return None  # the way to it leads through a link, which may go anywhere
    return digest_of_file(path)
