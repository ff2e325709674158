"""A chapter and its run as one command reads them: source, job, freshness, record, each once."""

from __future__ import annotations

from functools import cached_property

from press.run.execute import Job, plan
from press.run.freshness import Freshness, freshness_of
from press.run.run_folder import Run
from press.source.project import BOOK_PROFILE, Chapter, Project


class ChapterRun:
    """A chapter, and its run in one profile."""

    def __init__(self, project: Project, chapter: Chapter, profile: str = BOOK_PROFILE) -> None:
        self.project, self.chapter, self.profile = project, chapter, profile

    @cached_property
    def job(self) -> Job:
        """How the chapter is run.

        Raises:
            UserError: its source cannot be used, or the profile sets what it does not declare.
        """
        return plan(self.project, self.chapter, profile=self.profile)

    @cached_property
    def run(self) -> Run:
        """The run that there is, if there is one."""
        return Run(self.job.destination)

    @cached_property
    def state(self) -> Freshness:
        """How that run stands to the present source."""
        return freshness_of(self.project, self.job, self.run)


def run_of(project: Project, chapter: Chapter, *, profile: str = BOOK_PROFILE) -> ChapterRun:
    """The one view of a chapter that a command makes and its parts share."""
    key = ("run", chapter.id, profile)
    return project.kept.setdefault(key, ChapterRun(project, chapter, profile))
