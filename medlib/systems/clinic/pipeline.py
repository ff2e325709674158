"""One study from the archive to a decision and back, in steps that are done once.

Every step makes its files in a folder beside, gives the folder its name, and only then writes into
the ledger that it is done. Whoever is killed leaves a step done, or not done; never half. The next
run does what is not done. It ends with the same objects, as every step gives the same bytes.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from pydicom import Dataset, dcmread, dcmwrite

from medlib.systems.clinic.dicom_validation import validate
from medlib.systems.clinic.intake import Intake, Rules, take_in
from medlib.systems.clinic.journal import Journal
from medlib.systems.clinic.own_uids import Stamp
from medlib.systems.clinic.readers import Readers
from medlib.systems.clinic.report_template import faults_of_template, read_report
from medlib.systems.clinic.segmentation_object import mask_of, segmentation_object
from medlib.systems.clinic.server_or_files import Archive, digest_of_dataset
from medlib.systems.clinic.structured_report import Measured, measure, structured_report
from medlib.systems.deidentification.deidentify import deidentify
from medlib.systems.deidentification.keyed_values import keyed_uid
from medlib.systems.deidentification.options import Options

__all__ = ["MOMENTS", "STEPS", "Outcome", "Pipeline", "Span", "utc_now"]

STEPS = (
    "receive", "check", "deidentify", "gate", "segment", "classify", "explain", "write", "store",
    "read back",
)  # fmt: skip
MOMENTS = ("begun", "made", "journalled")
_WITH_IDENTITY = ("receive", "check")
Pause = Callable[[str, str], None]


@dataclass(frozen=True)
class Span:
    """When a step ran, in seconds of one clock; `kept` if an earlier run had done it."""

    step: str
    begun_s: float
    ended_s: float
    kept: bool


@dataclass(frozen=True)
class Outcome:
    """What became of a study.

    Attributes:
        study: its UID after de-identification, as in ledger and archive.
        reasons: fault, what was done and a sentence, of each thing that was found.
        refused: the step that refused it; None if it was read.
        measured: as read back from the archive; None if refused.
        objects: SHA-256 of all that was stored, by SOP instance UID.
        spans: how long each step took in this run.
    """

    study: str
    reasons: tuple[tuple[str, str, str], ...]
    refused: str | None
    measured: Measured | None
    objects: dict[str, str]
    spans: tuple[Span, ...]


def utc_now() -> str:
    """The time as a ledger has it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Pipeline:
    """Reads studies of one archive, and writes what it found to another, or the same.

    Attributes:
        inbox, outbox: where studies are, and where results go.
        folder: for the files of each step; made readable by the owner alone.
        ledger: file of the ledger.
        readers: the networks.
        key: 16 random bytes or more; who has it can tell whose study is whose.
        rules: of what may be read.
        options: of de-identification.
        clock: gives the time for the ledger; a study's objects all bear that of its arrival.
        pause: called at every step's `MOMENTS` (and in the middle of storing), for trials.
    """

    inbox: Archive
    outbox: Archive
    folder: Path
    ledger: Path
    readers: Readers
    key: bytes
    rules: Rules = field(default_factory=Rules)
    options: Options = field(default_factory=Options)
    clock: Callable[[], str] = utc_now
    pause: Pause = lambda step, moment: None

    def run(self, study: str) -> Outcome:
        """Take a study as far as it goes; what an earlier run did is not done again.

        Args:
            study: UID of the study in the inbox.

        Raises:
            ValueError: it is not there, another run is at it, or a step that was done before now
                gives something else.
        """
        name = keyed_uid(study, key=self.key)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / f"{name}.lock", timeout=0):  # the system's: a kill frees it
                return _Run(self, study, name).whole()
        except Timeout:
            raise ValueError(f"another run is at study {name}") from None


