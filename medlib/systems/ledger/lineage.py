"""What is behind a metric: its run, all that this rests on, and what is behind that in turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from medlib.systems.ledger.entry import Entry

__all__ = ["Lineage", "lineage", "metrics_from"]


@dataclass(frozen=True)
class Lineage:
    """A metric and everything that it rests on, however many runs away.

    Attributes:
        metric: its entry.
        run: the entry of its run.
        rests_on: the entries that this run names, by the name that it gives them.
        behind: all entries behind the metric, in the order of the ledger: those that its run names,
            those that runs among them name, and the runs that made files among them.
    """

    metric: Entry
    run: Entry
    rests_on: dict[str, Entry]
    behind: tuple[Entry, ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The metric and all that is behind it, in the order of the ledger."""
        return (*self.behind, self.metric)

    @property
    def instance_uids(self) -> tuple[str, ...]:
        """SOP instance UIDs of all images behind the metric, each once, in the ledger's order."""
        images = (
            image["instance_uid"]
            for entry in self.entries
            if entry.kind == "images"
            for image in entry.body["images"]
        )
        return tuple(dict.fromkeys(images))


def lineage(entries: Sequence[Entry], metric: Entry) -> Lineage:
    """Follow a metric's digests back through the ledger, through every run on the way.

    A run may rest on another run. A file that an earlier run names among its outputs leads to that
    run as well, whether or not anybody wrote so. What links the two is the digest: two runs that
    left the same bytes are both behind it.

    Args:
        entries: of the ledger; whether their chain is whole is for `chain` to say.
        metric: one of them, of kind "metric".

    Raises:
        ValueError: it is no metric, or names an entry that does not stand before it.

    Example:
        >>> from medlib.systems.ledger.entry import entry_after
        >>> from medlib.systems.ledger.kinds import data_draft, metric_draft, run_draft
        >>> noon = "2024-05-03T12:00:00Z"
        >>> data = entry_after(None, data_draft({"a.npy": "0" * 64}), time=noon)
        >>> draft = run_draft(name="fit", parameters={}, rests_on={"data": data.digest})
        >>> run = entry_after(data, draft, time=noon)
        >>> draft = metric_draft(name="auc", value=0.9, unit="AUC", run=run.digest)
        >>> metric = entry_after(run, draft, time=noon)
        >>> [entry.kind for entry in lineage([data, run, metric], metric).entries]
        ['data', 'run', 'metric']
    """
    if metric.kind != "metric":
        raise ValueError(f"entry {metric.index} is of kind {metric.kind!r}, not a metric")
    before = {entry.digest: entry for entry in entries if entry.index < metric.index}
    run = before.get(metric.body.get("run", ""))
    if run is None or run.kind != "run":
        raise ValueError(f"metric {metric.index} names a run that does not stand before it")
    found = {run.index: run}
    waiting = [run]
    while waiting:
        for entry in _behind(waiting.pop(), before):
            if entry.index not in found:
                found[entry.index] = entry
                waiting.append(entry)
    behind = tuple(found[index] for index in sorted(found))
    return Lineage(metric, run, _named_by(run, before), behind)


def metrics_from(entries: Sequence[Entry], instance_uid: str) -> tuple[Entry, ...]:
    """The metrics that an image went into, however many runs away.

    They are what to do again when the image must be withdrawn.

    Args:
        entries: of the ledger.
        instance_uid: SOP instance UID of the image, as in the ledger.

    Raises:
        ValueError: a metric names an entry that does not stand before it.
    """
    return tuple(
        entry
        for entry in entries
        if entry.kind == "metric" and instance_uid in lineage(entries, entry).instance_uids
    )


def _behind(entry: Entry, before: dict[str, Entry]) -> Iterator[Entry]:
    """What is one step behind an entry."""
    if entry.kind == "run":
        yield from _named_by(entry, before).values()
    files = set(dict(entry.body.get("files", {})).values())
    files |= {image["sha256"] for image in entry.body.get("images", ())}
    if entry.kind in ("data", "images") and files:
        for other in before.values():
            if other.kind == "run" and files & set(dict(other.body.get("outputs", {})).values()):
                yield other


def _named_by(run: Entry, before: dict[str, Entry]) -> dict[str, Entry]:
    """The entries that a run says it rests on."""
    named = {}
    for name, digest in run.body.get("rests_on", {}).items():
        entry = before.get(digest)
        if entry is None or entry.index > run.index:
            raise ValueError(f"run {run.index} names {name!r}, which does not stand before it")
        named[name] = entry
    return named
