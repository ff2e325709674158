"""Markdown for Jupyter: the book's own directives and roles as what every notebook shows.

A page of the book makes boxes of directives; Jupyter would print them as blocks of code. So a
notebook that is woven for a person has exercises and drop-downs as headed paragraphs, and citations
as names with a link.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

_OPEN = re.compile(r"^(?P<fence>`{3,}|:{3,})\{(?P<kind>[\w:-]+)\}[ \t]*(?P<title>.*)$")
_OPTION = re.compile(r"^:[\w-]+:(\s|$)")
_ROLE = re.compile(r"\{(?P<role>[\w:-]+)\}`(?P<text>[^`]+)`")
_TARGET = re.compile(r"^\([\w-]+\)=\s*$", re.MULTILINE)
_ENTRY = re.compile(r"^@\w+\{\s*([^,\s]+)\s*,(.*?)^\}", re.MULTILINE | re.DOTALL)
_DOI = re.compile(r"^\s*doi\s*=\s*[{\"]([^}\"]+)[}\"]", re.MULTILINE | re.IGNORECASE)
_KEY = re.compile(r"(?P<name>[a-z]+)(?P<year>\d{4})[a-z]?")
_VERBATIM = {"code", "code-block", "math", "raw"}
_HEADINGS = {"exercise": "Exercise", "dropdown": "", "note": "Note", "warning": "Warning"}


def for_jupyter(notebook: NotebookNode, *, dois: Mapping[str, str]) -> NotebookNode:
    """A copy whose prose can be read in Jupyter; code cells are as they were.

    Args:
        notebook: a woven chapter.
        dois: key of a reference -> its DOI.
    """
    edition = copy.deepcopy(notebook)
    for cell in edition.cells:
        if cell.cell_type == "markdown":
            cell.source = plain_markdown(cell.source, dois=dois)
    return edition


def plain_markdown(text: str, *, dois: Mapping[str, str]) -> str:
    """`text` without MyST's directives, roles and targets; what they say stays.

    >>> plain_markdown("```{exercise}\\n:label: x\\nHow many?\\n```", dois={})
    '**Exercise.** How many?'
    >>> plain_markdown("as {cite}`tan2019` say", dois={"tan2019": "10.1/x"})
    'as [Tan 2019](https://doi.org/10.1/x) say'
    """
    lines: list[str] = []
    fences: list[tuple[str, bool]] = []  # (mark, whether a directive was opened by it)
    head = False  # in a directive's options
    lead = ""  # a heading that waits for the first line below it
    for line in _TARGET.sub("", text).splitlines():
        if fences and line.strip() == fences[-1][0]:
            if not fences.pop()[1]:
                lines.append(line)
            continue
        if fences and not fences[-1][1]:
            lines.append(line)  # code, or a formula
            continue
        if lead and line.startswith(("```", ":::", "~~~")):
            lines += [lead, ""]
            lead = ""
        if match := _OPEN.match(line):
            ours = match["kind"] not in _VERBATIM
            fences.append((match["fence"], ours))
            if ours:
                lead, head = _lead(match["kind"], match["title"].strip()), True
            else:
                lines.append(match["fence"])
            continue
        if plain := re.match(r"^(`{3,}|~{3,})", line):
            fences.append((plain.group(1), False))
            lines.append(line)
            continue
        if head and _OPTION.match(line):
            continue
        head = False
        if lead and line.strip():
            line, lead = f"{lead} {line}", ""
        lines.append(_ROLE.sub(lambda role: _said(role, dois), line))
    return "\n".join(lines).strip("\n")


def dois_of(bibliography: str) -> dict[str, str]:
    """The DOIs of a BibTeX file, by key.

    >>> dois_of("@book{kak1988,\\n  doi = {10.1/y},\\n}\\n")
    {'kak1988': '10.1/y'}
    """
    found = {key: _DOI.search(body) for key, body in _ENTRY.findall(bibliography)}
    return {key: match.group(1).strip() for key, match in found.items() if match}


def references_of(root: Path) -> dict[str, str]:
    """The DOIs of the book's own references; none where the book has no bibliography."""
    path = root / "book" / "references.bib"
    return dois_of(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _lead(kind: str, title: str) -> str:
    heading = _HEADINGS.get(kind, kind.capitalize())
    words = f"{heading}: {title}" if heading and title else heading or title
    return f"**{words}{'' if words.endswith(('.', '?', '!')) else '.'}**" if words else ""


def _said(role: re.Match[str], dois: Mapping[str, str]) -> str:
    kind, text = role["role"], role["text"]
    if kind.startswith("cite"):
        return ", ".join(_cited(key.strip(), dois) for key in text.split(","))
    label = re.fullmatch(r"(.+?)\s*<[^>]*>", text)
    return label.group(1) if label else text.replace("_", " ")


def _cited(key: str, dois: Mapping[str, str]) -> str:
    match = _KEY.fullmatch(key)
    name = f"{match['name'].capitalize()} {match['year']}" if match else key
    return f"[{name}](https://doi.org/{dois[key]})" if key in dois else name
