"""Kill the pipeline at every place, run it again, and compare what it leaves.

Run as a process of its own (`python -m medlib.systems.clinic.kill_trial`, with a job as JSON on
standard input): it forks one child a trial, which kills itself, and is not to take others along.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from pydicom import Dataset

from medlib.systems.clinic.journal import entries_of
from medlib.systems.clinic.pipeline import MOMENTS, Outcome, Pipeline
from medlib.systems.clinic.readers import kept_answers
from medlib.systems.clinic.server_or_files import (
    Archive,
    archive_in,
    archive_of,
    digest_of_dataset,
)
from medlib.systems.clinic.steps import STEPS

__all__ = [
    "BY_HALVES",
    "FOLDER_LOST",
    "POINTS",
    "Trial",
    "in_own_process",
    "is_killed_at",
    "kill_trial",
]

Point = tuple[str, str]
FOLDER_LOST = ", files lost"
"""Behind a moment: the folder with the files of all steps goes as well, the ledger stays."""
BY_HALVES = ", came by halves"
"""Behind a moment: half of the study came first and was refused; the kill comes after the rest."""
POINTS: tuple[Point, ...] = (
    *((step, moment) for step in STEPS for moment in MOMENTS),
    ("store", "half"),
)
_BEFORE_ARRIVAL = (("receive", "begun"), ("receive", "made"))
"""Where no line of the ledger says yet when the study came: the rerun's says it."""
_NOON, _LATER = datetime(2024, 5, 3, 12), timedelta(hours=1)


@dataclass(frozen=True)
class Trial:
    """What a kill at one place left, after a rerun.

    Attributes:
        step, moment: where it was killed.
        killed: whether it really was.
        same_objects: the archive holds what an undisturbed run puts there, bit for bit.
        same_entries: the ledger says the same, each step once.
        lost, more: objects that are missing, or too many.
        studies, reports: how many of each the archive holds of this one study.
    """

    step: str
    moment: str
    killed: bool
    same_objects: bool
    same_entries: bool
    lost: int
    more: int
    studies: int
    reports: int

    @property
    def holds(self) -> bool:
        """It was killed, nothing shows it, and there is one report."""
        same = self.same_objects and self.same_entries
        return self.killed and same and self.studies == self.reports == 1


def is_killed_at(run: Callable[[Callable[[str, str], None]], object], point: Point | None) -> bool:
    """Run in a child of this process; whether it was killed by itself at the point.

    Args:
        run: takes the pipeline's `pause`.
        point: step and moment; None = let it run to its end.

    Returns:
        False if it came to its end, having met no such point: a study may be refused before.

    Raises:
        RuntimeError: the child ended in another way, by an error of its own.
    """
    child = os.fork()
    if child == 0:  # nothing of the parent's may run here, whatever happens
        code = 1
        try:
            run(lambda *here: os.kill(os.getpid(), signal.SIGKILL) if here == point else None)
            code = 0
        except Exception as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL and point:
        return True
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
        return False
    raise RuntimeError(f"at {point} the child ended with status {status}")


