"""The ten steps of a study: what each needs, what files it leaves, and what it found.

A step knows nothing of kills and of order: `pipeline` calls it with an empty folder, and keeps it
if it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset, dcmread, dcmwrite

from medlib.systems.clinic.department import Department
from medlib.systems.clinic.dicom_validation import validate
from medlib.systems.clinic.intake import Intake, take_in
from medlib.systems.clinic.journal import Journal
from medlib.systems.clinic.own_uids import Stamp, digest_of_set, shift_of
from medlib.systems.clinic.report_template import faults_of_template, read_report
from medlib.systems.clinic.segmentation_object import mask_of, segmentation_object
from medlib.systems.clinic.server_or_files import digest_of_dataset
from medlib.systems.clinic.structured_report import measure, structured_report
from medlib.systems.deidentification.deidentify import deidentify

__all__ = ["STEPS", "WITH_IDENTITY", "Steps"]

STEPS = (
    "receive", "check", "deidentify", "gate", "segment", "classify", "explain", "write", "store",
    "read back",
)  # fmt: skip
WITH_IDENTITY = ("receive", "check")
"""Steps whose files say who the patient is; they are deleted at the end."""
_READING = ("gate", "segment", "classify", "explain", "write")
"""Steps that ask the networks, or write down what they said and who said it."""


class Steps:
    """One study's steps, each a method of its name (with `_` for a blank).

    Each takes an empty folder for its files, and returns what it found: a mapping that the ledger
    keeps. `reasons` and `refused` in it end the study's way.

    Args:
        of: whose archives, rules, readers and key are used.
        study: UID in the inbox.
        name: UID after de-identification.
        home: folder that holds one folder a step done.
        journal: of the study.
    """

    def __init__(
        self, of: Department, study: str, *, name: str, home: Path, journal: Journal
    ) -> None:
        self.of, self.study, self.name = of, study, name
        self.home, self.journal = home, journal

    def do(self, step: str, folder: Path) -> dict[str, Any]:
        """Do one of `STEPS`.

        Raises:
            ValueError: an unknown step, one whose study is not there or came back changed, or one
                of the networks' where others stand ready than those that did the steps before.
        """
        if step not in STEPS:
            raise ValueError(f"step is {step!r}; one of {', '.join(STEPS)}")
        if step in _READING:
            self._as_before(step)
        return getattr(self, step.replace(" ", "_"))(folder)

    def _as_before(self, step: str) -> None:
        """Two networks do not share a report: what was done says by which version (`by`)."""
        for earlier in _READING:
            entry = self.journal.entry(earlier)
            by = list(entry.body["found"].get("by", self.by)) if entry else self.by
            if by != self.by:
                raise ValueError(
                    f"step {earlier!r} was done by {' '.join(by)}, and {' '.join(self.by)} stands"
                    f" ready for {step!r}: networks, level or threshold were replaced in between."
                    " Put the earlier ones back, or let a human decide what becomes of this study"
                )

    @property
    def stamp(self) -> Stamp:
        arrived = datetime.fromisoformat(self.journal.entry("receive").time)
        return Stamp(self.of.key, f"{self.name} {self.journal.arrival}", arrived)

    def moved(self, time: str) -> str:
        """A time of the hospital's clock, as ledger and objects have it: in the patient's past."""
        first = dcmread(min((self.home / "receive").glob("*.dcm")), stop_before_pixels=True)
        shift = shift_of(str(first.get("PatientID", "") or ""), key=self.of.key)
        when = datetime.fromisoformat(time).astimezone(UTC) - shift
        return when.strftime("%Y-%m-%dT%H:%M:%SZ")

    def receive(self, folder: Path) -> dict[str, Any]:
        if not self.of.inbox.instances(self.study):
            raise ValueError("the study is not in the inbox")
        images = self.of.inbox.fetch(self.study)
        arrival = digest_of_set((str(one.SOPInstanceUID) for one in images), key=self.of.key)
        if arrival != self.journal.arrival:
            raise ValueError("images came or went while the study was fetched: run it again")
        _write(folder, images)
        return {"images": len(images), "from": self.of.inbox.kind, "arrival": arrival}

    def check(self, folder: Path) -> dict[str, Any]:
        taken = take_in(_read(self.home / "receive"), rules=self.of.rules)
        _write(folder, taken.images)
        reasons = [[one.fault, one.done, one.text] for one in taken.reasons]
        return {"reasons": reasons, "refused": bool(taken.refused), "images": len(taken.images)}

    def deidentify(self, folder: Path) -> dict[str, Any]:
        try:
            done = [
                deidentify(one, key=self.of.key, options=self.of.options)
                for one in _read(self.home / "check")
            ]
        except ValueError as error:
            text = str(error).removeprefix("refused: ")
            return {"reasons": [["identity", "refused", text]], "refused": True}
        _write(folder, [one.dataset for one in done])
        return {"images": len(done), "actions": sum(len(one.actions) for one in done)}

    def gate(self, folder: Path) -> dict[str, Any]:
        score, p = self.of.readers.novelty(self.images.volume)
        found: dict[str, Any] = {
            "score": float(score),
            "p": float(p),
            "level": self.of.readers.level,
            "by": self.by,
        }
        if p <= self.of.readers.level:
            text = f"as few as {p:.3f} of known studies are as unusual: not read"
            found |= {"reasons": [["out of distribution", "refused", text]], "refused": True}
        return found

    def segment(self, folder: Path) -> dict[str, Any]:
        mask = np.asarray(self.of.readers.mask(self.images.volume), dtype=bool)
        np.save(folder / "mask.npy", mask)
        return {"voxels": int(mask.sum()), "by": self.by}

    def classify(self, folder: Path) -> dict[str, Any]:
        return {
            "probability": float(self.of.readers.probability(self.images.volume)),
            "by": self.by,
        }

    def explain(self, folder: Path) -> dict[str, Any]:
        evidence = np.asarray(self.of.readers.evidence(self.images.volume), dtype=np.float32)
        np.save(folder / "evidence.npy", evidence)
        mask = np.load(self.home / "segment" / "mask.npy")
        peak = np.unravel_index(int(evidence.argmax()), evidence.shape)
        return {
            "peak": [int(x) for x in peak],
            "peak_is_marked": bool(mask[peak]),
            "contributions": self.of.readers.contributions(self.images.volume),
            "by": self.by,
        }

    def write(self, folder: Path) -> dict[str, Any]:
        images, stamp, readers = self.images, self.stamp, self.of.readers
        mask, probability = self.reported, self.probability
        explained = self.journal.entry("explain").body["found"]
        measured = measure(mask, spacing_mm=images.spacing_mm, probability=probability)
        by = (readers.name, readers.version)
        mask_object = segmentation_object(
            images.images, mask, step_mm=images.spacing_mm[0], stamp=stamp, algorithm=by
        )
        report = structured_report(
            images.images, mask_object, measured, stamp=stamp, algorithm=by,
            threshold=readers.threshold,
            rests_on=explained["peak"][0], contributions=explained["contributions"],
        )  # fmt: skip
        _write(folder, [mask_object, report])
        checked = [validate(path) for path in sorted(folder.iterdir())]
        wrong = [line for one in checked for line in one.errors] + faults_of_template(report)
        return {
            "validated": [one.in_words for one in checked],
            "withheld": self.journal.entry("segment").body["found"]["voxels"] - int(mask.sum()),
            "reasons": [["invalid object", "refused", line] for line in wrong],
            "refused": bool(wrong),
        }

    def store(self, folder: Path) -> dict[str, Any]:
        whole = self.results()
        for part in (whole[: len(whole) // 2], whole[len(whole) // 2 :]):
            self.of.outbox.store(part)
            if part is not whole and part[0] is whole[0]:
                self.of.pause("store", "half")
        return {"objects": len(whole), "to": self.of.outbox.kind}

    def read_back(self, folder: Path) -> dict[str, Any]:
        """Compare what the archive gives with what was sent, and read it as a stranger would.

        What an archive has lost since is stored once more: it is the same to the bit.
        """
        sent = {str(one.SOPInstanceUID): digest_of_dataset(one) for one in self.results()}
        if sent.keys() - set(self.of.outbox.instances(self.name)):
            self.of.outbox.store(self.results())
        back = self.of.outbox.fetch(self.name)
        there = {str(one.SOPInstanceUID): digest_of_dataset(one) for one in back}
        more = 0 if self.journal.earlier else len(there.keys() - sent.keys())
        if more or not sent.items() <= there.items():
            raise ValueError(
                f"{len(sent)} objects were sent, {len(there)} are there,"
                f" {len(sent.items() & there.items())} of them as they were sent"
            )
        back = [one for one in back if str(one.SOPInstanceUID) in sent]
        (report,) = [one for one in back if one.Modality == "SR"]
        (mask_object,) = [one for one in back if one.Modality == "SEG"]
        if not np.array_equal(mask_of(mask_object, self.images.images), self.reported):
            raise ValueError("the mask that came back is another one")
        return {"objects": sent, "measured": vars(read_report(report))}

    @property
    def probability(self) -> float:
        return self.journal.entry("classify").body["found"]["probability"]

    @property
    def reported(self) -> np.ndarray:
        """The marks, if a lesion is called present; else none: a report must not say both."""
        mask = np.load(self.home / "segment" / "mask.npy")
        return mask if self.probability >= self.of.readers.threshold else np.zeros_like(mask)

    @property
    def images(self) -> Intake:
        """Without identity, in order."""
        return Intake(tuple(_read(self.home / "deidentify")), ())

    @property
    def by(self) -> list[str]:
        return [self.of.readers.name, self.of.readers.version]

    def results(self) -> list[Dataset]:
        return [*_read(self.home / "deidentify"), *_read(self.home / "write")]


def _write(folder: Path, datasets: Sequence[Dataset]) -> None:
    for number, dataset in enumerate(datasets):
        dcmwrite(folder / f"{number:03d}.dcm", dataset, enforce_file_format=True)


def _read(folder: Path) -> list[Dataset]:
    return [dcmread(path) for path in sorted(folder.glob("*.dcm"))]
