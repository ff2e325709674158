"""Put what a worker sends back in its place.

A point's folder is unpacked beside its place and renamed, as a run on this machine is; so whatever
is killed, on either side, what has come back is whole and stays.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from press.errors import Exit, UserError, describe_os_error
from press.run.dealing import Answer, Worker
from press.run.execute import (
    RECORD,
    Failure,
    Job,
    Outcome,
    keep_failed,
    replace_folder,
    work_folder,
)
from press.run.payload import unpack
from press.source.project import Project


def place(project: Project, job: Job, answer: Answer, worker: Worker) -> Outcome:
    """The outcome of a point; its folder, where it brought one, stands at the job's destination."""
    try:
        if answer["ended"] == "whole":
            return _unpacked(project, job, answer, worker)
        line, details = _without_folder(answer)
        failure = Failure(job.chapter.id, f"{job.name}: {line}", details)
    except OSError as error:
        line = f"{job.name}: {describe_os_error(error)}"
        failure = Failure(job.chapter.id, line, exit_code=Exit.ENVIRONMENT)
    except UserError as error:
        failure = Failure(job.chapter.id, f"{job.name}: {error}")
    return Outcome(job, 0.0, failure)


def _unpacked(project: Project, job: Job, answer: Answer, worker: Worker) -> Outcome:
    failure = Failure(**answer["failure"]) if answer["failure"] else None
    kept = project.failed_runs / job.chapter.part / (job.failed_name or job.chapter.name)
    with work_folder(job.destination) as folder:
        unpack(answer["folder"], folder)
        if failure:
            where = f"on worker {worker.name} ({worker.address})"
            failure = replace(failure, details=(*failure.details, where))
            failure = keep_failed(project, failure, folder, kept)
        else:
            localise(folder / RECORD, worker.places, project.root)
            shutil.rmtree(kept, ignore_errors=True)
            replace_folder(folder, job.destination)
    return Outcome(job, answer["wall_s"], failure, tuple(answer["warnings"]))


def _without_folder(answer: Answer) -> tuple[str, tuple[str, ...]]:
    """Why a point left no folder: a line, and more lines."""
    if answer["ended"] == "killed":
        names = answer["workers"]
        line = f"{len(names)} workers died while they ran it ({', '.join(names)}), in the end with"
        return line + " nothing else to do; most often the memory ran out", ()
    if answer["ended"] == "died":
        return f"its process died on the worker (exit code {answer['code']})", tuple(answer["log"])
    return f"the worker could not run it: {answer['message']}", ()


def localise(record: Path, places: dict[str, str], root: Path) -> None:
    """Let the paths of data in a worker's record say where the same things are on this machine.

    The sources, the installed packages and the cache below the home folder have each their place.
    """
    here = {"tree": str(root), "prefix": sys.prefix, "home": str(Path.home())}
    content = json.loads(record.read_text(encoding="utf-8"))
    moved = False
    for use in content.get("data", ()):
        for name, there in places.items():
            if use.get("path") and Path(use["path"]).is_relative_to(there):
                use["path"] = str(Path(here[name]) / Path(use["path"]).relative_to(there))
                moved = True
                break
    if moved:
        record.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
