"""Which steps of a study were done: as a ledger says, and as the files still bear out.

The ledger's chain shows a line that was changed alone. Who may write the whole file can write a new
chain, or cut its end: its last digest is neither signed nor kept elsewhere here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medlib.systems.deidentification.pseudonyms import keyed_digest
from medlib.systems.ledger.entry import Draft, Entry
from medlib.systems.ledger.kinds import digests_of_files
from medlib.systems.ledger.ledger_file import append, read_ledger

__all__ = ["Journal", "entries_of"]


class Journal:
    """One attempt at a study, in a ledger: all steps for one set of images that arrived.

    When other images have come since, a new attempt begins; an earlier one stays as it was. Thus a
    study that came by halves is refused once, and not for good.

    Args:
        ledger: its file; made with the first entry.
        study: the name under which the study stands in it: a keyed one, for the ledger is shown.
        arrival: digest of what there is of the study now; None = whatever came last.
        key: for digests of files that are not to be known again by who holds the archive.
        hidden: steps whose files get such digests.

    Attributes:
        attempt: its number, from 1.
        arrival: of the attempt.
        earlier: how many attempts there are besides.

    Raises:
        ValueError: the ledger's chain is broken, or a step of an attempt stands in it twice.
    """

    def __init__(
        self,
        ledger: Path,
        study: str,
        *,
        arrival: str | None = None,
        key: bytes = b"",
        hidden: Sequence[str] = (),
    ) -> None:
        self.ledger, self.study, self.key, self.hidden = Path(ledger), study, key, tuple(hidden)
        attempts: dict[int, dict[str, Entry]] = {}
        came: dict[int, str | None] = {}
        for entry in entries_of(self.ledger, study):
            step, number = entry.body["step"], entry.body["attempt"]
            done = attempts.setdefault(number, {})
            if step in done:
                raise ValueError(f"step {step!r} of {study} stands in it twice")
            done[step] = entry
            came[number] = came.get(number) or entry.body["found"].get("arrival")
        alike = [number for number, what in came.items() if arrival is None or what == arrival]
        self.attempt = max(alike, default=len(attempts) + 1)
        self.arrival = came.get(self.attempt) if arrival is None else arrival
        self.earlier = len(attempts.keys() - {self.attempt})
        self._done = attempts.get(self.attempt, {})

    def entry(self, step: str) -> Entry | None:
        """What the ledger says of a step; None if it was not done."""
        return self._done.get(step)

    def is_intact(self, step: str, folder: Path) -> bool:
        """Whether the step was done, and its files are as it left them."""
        entry = self._done.get(step)
        if entry is None or not folder.is_dir():
            return False
        return self._digests(step, folder) == dict(entry.body["files"])

    def write(self, step: str, *, folder: Path, found: Mapping[str, Any], time: str) -> Entry:
        """Say that a step was done; on return it is on the disk.

        A step that stands there already is not written again: what it left must be the same.

        Raises:
            ValueError: it was done before and left something else.
        """
        body = {
            "study": self.study, "attempt": self.attempt, "step": step,
            "files": self._digests(step, folder), "found": dict(found),
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

    def _digests(self, step: str, folder: Path) -> dict[str, str]:
        """SHA-256 of the files; of hidden steps a keyed digest of it: who has the file sees no
        more in the ledger than who has not."""
        found = digests_of_files(folder)
        if step not in self.hidden:
            return found
        return {name: keyed_digest(self.key, "file", one).hex() for name, one in found.items()}


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
