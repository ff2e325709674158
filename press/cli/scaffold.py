"""A new chapter that passes every check from its first minute.

It is small but real: a simulation of photon counts with all the pieces that a chapter must have.
The author replaces the science and keeps the bones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from medlib.experiment.parameters import nearest
from medlib.experiment.record import write_atomically
from press.check.lint import PARTS
from press.errors import UserError
from press.source.project import Project, chapter_id, read_yaml, toc_entries
from press.source.verdict_sheet import VERDICTS, assertions

CAPTIONS = {
    "pixels": "I · Pixels — image to image",
    "diagnosis": "II · Diagnosis — image to decision",
    "translation": "III · Translation — from lab to clinic",
    "systems": "IV · Systems — from one site to many",
}
BESIDE = ("exercises.py", "profiles.yml", "grounds.yml", "lesson_plan.md", "road.md")
LONGEST_TITLE = 80
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Scaffold:
    """The files of a new chapter: path -> its whole text."""

    chapter: str
    files: dict[Path, str]

    def write(self) -> None:
        """Write all files or, where one cannot be written, none."""
        before = {
            path: path.read_text(encoding="utf-8") if path.is_file() else None
            for path in self.files
        }
        written: list[Path] = []
        try:
            for path, text in self.files.items():
                write_atomically(path, text)
                written.append(path)
        except BaseException:
            for path in written:
                if before[path] is None:
                    path.unlink(missing_ok=True)
                else:
                    write_atomically(path, before[path])
            raise


def scaffold(project: Project, chapter: str, *, title: str = "") -> Scaffold:
    """The files that make `chapter` a part of the book; nothing is written yet.

    Args:
        project: the checkout.
        chapter: id, ``part/name``.
        title: as it stands on the page; made from the name where empty.

    Raises:
        UserError: the part is unknown, the name is no name or is taken.
    """
    part, name = parse_id(chapter)
    for known in project.chapters:
        if known.name == name:
            where = "is there already" if known.part == part else f"is taken by {known.id}"
            raise UserError(f"{chapter}: this name {where}; names are unique in the whole book")
    title = " ".join(title.split()) or name.replace("_", " ").capitalize()
    if len(title) > LONGEST_TITLE:
        raise UserError(f"the title has {len(title)} characters: at most {LONGEST_TITLE}")
    folder = project.root / "chapters" / part / name
    for path in (folder, folder.with_suffix(".py")):
        if path.exists():
            raise UserError(f"{project.relative(path)} is there already; choose another name")
    kept = project.results / chapter
    if kept.exists():
        left = f"{project.relative(kept)} was left by another chapter of this name"
        raise UserError(f"{left}; delete it, or choose another name")
    words = {"CHAPTER": chapter, "TITLE": title, "LABEL": f"{part}-{name}".replace("_", "-")}
    files = {
        folder / f"{name}.py": fill(template("chapter.py.txt"), words),
        **{folder / name: fill(template(f"{name}.txt"), words) for name in BESIDE},
    }
    if asked := [n for n, row in assertions(project).items() if chapter in row.judged_by]:
        files[folder / VERDICTS] = without_verdict(asked)
    toc = project.root / "_toc.yml"
    text = read_text(toc)
    if (new := with_toc_entry(text, chapter)) != text:
        files[toc] = new
    return Scaffold(chapter, files)


def without_verdict(asked: Iterable[str]) -> str:
    """The sheet of a chapter that has just begun: nothing is tested of what it shall judge.

    >>> print(without_verdict(["A11"]), end="")
    # By what this chapter judges what the sources assert (book/sources.yml).
    A11:
      untested: "the chapter has just begun."
    """
    lines = ["# By what this chapter judges what the sources assert (book/sources.yml)."]
    for number in asked:
        lines += [f"{number}:", '  untested: "the chapter has just begun."']
    return "\n".join(lines) + "\n"


def parse_id(chapter: str) -> tuple[str, str]:
    """The part and the name of a chapter's id.

    >>> parse_id("pixels/low_dose_ct")
    ('pixels', 'low_dose_ct')

    Raises:
        UserError: it is not ``part/name``; the message says what would be right.
    """
    part, slash, name = chapter.partition("/")
    if not slash or "/" in name:
        raise UserError(f"{chapter!r} is not PART/NAME, such as pixels/low_dose_ct")
    if part not in PARTS:
        near = nearest(part, PARTS)
        hint = f"did you mean {near!r}?" if near else f"the parts are {', '.join(PARTS)}"
        raise UserError(f"{chapter!r}: there is no part {part!r}; {hint}")
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{chapter!r}: the name must be lower-case letters, digits and single underscores,"
            " beginning with a letter, such as low_dose_ct"
        )
    return part, name


def template(name: str) -> str:
    """The text of one of our templates."""
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")


def fill(text: str, words: dict[str, str]) -> str:
    """`text` with every ``@@WORD@@`` replaced.

    >>> fill("# @@TITLE@@", {"TITLE": "Counting"})
    '# Counting'
    """
    return re.sub(r"@@([A-Z]+)@@", lambda match: words[match.group(1)], text)


def read_text(path: Path) -> str:
    """The text of a file that the book needs.

    Raises:
        UserError: it is missing or cannot be read.
    """
    read_yaml(path)
    return path.read_text(encoding="utf-8")


def with_toc_entry(text: str, chapter: str) -> str:
    """The table of contents with `chapter` last in its part; comments and order stay.

    One that lists the chapter already is returned as it is.

    Raises:
        UserError: the result would not hold the entry once and the others as they were; the file
            must be edited by hand.
    """
    before = _toc_of(text) or []
    if chapter in map(chapter_id, before):
        return text
    part = chapter.split("/", 1)[0]
    lines = text.splitlines()
    ours = [i for i, line in enumerate(lines) if part_of_line(line) == part]
    if ours:
        indent = re.match(r"\s*", lines[ours[-1]]).group()
        lines.insert(ours[-1] + 1, f"{indent}- file: {chapter}")
    else:
        lines = [re.sub(r"^parts:\s*\[\s*\]", "parts:", line) for line in lines]
        if not any(line.startswith("parts:") for line in lines):
            lines.append("parts:")
        place, indent = _place_of_part(lines, part)
        lines[place:place] = [
            f"{indent}- caption: {CAPTIONS[part]}",
            f"{indent}  numbered: true",
            f"{indent}  chapters:",
            f"{indent}    - file: {chapter}",
        ]
    new = "\n".join(lines) + "\n"
    after = _toc_of(new)
    if after is None or chapter not in after or [e for e in after if e != chapter] != before:
        raise UserError(f"_toc.yml: cannot add {chapter}; add `- file: {chapter}` by hand")
    return new


def _toc_of(text: str) -> list[str] | None:
    """The entries of a table of contents; None where Jupyter Book would not read it."""
    if not _parses(text):
        return None
    content = yaml.safe_load(text)
    if isinstance(content, dict) and "parts" in content and "chapters" in content:
        return None
    return toc_entries(content)


def part_of_line(line: str) -> str:
    """The part of the chapter that a line of ``_toc.yml`` lists; empty where it lists none."""
    match = re.match(r"\s*- file:\s*(?:chapters/)?(\w+)/\w+", line)
    return match.group(1) if match else ""


def _place_of_part(lines: list[str], part: str) -> tuple[int, str]:
    """Before the first later part, else after the last earlier one's block, else at the end."""
    start = 1 + next(i for i, line in enumerate(lines) if line.startswith("parts:"))
    keys = (i for i in range(start, len(lines)) if re.match(r"\w", lines[i]))
    place = next(keys, len(lines))
    captions = [i for i in range(start, place) if re.match(r"\s*- caption:", lines[i])]
    if not captions:
        return place, "  "
    indent = re.match(r"\s*", lines[captions[0]]).group()
    for first, end in zip(captions, [*captions[1:], place], strict=True):
        parts = {part_of_line(line) for line in lines[first:end]} & set(PARTS)
        if any(PARTS.index(other) > PARTS.index(part) for other in parts):
            return first, indent
        if parts:
            place = end
    return place, indent


def _parses(text: str) -> bool:
    try:
        yaml.safe_load(text)
    except yaml.YAMLError:
        return False
    return True
