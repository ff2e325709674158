"""What is behind a metric: its run, and the code, environment, data and images of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medlib.systems.ledger.entry import Entry

__all__ = ["Lineage", "lineage", "metrics_from"]


@dataclass(frozen=True)
class Lineage:
    """A metric and everything that it rests on.

    Attributes:
        metric: its entry.
        run: the entry of its run.
        rests_on: the entries that the run names, by the name that it gives them.
    """

    metric: Entry
    run: Entry
    rests_on: dict[str, Entry]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All of them, in the order of the ledger."""
        return tuple(
            sorted({e.index: e for e in (self.metric, self.run, *self.rests_on.values())}.values(),
                   key=lambda entry: entry.index)
        )  # fmt: skip

    @property
    def instance_uids(self) -> tuple[str, ...]:
        """SOP instance UIDs of all images behind the metric, in the order of the ledger."""
        return tuple(
            image["instance_uid"]
            for entry in self.entries
            if entry.kind == "images"
            for image in entry.body["images"]
        )


def lineage(entries: Sequence[Entry], metric: Entry) -> Lineage:
    """Follow a metric's digests back through the ledger.

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
    rests_on = {}
    for name, digest in run.body.get("rests_on", {}).items():
        entry = before.get(digest)
        if entry is None or entry.index > run.index:
            raise ValueError(f"run {run.index} names {name!r}, which does not stand before it")
        rests_on[name] = entry
    return Lineage(metric, run, rests_on)


def metrics_from(entries: Sequence[Entry], instance_uid: str) -> tuple[Entry, ...]:
    """The metrics that an image went into: what to do again when it must be withdrawn.

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
