"""Kill the pipeline at every place, run it again, and compare what it leaves.

Run as a process of its own (`python -m medlib.systems.clinic.kill_trial`, with a job as JSON on
standard input): it forks one child a trial, which kills itself, and is not to take others along.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medlib.systems.clinic.journal import entries_of
from medlib.systems.clinic.pipeline import MOMENTS, Outcome, Pipeline
from medlib.systems.clinic.readers import kept_answers
from medlib.systems.clinic.server_or_files import Archive, archive_in, archive_of
from medlib.systems.clinic.steps import STEPS

__all__ = ["POINTS", "Trial", "in_own_process", "is_killed_at", "kill_trial"]

Point = tuple[str, str]
POINTS: tuple[Point, ...] = (
    *((step, moment) for step in STEPS for moment in MOMENTS),
    ("store", "half"),
)
_NOON = "2024-05-03T12:00:00Z"


@dataclass(frozen=True)
class Trial:
    """What a kill at one place left, after a rerun.

    Attributes:
        step, moment: where it was killed.
        killed: whether it really was.
        same_objects: the archive holds what an undisturbed run puts there, bit for bit.
        same_entries: the ledger says the same, each step once.
        lost, more: objects that are missing, or too many.
    """

    step: str
    moment: str
    killed: bool
    same_objects: bool
    same_entries: bool
    lost: int
    more: int

    @property
    def holds(self) -> bool:
        """It was killed, and nothing shows it."""
        return self.killed and self.same_objects and self.same_entries


def is_killed_at(run: Callable[[Callable[[str, str], None]], object], point: Point | None) -> bool:
    """Run in a child of this process; whether it was killed by itself at the point.

    Args:
        run: takes the pipeline's `pause`.
        point: step and moment; None = let it run to its end.

    Raises:
        RuntimeError: the child ended in another way: by an error of its own, or at the end although
            it was to be killed before.
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
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0 and point is None:
        return False
    raise RuntimeError(f"at {point} the child ended with status {status}")


def kill_trial(job: dict[str, Any], points: Sequence[Point]) -> list[Trial]:
    """Try all points, one after the other.

    Args:
        job: `study` (UID), `key` (hexadecimal; empty, and each run draws its own, a defect that
            must show), `answers` (of `keep_answers`), and where the study lies and results go:
            `server` (of `DicomServer`, as a mapping) or `folder`.
        points: some of `POINTS`.
    """

    def archive() -> Archive:
        if "server" not in job:
            return archive_in(Path(job["folder"]))
        from medlib.systems.clinic.dicom_server import DicomServer

        said = job["server"]
        return archive_of(DicomServer(**{**said, "authority": Path(said["authority"])}))

    with tempfile.TemporaryDirectory(prefix="kill-") as top:

        def pipeline(name: str, pause) -> Pipeline:
            place = archive()
            return Pipeline(
                inbox=place, outbox=place, folder=Path(top, name),
                ledger=Path(top, f"{name}.jsonl"),
                readers=kept_answers(Path(job["answers"])),
                key=bytes.fromhex(job["key"]) or os.urandom(32),
                clock=lambda: _NOON, pause=pause,
            )  # fmt: skip

        def said(name: str) -> list[tuple[str, Any]]:
            return [(entry.kind, entry.body) for entry in entries_of(Path(top, f"{name}.jsonl"))]

        undisturbed: Outcome = pipeline("undisturbed", lambda *_: None).run(job["study"])
        place, wanted, entries = archive(), undisturbed.objects, said("undisturbed")
        place.forget(undisturbed.study)
        trials = []
        for number, point in enumerate(points):
            name = f"trial{number}"

            def run(pause, name: str = name) -> None:
                pipeline(name, pause).run(job["study"])

            killed = is_killed_at(run, point)
            is_killed_at(run, None)
            there = archive().digests(undisturbed.study)
            trials.append(
                Trial(
                    *point,
                    killed=killed,
                    same_objects=there == wanted,
                    same_entries=said(name) == entries,
                    lost=len(wanted.keys() - there.keys()),
                    more=len(there.keys() - wanted.keys()),
                )
            )
            archive().forget(undisturbed.study)
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
