"""Which files of a run, and of the checkout that it ran in, go into its crate.

A crate is of one state. What the checkout holds must still be what the run read: a library file, a
pin or a recorded table that changed since is named, and the run is to be made again.

Data are not packed: they may be a patient's, and the record has their digests. The exception are
the book's own recorded tables, below ``results/``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from medlib.experiment.record import Record
from press.crate.citation import CITATION
from press.crate.imports import needed_files
from press.crate.manifest import digest_of
from press.crate.names import name_fault
from press.crate.terms import CODE, NOTEBOOK, PARAMETERS, RECORD, SOURCE
from press.errors import Exit, UserError
from press.run.execute import read_note
from press.source.project import PROFILES, Chapter, Project
from press.source.weave import code_digest, read_notebook

EXERCISES = "exercises.py"
KEPT_TABLES = "results"
ABOUT_ALL = ("pyproject.toml", "constraints.txt", CITATION, "LICENSE", "LICENSE-TEXT")
REGISTRY = "data_fetch/registry.toml"  # what `data_fetch.catalog` reads
SHOWN = 3


def gather(project: Project, folder: Path, record: Record) -> dict[str, bytes]:
    """Name in the crate -> bytes, of the run in `folder`; its description is not among them.

    Raises:
        UserError: something the run read has changed since, or is missing.
    """
    chapter = project.notebook(record.chapter)
    faults = [*_of_run(chapter, folder), *_of_checkout(project, record)]
    if faults:
        more = f" (and {len(faults) - SHOWN} more)" if len(faults) > SHOWN else ""
        raise UserError(
            f"{project.relative(folder)} is not a run of this checkout as it stands:"
            f" {'; '.join(faults[:SHOWN])}{more}; run {chapter} again, then pack it",
            Exit.CHECK_FAILED,
        )
    files = {
        RECORD: (folder / RECORD).read_bytes(),
        NOTEBOOK: (folder / NOTEBOOK).read_bytes(),
        SOURCE: _source(chapter),
        PARAMETERS: parameters_text(record),
    }
    for figure in record.figures:
        for name in figure.files:
            files[name] = _inside(folder, name)
    for path in _code(project, chapter, record):
        files[CODE + path] = _inside(project.root, path)
    return files


def parameters_text(record: Record) -> bytes:
    """The parameters as papermill reads them: ``papermill source.ipynb out.ipynb -f ...``."""
    return (json.dumps(record.parameters, indent=1, ensure_ascii=False) + "\n").encode()


def _source(chapter: Chapter) -> bytes:
    import nbformat

    return (nbformat.writes(chapter.notebook) + "\n").encode()


def _inside(base: Path, name: str) -> bytes:
    path = base / name
    if name_fault(name) or not path.resolve().is_relative_to(base.resolve()):
        raise UserError(f"{name!r} does not lie in {base}", Exit.CHECK_FAILED)
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be packed: {error.strerror}", Exit.CHECK_FAILED) from None


def _code(project: Project, chapter: Chapter, record: Record) -> list[str]:
    """What of the checkout belongs to the run: names from its root, each once."""
    root = project.root
    own = [chapter.source]
    beside = [chapter.folder / PROFILES]
    sheet = root / "chapters" / chapter.id / EXERCISES
    if sheet.is_file():  # a run asks it after its record is closed
        own += [sheet, *needed_files(sheet, root)]
    if any(path.startswith("data_fetch/") for path in record.modules):
        beside.append(root / REGISTRY)
    beside += [root / name for name in ABOUT_ALL]
    found = [*own, *(path for path in beside if path.is_file())]
    names = [path.relative_to(root).as_posix() for path in found]
    return list(dict.fromkeys([*names, *record.modules, *kept_tables(root, record)]))


def kept_tables(root: Path, record: Record) -> dict[str, str]:
    """The book's own recorded tables that a run read: name from the root -> sha256."""
    found = {}
    for use in record.data:
        place = (root / use.path).resolve() if use.path else None
        if place and use.file_sha256 and place.is_relative_to(root / KEPT_TABLES):
            found[place.relative_to(root).as_posix()] = use.file_sha256
    return found


def _of_run(chapter: Chapter, folder: Path) -> Iterator[str]:
    """What the run's folder lacks, or has that is not of the chapter as it stands."""
    note = read_note(folder)
    for path in note.get("changed_while_running", ()):
        yield f"{path} changed while it ran"
    if not (folder / NOTEBOOK).is_file():
        yield f"it holds no {NOTEBOOK}, only the record was kept"
    elif code_digest(read_notebook(folder / NOTEBOOK)) != chapter.code_sha256:
        yield f"the code cells of {chapter.place} changed"


def _of_checkout(project: Project, record: Record) -> Iterator[str]:
    """What the run read in the checkout, and is no longer there or another."""
    expected: dict[str, str] = {**record.modules, **kept_tables(project.root, record)}
    if record.constraints_sha256:
        expected[project.constraints.name] = record.constraints_sha256
    yield from changed(expected, project.root)


def changed(expected: Mapping[str, str], root: Path) -> Iterator[str]:
    """Which files below `root` are gone, or have not the digest that is expected."""
    for name, digest in expected.items():
        try:
            data = (root / name).read_bytes()
        except OSError:
            yield f"{name} is gone"
            continue
        if digest_of(data) != digest:
            yield f"{name} changed"
