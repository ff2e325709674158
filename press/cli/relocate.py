"""A chapter under another name, or gone: its folder, its results, its line, its runs, its links."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from medlib.experiment.record import write_atomically
from press.cli.scaffold import parse_id, part_of_line, read_text, with_toc_entry
from press.errors import UserError
from press.results.stale import KNOWN_STALE
from press.source.project import Chapter, Project
from press.source.verdict_sheet import SOURCES

TEXTS = ("_toc.yml", "README.md", "book/**/*.md", "chapters/**/*.py", "chapters/**/*.md")
DERIVED = ("runs", "adhoc_runs", "sweeps", "live_runs", "failed_runs", "seed_runs", "notebooks")


_CAPTION = re.compile(r"\s*- caption:")
_ENTRY = re.compile(r"\s*- file:")


@dataclass(frozen=True)
class Mention:
    """A line of a file outside a chapter's folder that names the chapter."""

    path: Path
    line: int
    text: str


def mentions(project: Project, chapter: Chapter) -> Iterator[Mention]:
    """Where other files of the book name `chapter` by its id, the table of contents left out."""
    for path in _texts(project):
        if path.name == "_toc.yml" or path.is_relative_to(chapter.folder):
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            if _named(chapter.id).search(line):
                yield Mention(path, number, line.strip())


def rename(project: Project, chapter: Chapter, new_id: str, *, write: bool = True) -> list[str]:
    """Give `chapter` the id `new_id`, everywhere; what was done (or would be), a line each.

    Its folder and its notebook, its folder under ``results/`` with the id inside, its line in
    ``_toc.yml`` and every link to it change; what was derived from it under ``build/`` goes.

    Raises:
        UserError: the name is no name or is taken.
    """
    part, name = parse_id(new_id)
    for known in project.chapters:
        if known.name == name and known != chapter:
            raise UserError(f"{new_id}: this name is taken by {known.id}")
    target = project.root / "chapters" / part / name
    kept = project.results / new_id
    for path in (target, kept):
        if path.exists():
            raise UserError(f"{project.relative(path)} is there already; choose another name")
    done = [f"{project.relative(chapter.folder)} -> {project.relative(target)}"]
    edits = dict(_renamed_texts(project, chapter, new_id))
    done += [f"edited {project.relative(path)}" for path in edits]
    if not write:
        return done
    for path, text in edits.items():
        write_atomically(path, text)
    _forget(project, chapter)
    target.parent.mkdir(parents=True, exist_ok=True)
    chapter.folder.rename(target)
    (target / chapter.source.name).rename(target / f"{name}.py")
    old = project.results / chapter.id
    if old.is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        old.rename(kept)
        done.append(f"{project.relative(old)} -> {project.relative(kept)}")
    _drop_empty(chapter.folder.parent, project.root / "chapters")
    _drop_empty(old.parent, project.results)
    return done


def remove(project: Project, chapter: Chapter, *, write: bool = True) -> list[str]:
    """Take `chapter` out of the book; what was done (or would be), a line each.

    Raises:
        UserError: another page still names it; the message says where.
    """
    still = list(mentions(project, chapter))
    if still:
        places = ", ".join(f"{project.relative(m.path)}:{m.line}" for m in still[:5])
        more = f" and {len(still) - 5} more" if len(still) > 5 else ""
        raise UserError(f"{chapter} is still named in {places}{more}: edit these first")
    toc = project.root / "_toc.yml"
    before = read_text(toc)
    left = without_toc_entry(before, chapter.id)
    kept = project.results / chapter.id
    done = [f"removed {project.relative(chapter.folder)}"]
    done += [f"removed {project.relative(kept)}"] if kept.is_dir() else []
    done += ["edited _toc.yml"] if left != before else []
    stale = project.results / KNOWN_STALE
    reasons = stale.read_text("utf-8").splitlines(keepends=True) if stale.is_file() else []
    needed = [line for line in reasons if not _named(chapter.id).search(line)]
    done += [f"edited {project.relative(stale)}"] if needed != reasons else []
    if not write:
        return done
    write_atomically(toc, left)
    if needed != reasons:
        write_atomically(stale, "".join(needed))
    _forget(project, chapter)
    shutil.rmtree(chapter.folder)
    shutil.rmtree(kept, ignore_errors=True)
    _drop_empty(chapter.folder.parent, project.root / "chapters")
    _drop_empty(kept.parent, project.results)
    return done


def _renamed_texts(project: Project, chapter: Chapter, new_id: str) -> Iterator[tuple[Path, str]]:
    toc = project.root / "_toc.yml"
    kept = sorted((project.results / chapter.id).rglob("*.json"))
    lists = (project.results / KNOWN_STALE, project.root / SOURCES)
    for path in [*_texts(project), *kept, *(path for path in lists if path.is_file())]:
        before = path.read_text("utf-8")
        if path == toc:
            same = chapter.part == new_id.split("/")[0]
            if same:
                after = _named(chapter.id).sub(new_id, before)
            else:
                rest = without_toc_entry(before, chapter.id)
                after = with_toc_entry(rest, new_id) if rest != before else before
        else:
            after = _named(chapter.id).sub(new_id, before)
        if after != before:
            yield path, after


def _named(chapter_id: str) -> re.Pattern[str]:
    """The id where it is not a piece of a longer one: not ``pixels/dose`` in ``pixels/dose_ct``."""
    return re.compile(rf"(?<![\w-]){re.escape(chapter_id)}(?![\w-])")


def without_toc_entry(text: str, chapter_id: str) -> str:
    """The table of contents without a chapter, and without its part where nothing is left in it.

    >>> print(without_toc_entry("parts:\\n  - caption: I\\n    chapters:\\n"
    ...                         "      - file: pixels/x\\n", "pixels/x"), end="")
    parts:
    """
    lines = text.splitlines(keepends=True)
    gone = next((i for i, line in enumerate(lines) if _toc_line(line, chapter_id)), None)
    if gone is None:
        return text
    del lines[gone]
    head = next((i for i in range(gone - 1, -1, -1) if _CAPTION.match(lines[i])), None)
    if head is not None:
        ends = (
            i for i in range(head + 1, len(lines)) if _CAPTION.match(lines[i]) or lines[i][0] > " "
        )
        end = next(ends, len(lines))
        if not any(_ENTRY.match(line) for line in lines[head:end]):
            del lines[head:end]
    return "".join(lines)


def _toc_line(line: str, chapter_id: str) -> bool:
    return part_of_line(line) == chapter_id.split("/")[0] and bool(_named(chapter_id).search(line))


def _texts(project: Project) -> list[Path]:
    found = {path for pattern in TEXTS for path in project.root.glob(pattern) if path.is_file()}
    return sorted(found)


def _forget(project: Project, chapter: Chapter) -> None:
    """What was derived from the chapter goes: runs, points, woven notebooks."""
    for name in DERIVED:
        place = getattr(project, name) / chapter.part
        shutil.rmtree(place / chapter.name, ignore_errors=True)
        (place / f"{chapter.name}.ipynb").unlink(missing_ok=True)


def _drop_empty(folder: Path, above: Path) -> None:
    """Remove a part's folder that holds nothing any more."""
    if folder.is_dir() and folder.parent == above and not any(folder.iterdir()):
        folder.rmdir()