class _Run:
    def __init__(self, pipeline: Pipeline, study: str, name: str) -> None:
        self.of, self.study, self.name = pipeline, study, name
        self.home = pipeline.folder / name
        self.home.mkdir(mode=0o700, exist_ok=True)
        self.journal = Journal(pipeline.ledger, name)
        self.spans: list[Span] = []
        self.reasons: list[tuple[str, str, str]] = []

    def whole(self) -> Outcome:
        refused = found = None
        for step in STEPS:
            found = self.step(step)
            self.reasons += [tuple(reason) for reason in found.get("reasons", ())]
            if found.get("refused"):
                refused = step
                break
        for step in _WITH_IDENTITY:  # their entries stay, with the digests
            shutil.rmtree(self.home / step, ignore_errors=True)
        measured = None if refused else Measured(**found["measured"])
        objects = {} if refused else dict(found["objects"])
        return Outcome(
            self.name, tuple(self.reasons), refused, measured, objects, tuple(self.spans)
        )

    def step(self, step: str) -> dict[str, Any]:
        """Do a step, unless it was done and what it left is still needed and there."""
        begun, folder = time.perf_counter(), self.home / step
        entry = self.journal.entry(step)
        if entry and (self.finished() or self.journal.is_intact(step, folder)):
            self.spans.append(Span(step, begun, time.perf_counter(), kept=True))
            return dict(entry.body["found"])
        self.of.pause(step, "begun")
        partial = self.home / f"{step}.partial"
        for old in (partial, folder):
            shutil.rmtree(old, ignore_errors=True)
        partial.mkdir(mode=0o700)
        found = getattr(self, step.replace(" ", "_"))(partial)
        os.replace(partial, folder)
        self.of.pause(step, "made")
        written = self.journal.write(step, folder=folder, found=found, time=self.of.clock())
        self.of.pause(step, "journalled")
        self.spans.append(Span(step, begun, time.perf_counter(), kept=False))
        return dict(written.body["found"])

    def finished(self) -> bool:
        """Whether the last step, or a refusal, stands in the ledger: files are needed no more."""
        entries = [entry for step in STEPS if (entry := self.journal.entry(step))]
        return bool(entries) and (
            entries[-1].body["step"] == STEPS[-1] or bool(entries[-1].body["found"].get("refused"))
        )

    @property
    def stamp(self) -> Stamp:
        arrived = datetime.fromisoformat(self.journal.entry("receive").time)
        return Stamp(self.of.key, self.name, arrived)

    def receive(self, folder: Path) -> dict[str, Any]:
        if not self.of.inbox.instances(self.study):
            raise ValueError("the study is not in the inbox")
        images = self.of.inbox.fetch(self.study)
        _write(folder, images)
        return {"images": len(images), "from": self.of.inbox.kind}

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
        return {"peak": [int(x) for x in peak], "peak_is_marked": bool(mask[peak])}

    def write(self, folder: Path) -> dict[str, Any]:
        images, stamp, readers = self.images, self.stamp, self.of.readers
        mask = np.load(self.home / "segment" / "mask.npy")
        probability = self.journal.entry("classify").body["found"]["probability"]
        measured = measure(mask, spacing_mm=images.spacing_mm, probability=probability)
        by = (readers.name, readers.version)
        mask_object = segmentation_object(images.images, mask, stamp=stamp, algorithm=by)
        report = structured_report(
            images.images, mask_object, measured, stamp=stamp, algorithm=by,
            threshold=readers.threshold,
        )  # fmt: skip
        _write(folder, [mask_object, report])
        checked = [validate(path) for path in sorted(folder.iterdir())]
        wrong = [line for one in checked for line in one.errors] + faults_of_template(report)
        return {
            "validated": [one.in_words for one in checked],
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
        """Compare what the archive gives with what was sent, and read it as a stranger would."""
        sent = {str(one.SOPInstanceUID): digest_of_dataset(one) for one in self.results()}
        back = self.of.outbox.fetch(self.name)
        there = {str(one.SOPInstanceUID): digest_of_dataset(one) for one in back}
        if there != sent:
            raise ValueError(
                f"{len(sent)} objects were sent, {len(there)} are there,"
                f" {len(sent.items() & there.items())} of them as they were sent"
            )
        (report,) = [one for one in back if one.Modality == "SR"]
        (mask_object,) = [one for one in back if one.Modality == "SEG"]
        mask = mask_of(mask_object, self.images.images)
        if not np.array_equal(mask, np.load(self.home / "segment" / "mask.npy")):
            raise ValueError("the mask that came back is another one")
        return {"objects": sent, "measured": vars(read_report(report))}

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
