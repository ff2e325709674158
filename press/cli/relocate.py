"""A chapter under another name, or gone: its folder, its results, its line, its runs, its links.

A link names a chapter by its id, ``part/name``, whatever leads to it (``/part/name.ipynb``,
``../part/name``), or from a page of the same part by its bare name: ``{doc}`name` ``,
``[](name.ipynb)``. Commands (``medbook check name``) name it either way.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from medlib.experiment.record import write_atomically
from press.check.lint import PARTS
from press.cli.scaffold import parse_id, part_of_line, read_text, with_toc_entry
from press.errors import UserError
from press.results.stale import KNOWN_STALE
from press.source.project import Chapter, Project
from press.source.verdict_sheet import SOURCES

POINTING = (  # what breaks or misleads where it names a chapter that is not there
    "_toc.yml",
    "README.md",
    "CONTRIBUTING.md",
    ".ci/run",
    "book/**/*.md",
    SOURCES.as_posix(),
    "chapters/**/*.py",
    "chapters/**/*.md",
    "chapters/**/*.yml",
    "tests/*.py",
    *(f"tests/{part}/**/*.py" for part in PARTS),
)
TELLING = ("docs/**/*.md", "unfinished/**/*.md")  # these may also tell of what is no more
FINDINGS = Path("docs") / "findings"
DERIVED = ("runs", "adhoc_runs", "sweeps", "live_runs", "failed_runs", "seed_runs", "notebooks")


_HEAD = re.compile(r"\s*- (?:caption|numbered|chapters):")  # how a part of the contents begins
_ENTRY = re.compile(r"\s*- file:")


@dataclass(frozen=True)
class Mention:
    """A line of a file outside a chapter's folder that names the chapter."""

    path: Path
    line: int
    text: str


def mentions(project: Project, chapter: Chapter) -> Iterator[Mention]:
    """Where files outside its folder point to `chapter`, the table of contents left out."""
    for path in _texts(project, POINTING):
        if path.name == "_toc.yml" or path.is_relative_to(chapter.folder):
            continue
        text = path.read_text("utf-8")
        patterns = [_named(chapter.id), _commanded(chapter.name)]
        patterns += [_bare_link(chapter.name)] if _in_part(project, path, chapter.part) else []
        ends = (found.end() for pattern in patterns for found in pattern.finditer(text))
        for number in sorted({text.count("\n", 0, end) for end in ends}):
            yield Mention(path, number + 1, text.splitlines()[number].strip())


def rename(project: Project, chapter: Chapter, new_id: str, *, write: bool = True) -> list[str]:
    """Give `chapter` the id `new_id`, everywhere; what was done (or would be), a line each.

    Its folder and its notebook, its folder under ``results/`` with the id inside, its line in
    ``_toc.yml``, its page under ``docs/findings/`` and every link to it change; what was derived
    from it under ``build/`` goes. The help texts of `medbook` keep their examples.

    Raises:
        UserError: the name is no name or is taken.
    """
    part, name = parse_id(new_id)
    for known in project.chapters:
        if known.name == name and known != chapter:
            raise UserError(f"{new_id}: this name is taken by {known.id}")
    target = project.root / "chapters" / part / name
    kept = project.results / new_id
    old = project.results / chapter.id
    moves = {chapter.folder: target} | ({old: kept} if old.is_dir() else {})
    findings = _findings(project, chapter.name)
    if findings.is_file() and name != chapter.name:
        moves[findings] = _findings(project, name)
    for path in (kept, *moves.values()):
        if path.exists():
            raise UserError(f"{project.relative(path)} is there already; choose another name")
    done = [f"{project.relative(a)} -> {project.relative(b)}" for a, b in moves.items()]
    edits = dict(_renamed_texts(project, chapter, new_id))
    done += [f"edited {project.relative(path)}" for path in edits]
    if not write:
        return done
    for path, text in edits.items():
        write_atomically(path, text)
    _forget(project, chapter)
    for before, after in moves.items():
        after.parent.mkdir(parents=True, exist_ok=True)
        before.rename(after)
    (target / chapter.source.name).rename(target / f"{name}.py")
    _drop_empty(chapter.folder.parent, project.root / "chapters")
    _drop_empty(old.parent, project.results)
    return done


