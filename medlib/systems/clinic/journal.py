"""Which steps of a study were done: as a ledger says, and as the files still bear out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medlib.systems.ledger.entry import Draft, Entry
from medlib.systems.ledger.kinds import digests_of_files
from medlib.systems.ledger.ledger_file import append, read_ledger

__all__ = ["Journal", "entries_of"]


class Journal:
    """A study's part of a ledger.

    Args:
        ledger: its file; made with the first entry.
        study: the name under which the study stands in it: a keyed one, for the ledger is shown.

    Raises:
        ValueError: the ledger's chain is broken, or a step of the study stands in it twice.
    """

    def __init__(self, ledger: Path, study: str) -> None:
        self.ledger, self.study = Path(ledger), study
        self._done: dict[str, Entry] = {}
        for entry in entries_of(self.ledger, study):
            if entry.body["step"] in self._done:
                raise ValueError(f"step {entry.body['step']!r} of {study} stands in it twice")
            self._done[entry.body["step"]] = entry

    def entry(self, step: str) -> Entry | None:
        """What the ledger says of a step; None if it was not done."""
        return self._done.get(step)

    def is_intact(self, step: str, folder: Path) -> bool:
        """Whether the step was done, and its files are as it left them."""
        entry = self._done.get(step)
        if entry is None or not folder.is_dir():
            return False
        return digests_of_files(folder) == dict(entry.body["files"])

    def write(self, step: str, *, folder: Path, found: Mapping[str, Any], time: str) -> Entry:
        """Say that a step was done; on return it is on the disk.

        A step that stands there already is not written again: what it left must be the same.

        Raises:
            ValueError: it was done before and left something else.
        """
        body = {
            "study": self.study, "step": step, "files": digests_of_files(folder),
            "found": dict(found),
        }  # fmt: skip
        if known := self._done.get(step):
            if dict(known.body["files"]) != body["files"]:
                raise ValueError(
                    f"step {step!r} was done before and left other files; something that it rests"
                    " on has changed, or it is not the same in every run"
                )
            return known
        entry = append(self.ledger, [Draft("step", body)], time=time).entries[0]
        self._done[step] = entry
        return entry


def entries_of(ledger: Path, study: str | None = None) -> list[Entry]:
    """Entries of kind "step" in a ledger, of one study or of all; none if there is no file.

    Raises:
        ValueError: the chain is broken.
    """
    if not Path(ledger).exists():
        return []
    contents = read_ledger(ledger)
    if contents.fault:
        raise ValueError(f"the ledger's chain is broken: {contents.fault.detail}")
    return [
        entry
        for entry in contents.entries
        if entry.kind == "step" and study in (None, entry.body["study"])
    ]
