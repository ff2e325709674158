"""Everything that a site is made of, as one digest: while it is the same, nothing need be staged.

More is counted than is used: a file too many costs a staging that finds nothing changed, a file too
few would leave an old page standing.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import medlib.experiment
import press
from press.page.assets import vendor_files
from press.source.project import Project

FOLDERS = ("book", "chapters", "data_fetch", "medlib", "results")  # below the project's root
NO_PAGE = {"log.txt"}  # what a run leaves that no page shows


def inputs_digest(project: Project, *, about: Mapping[str, str]) -> str:
    """The sha256 of all that the stage of a site follows from.

    Args:
        project: the checkout, with its runs.
        about: what else it follows from, such as the profile and the renderers' versions.
    """
    parts = f"{sources_digest(project, about=about)} {runs_digest(project)}"
    return hashlib.sha256(parts.encode()).hexdigest()


def sources_digest(project: Project, *, about: Mapping[str, str]) -> str:
    """The sha256 of that part of it which no run of a chapter writes."""
    told = [f"{name}={value}\n" for name, value in sorted({**about, "python": sys.version}.items())]
    return _digest(project, _sources(project), told)


def runs_digest(project: Project) -> str:
    """The sha256 of what the chapters' runs left, and those of recorded points."""
    runs = [path for folder in (project.runs, project.live_runs) for path in _below(folder)]
    return _digest(project, runs)


def _digest(project: Project, files: Iterable[Path], told: Iterable[str] = ()) -> str:
    digest = hashlib.sha256("".join(told).encode())
    for path in sorted(set(files)):
        try:
            with path.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError:
            content = "cannot be read"
        digest.update(f"{project.relative(path)} {content}\n".encode())
    return digest.hexdigest()


def _sources(project: Project) -> Iterator[Path]:
    yield from (path for path in project.root.glob("*") if path.is_file())
    ours = (Path(package.__file__).parent for package in (press, medlib.experiment))
    below = [project.root / name for name in FOLDERS]
    for folder in (*below, *ours):
        yield from _below(folder)
    yield from vendor_files(project.root).values()


def _below(folder: Path) -> Iterable[Path]:
    return (
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.name not in NO_PAGE
        and "__pycache__" not in path.parts
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
