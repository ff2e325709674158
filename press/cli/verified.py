"""What a build last found in order: while nothing of it has changed, there is nothing to look at.

A build that finds nothing wrong leaves a stamp: the digest of all that it looked at (sources, runs,
kept tables, the press's own code, the variables that it heeds), the data files that the runs read,
and the site that it made. Whatever differs, by a byte, a file more or a file less, makes the next
build read and check everything again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from medlib.experiment.record import DataUse, Record, RecordError, write_atomically
from press.check.budgets import BUDGET_FACTOR
from press.page.inputs import runs_digest, sources_digest
from press.page.site import STAMP as SITE_STAMP
from press.page.site import renderers
from press.results.live import live_points
from press.run.chapter_run import run_of
from press.run.execute import kept_arithmetic
from press.run.freshness import data_changes
from press.source.project import Project

STAMP = "verified.json"


@dataclass(frozen=True)
class Looked:
    """What lay before a build when it looked."""

    sources: str
    runs: str

    @classmethod
    def at(cls, project: Project) -> Looked:
        """What lies before it now."""
        heeded = renderers() | kept_arithmetic()
        heeded[BUDGET_FACTOR] = os.environ.get(BUDGET_FACTOR, "")
        return cls(sources_digest(project, about=heeded), runs_digest(project))


def nothing_changed(project: Project, now: Looked) -> bool:
    """Whether all is as the last build left it that found nothing wrong."""
    try:
        stamp = json.loads((project.build / STAMP).read_text("utf-8"))
        same = (stamp["sources"], stamp["runs"]) == (now.sources, now.runs)
        uses = [DataUse.model_validate(use) for use in stamp["data"]] if same else []
        whole = same and stamp["site"] == _site(project)
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return False
    return whole and not any(change for use in uses for change in data_changes(project, use))


def stamp(project: Project, *, before: Looked, checked: Looked) -> None:
    """Keep that all was in order, unless something changed while it was looked at.

    Args:
        project: the checkout, whose runs have been read.
        before: what lay there when the build began.
        checked: what lay there when its runs had ended.
    """
    site = _site(project)
    if site and Looked.at(project) == checked and checked.sources == before.sources:
        try:
            records = list(_records(project))
        except RecordError:  # a run that is gone is nothing in order
            return
        uses = {use.model_dump_json(): use for record in records for use in record.data}
        data = [use.model_dump(mode="json") for use in uses.values()]
        kept = {"sources": checked.sources, "runs": checked.runs, "site": site, "data": data}
        write_atomically(project.build / STAMP, json.dumps(kept) + "\n")


def _records(project: Project) -> Iterator[Record]:
    for chapter in project.chapters:
        yield run_of(project, chapter).run.record
    for live in live_points(project):
        yield live.run.record


def _site(project: Project) -> str:
    """The digest of the site's own stamp; an empty string where there is no site."""
    try:
        content = (project.site / SITE_STAMP).read_bytes()
    except OSError:
        return ""
    return hashlib.sha256(content).hexdigest()
