"""One study from the archive to a decision and back, in steps that are done once.

If other images of a study have come since it was read or refused, all is done anew, as a second
attempt.

Every step makes its files in a folder beside, gives the folder its name, and only then writes into
the ledger that it is done. Whoever is killed leaves a step done, or not done; never half. The next
run does what is not done. It ends with the same objects, as every step gives the same bytes.
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from typing import Any

from filelock import FileLock, Timeout

from medlib.systems.clinic.department import Department
from medlib.systems.clinic.journal import Journal
from medlib.systems.clinic.own_uids import digest_of_set
from medlib.systems.clinic.steps import STEPS, WITH_IDENTITY, Steps
from medlib.systems.clinic.structured_report import Measured
from medlib.systems.deidentification.keyed_values import keyed_uid

__all__ = ["MOMENTS", "Outcome", "Pipeline", "Span"]

MOMENTS = ("begun", "made", "journalled")


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
        attempt: its number, from 1; one for each set of images that arrived.
        reasons: fault, what was done and a sentence, of each thing that was found.
        refused: the step that refused it; None if it was read.
        measured: as read back from the archive; None if refused.
        objects: SHA-256 of all that was stored, by SOP instance UID.
        spans: how long each step took in this run.
    """

    study: str
    attempt: int
    reasons: tuple[tuple[str, str, str], ...]
    refused: str | None
    measured: Measured | None
    objects: dict[str, str]
    spans: tuple[Span, ...]


class Pipeline(Department):
    """Reads studies of one archive, and writes what it found to another, or the same.

    Its arguments are those of `Department`.
    """

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
    def __init__(self, pipeline: Department, study: str, name: str) -> None:
        self.of, self.name, self.top = pipeline, name, pipeline.folder / name
        there = pipeline.inbox.instances(study)
        self.journal = Journal(
            pipeline.ledger, name, key=pipeline.key, hidden=WITH_IDENTITY,
            arrival=digest_of_set(there, key=pipeline.key) if there else None,
        )  # fmt: skip
        self.home = self.top / str(self.journal.attempt)
        for folder in (self.top, self.home):
            folder.mkdir(mode=0o700, exist_ok=True)
        self.steps = Steps(pipeline, study, name=name, home=self.home, journal=self.journal)
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
        for home in self.top.iterdir():  # of earlier attempts, too; entries stay, with digests
            for step in WITH_IDENTITY:
                shutil.rmtree(home / step, ignore_errors=True)
        measured = None if refused else Measured(**found["measured"])
        objects = {} if refused else dict(found["objects"])
        return Outcome(
            self.name, self.journal.attempt, tuple(self.reasons), refused, measured, objects,
            tuple(self.spans),
        )  # fmt: skip

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
        found = self.steps.do(step, partial)
        os.replace(partial, folder)
        self.of.pause(step, "made")
        now = self.steps.moved(self.of.clock())
        written = self.journal.write(step, folder=folder, found=found, time=now)
        self.of.pause(step, "journalled")
        self.spans.append(Span(step, begun, time.perf_counter(), kept=False))
        return dict(written.body["found"])

    def finished(self) -> bool:
        """Whether the last step, or a refusal, stands in the ledger: files are needed no more."""
        entries = [entry for step in STEPS if (entry := self.journal.entry(step))]
        return bool(entries) and (
            entries[-1].body["step"] == STEPS[-1] or bool(entries[-1].body["found"].get("refused"))
        )