def kill_trial(job: dict[str, Any], points: Sequence[Point]) -> list[Trial]:
    """Try all points, one after the other.

    Args:
        job: `study` (UID), `key` (hexadecimal; empty, and each run draws its own, a defect that
            must show), `answers` (of `keep_answers`), and where the study lies and results go:
            `server` (of `DicomServer`, as a mapping) or `folder`. With `keep`, the results of the
            last trial stay there.
        points: some of `POINTS`, a moment perhaps followed by `FOLDER_LOST` or `BY_HALVES`.

    The clock runs on, and the rerun is an hour later: an object that reads it is found out. All
    objects bear the time at which the ledger says that the study arrived; where the kill came
    before that line, the rerun's is compared with an undisturbed run of that later hour.
    """

    def archive() -> Archive:
        if "server" not in job:
            return archive_in(Path(job["folder"]))
        from medlib.systems.clinic.dicom_server import DicomServer

        said = job["server"]
        return archive_of(DicomServer(**{**said, "authority": Path(said["authority"])}))

    with tempfile.TemporaryDirectory(prefix="kill-") as top:

        def pipeline(name: str, pause, *, later: bool = False, inbox=None) -> Pipeline:
            place, ticks = archive(), count(1)
            begun = _NOON + _LATER * later
            return Pipeline(
                inbox=inbox or place, outbox=place, folder=Path(top, name),
                ledger=Path(top, f"{name}.jsonl"),
                readers=kept_answers(Path(job["answers"])),
                key=bytes.fromhex(job["key"]) or os.urandom(32),
                clock=lambda: f"{(begun + timedelta(seconds=next(ticks))).isoformat()}Z",
                pause=pause,
            )  # fmt: skip

        def said(name: str) -> list[dict[str, Any]]:
            """What the ledger says of the last attempt, but for where it came from."""
            bodies = [entry.body for entry in entries_of(Path(top, f"{name}.jsonl"))]
            last = max(body["attempt"] for body in bodies)
            kept = [body for body in bodies if body["attempt"] == last]
            return [
                {**body, "attempt": None, "found": {**body["found"], "from": None}} for body in kept
            ]

        def results() -> dict[str, list[Dataset]]:
            return {study: hall.fetch(study) for study in set(hall.studies()) - before}

        def forget() -> None:
            for study in set(hall.studies()) - before:
                hall.forget(study)

        @cache
        def wanted(later: bool) -> tuple[dict[str, str], list[dict[str, Any]]]:
            """What an undisturbed run stores and says."""
            name = f"undisturbed{later}"
            done: Outcome = pipeline(name, lambda *_: None, later=later).run(job["study"])
            forget()
            return done.objects, said(name)

        hall = archive()  # to look at; each pipeline, in a process of its own, opens its own
        before = set(hall.studies())
        trials = []
        for number, point in enumerate(points):
            name, inbox = f"trial{number}", None
            moment = point[1].removesuffix(FOLDER_LOST).removesuffix(BY_HALVES)
            right, entries = wanted((point[0], moment) in _BEFORE_ARRIVAL)
            if point[1].endswith(BY_HALVES):
                inbox, came = archive_in(Path(top, f"in{number}")), hall.fetch(job["study"])
                inbox.store(came[::2])
                pipeline(name, lambda *_: None, inbox=inbox).run(job["study"])
                inbox.store(came[1::2])

            def run(pause, name: str = name, inbox: Archive | None = inbox, **kind: bool) -> None:
                pipeline(name, pause, inbox=inbox, **kind).run(job["study"])

            killed = is_killed_at(run, (point[0], moment))
            if point[1].endswith(FOLDER_LOST):
                shutil.rmtree(Path(top, name))
            is_killed_at(lambda pause: run(pause, later=True), None)
            there = results()
            objects = [one for study in there.values() for one in study]
            found = {str(one.SOPInstanceUID): digest_of_dataset(one) for one in objects}
            trials.append(
                Trial(
                    *point,
                    killed=killed,
                    same_objects=found == right,
                    same_entries=said(name) == entries,
                    lost=len(right.keys() - found.keys()),
                    more=len(found.keys() - right.keys()),
                    studies=len(there),
                    reports=sum(one.Modality == "SR" for one in objects),
                )
            )
            if not (job.get("keep") and number == len(points) - 1):
                forget()
    return trials


def in_own_process(job: dict[str, Any], points: Sequence[Point]) -> list[Trial]:
    """`kill_trial` in a fresh process with one thread, as one that forks should be.

    Raises:
        RuntimeError: it failed; with its last words.
    """
    done = subprocess.run(
        [sys.executable, "-m", "medlib.systems.clinic.kill_trial"],
        input=json.dumps({"job": job, "points": list(points)}), capture_output=True, text=True,
        check=False, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the trial of kills failed: {done.stderr[-800:]}")
    return [Trial(**one) for one in json.loads(done.stdout)]


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    told = kill_trial(asked["job"], [tuple(point) for point in asked["points"]])
    json.dump([asdict(trial) for trial in told], sys.stdout)
