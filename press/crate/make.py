"""A run folder made into the files of a crate: gathered, described, digested."""

from __future__ import annotations

from pathlib import Path

from medlib.experiment.record import Record
from press.crate.citation import CITATION, Agent, read_citation
from press.crate.contents import gather
from press.crate.graph import Facts, describe
from press.crate.image import Image
from press.crate.manifest import MANIFEST, write_manifest
from press.crate.terms import CODE, METADATA
from press.source.project import Project


def make_crate(
    project: Project,
    folder: Path,
    record: Record,
    *,
    agent: Agent | None = None,
    image: Image | None = None,
) -> dict[str, bytes]:
    """Name -> bytes of every file of the crate of the run in `folder`, whose record is `record`.

    Args:
        project: the checkout that it ran in.
        folder: its folder.
        record: what it recorded.
        agent: who ran it; by default the authors of the book.
        image: the container image that it ran in.

    Raises:
        UserError: the checkout is not what the run read, or has no ``CITATION.cff``.
    """
    citation = read_citation(project.root / CITATION)
    files = gather(project, folder, record)
    chapter = project.notebook(record.chapter)
    facts = Facts(
        record=record,
        title=chapter.title or chapter.id,
        source=CODE + chapter.source.relative_to(project.root).as_posix(),
        declared=chapter.declared,
        citation=citation,
        files=files,
        agent=agent,
        image=image,
    )
    files[METADATA] = describe(facts)
    files[MANIFEST] = write_manifest(files)
    return files