def remove(project: Project, chapter: Chapter, *, write: bool = True) -> list[str]:
    """Take `chapter` out of the book; what was done (or would be), a line each.

    Its line in ``_toc.yml``, its results, its excuses in ``results/known_stale.toml`` and its page
    under ``docs/findings/`` go with it. Other pages of ``docs/`` may tell of it still.

    Raises:
        UserError: another file still points to it; the message names every place.
    """
    still: dict[str, list[int]] = {}
    for mention in mentions(project, chapter):
        still.setdefault(project.relative(mention.path), []).append(mention.line)
    if still:
        places = ", ".join(f"{path}:{','.join(map(str, lines))}" for path, lines in still.items())
        raise UserError(f"{chapter} is still named in {places}: edit these first")
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
    findings = _findings(project, chapter.name)
    done += [f"removed {project.relative(findings)}"] if findings.is_file() else []
    if not write:
        return done
    write_atomically(toc, left)
    if needed != reasons:
        write_atomically(stale, "".join(needed))
    _forget(project, chapter)
    shutil.rmtree(chapter.folder)
    shutil.rmtree(kept, ignore_errors=True)
    findings.unlink(missing_ok=True)
    _drop_empty(chapter.folder.parent, project.root / "chapters")
    _drop_empty(kept.parent, project.results)
    return done


def _renamed_texts(project: Project, chapter: Chapter, new_id: str) -> Iterator[tuple[Path, str]]:
    toc = project.root / "_toc.yml"
    kept = sorted((project.results / chapter.id).rglob("*.json"))
    kept += [path for path in [project.results / KNOWN_STALE] if path.is_file()]
    for path in [*_texts(project, POINTING + TELLING), *kept]:
        before = path.read_text("utf-8")
        if path == toc:
            same = chapter.part == new_id.split("/")[0]
            if same:
                after = _named(chapter.id).sub(new_id, before)
            else:
                rest = without_toc_entry(before, chapter.id)
                after = with_toc_entry(rest, new_id) if rest != before else before
        else:
            after = _renamed_links(project, chapter, new_id, path, before)
        if after != before:
            yield path, after


def _renamed_links(project: Project, chapter: Chapter, new_id: str, path: Path, text: str) -> str:
    """`text` of the file `path` with every name of the chapter replaced."""
    part, name = new_id.split("/")
    text = _named(chapter.id).sub(new_id, text)
    text = _commanded(chapter.name).sub(rf"\g<1>{name}", text)
    text = re.sub(rf"(?<=findings/){chapter.name}(?=\.md\b)", name, text)
    if not _in_part(project, path, chapter.part):
        return text
    own = path.is_relative_to(chapter.folder)
    here = name if own or part == chapter.part else f"/{new_id}"
    text = _bare_link(chapter.name).sub(rf"\g<1>{here}", text)
    if own and part != chapter.part:  # what it called by its bare name is no sibling any more
        for other in project.chapters:
            if other.part == chapter.part and other != chapter:
                text = _bare_link(other.name).sub(rf"\g<1>/{other.id}", text)
    return text


def _named(chapter_id: str) -> re.Pattern[str]:
    """The id, not in a longer one (``pixels/dose`` in ``pixels/dose_ct``), not a library's room."""
    return re.compile(rf"(?<![\w-])(?<!medlib/)(?<!tests/){re.escape(chapter_id)}(?![\w-])")


def _commanded(name: str) -> re.Pattern[str]:
    """The bare name after a verb of `medbook`."""
    return re.compile(rf"(\bmedbook [a-z]+ ){re.escape(name)}(?![\w./-])")


def _bare_link(name: str) -> re.Pattern[str]:
    """A link by the bare name, and what stands before the name in it.

    >>> _bare_link("x").sub(r"\\g<1>y", "{doc}`x`, {doc}`that <./x>`, [](x.ipynb#a), [](xx.md)")
    '{doc}`y`, {doc}`that <y>`, [](y.ipynb#a), [](xx.md)'
    """
    role = r"\{doc\}`(?:[^`<]*<)?(?=(?:\./)?[\w-]+>?`)"
    link = r"\]\((?=(?:\./)?[\w-]+(?:\.ipynb|\.md)?[)#])"
    return re.compile(rf"({role}|{link})(?:\./)?{re.escape(name)}(?![\w-])")


def _in_part(project: Project, path: Path, part: str) -> bool:
    return path.is_relative_to(project.root / "chapters" / part)


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
    head = next((i for i in range(gone - 1, -1, -1) if _HEAD.match(lines[i])), None)
    if head is not None:
        ends = (
            i for i in range(head + 1, len(lines)) if _HEAD.match(lines[i]) or lines[i][0] > " "
        )
        end = next(ends, len(lines))
        if not any(_ENTRY.match(line) for line in lines[head:end]):
            del lines[head:end]
    return "".join(lines)


def _toc_line(line: str, chapter_id: str) -> bool:
    return part_of_line(line) == chapter_id.split("/")[0] and bool(_named(chapter_id).search(line))


def _texts(project: Project, patterns: tuple[str, ...]) -> list[Path]:
    found = {path for pattern in patterns for path in project.root.glob(pattern) if path.is_file()}
    return sorted(found)


def _findings(project: Project, name: str) -> Path:
    return project.root / FINDINGS / f"{name}.md"


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
