"""One long run of a chapter, profile ``full``: kept by a command, read by the chapter."""

from __future__ import annotations

from pathlib import Path

from medlib.experiment.record import read_record
from medlib.experiment.tables import FullRun
from medlib.experiment.trials import made_by
from press.errors import UserError
from press.results import kept
from press.run.execute import RECORD, Job
from press.source.project import Project

PROFILE = "full"


def may_be_kept(project: Project, *, profile: str, changed: bool) -> None:
    """Before the long run: could its record be kept?

    Raises:
        UserError: it is of another profile, its parameters are changed by hand, or files differ
            from the commit.
    """
    if profile != PROFILE or changed:
        raise UserError(
            f"run --accept keeps the record of profile {PROFILE}, just as it is declared: write"
            f" `--profile {PROFILE} --accept` without -p and -f"
        )
    kept.commit_to_name(project)


def keep(project: Project, job: Job) -> Path:
    """Keep the record of a run of profile ``full``, and say where.

    Raises:
        UserError: files differ from the commit, or what made it is not in git.
    """
    commit = kept.commit_to_name(project)
    record = kept.portable(read_record(job.destination / RECORD), project.root)
    made = made_by([record], code_sha256=job.code_sha256)
    kept.must_be_committed(project, job.chapter.id, made)
    if record.git is None or record.git.dirty:
        named = {"git": {"sha": commit, "dirty": False}}
        record = record.model_validate(record.model_dump() | named)
    full = FullRun(code_sha256=job.code_sha256, record=record)
    return kept.write(project, job.chapter.id, "full", full)
