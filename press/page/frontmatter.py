"""Front matter: pages written by hand, with blocks that the runs fill in.

A fenced block ``{medbook} word argument...`` in a page under `book/` is replaced when the site is
staged, so that no page carries a number that was typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from press.page.masthead import data_badge
from press.page.pages import PageError
from press.source.project import Chapter, Project

ROAD = "road.md"
LESSON_PLAN = "lesson_plan.md"

_BLOCK = re.compile(
    r"^(?P<fence>`{3,})\{medbook\}[ \t]+(?P<call>[^\n]+)\n(?P<body>.*?)^(?P=fence)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
_KIND = re.compile(r"^\*\*Real or simulated\.\*\*\s*([^.]+)", re.MULTILINE)
_HEADING = re.compile(r"^(#{1,5})(?=[ \t])")
_FENCE = re.compile(r"^\s*(`{3,}|~{3,}|:{3,})")


def expand(text: str, blocks: Mapping[str, Callable[..., str]], *, where: str) -> str:
    """Replace each ``{medbook}`` block by what its word stands for.

    Args:
        text: the page.
        blocks: word -> function of the words after it, and of the block's `body`.
        where: the page's name, for messages.

    Raises:
        PageError: nothing is known by that word, or its arguments are wrong.

    >>> add = lambda a, b, body: str(int(a) + int(b))
    >>> expand("```{medbook} sum 1 2\\n```", {"sum": add}, where="index.md")
    '3'
    """

    def replace(match: re.Match[str]) -> str:
        word, *arguments = match["call"].split()
        if word not in blocks:
            known = ", ".join(sorted(blocks))
            raise PageError(f"{where}: no block is called {word!r}; there are {known}")
        try:
            return blocks[word](*arguments, body=match["body"].strip())
        except TypeError as error:
            raise PageError(f"{where}: {{medbook}} {match['call']}: {error}") from None

    return _BLOCK.sub(replace, text)


def cards(folder: Path) -> str:
    """The data sets' cards: first a table of them, then one below the other, a level down.

    A link from one card to another becomes a link within the page.
    """
    texts = {path.stem: path.read_text("utf-8").strip() for path in sorted(folder.glob("*.md"))}
    if not texts:
        return "No card has been written yet."
    rows = ["| Data set | Kind |", "|---|---|"]
    parts = []
    for stem, text in texts.items():
        title = next(line for line in text.splitlines() if line.startswith("# "))[2:].strip()
        rows.append(f"| [{title}](#card-{stem}) | {_badges(text)} |")
        linked = re.sub(
            r"\]\((\w+)\.md\)",
            lambda link: f"](#card-{link[1]})" if link[1] in texts else link[0],
            demote(text),
        )
        parts.append(f"(card-{stem})=\n{linked}")
    return "\n\n".join(["\n".join(rows), *parts])


def road(project: Project) -> str:
    """Every chapter in a line, numbered: a link to it, and what stands in its ``road.md``.

    Raises:
        PageError: a chapter has none.
    """
    lines = [
        f"{number}. [](/{chapter.id}.ipynb): {' '.join(_own(project, chapter, ROAD).split())}"
        for number, chapter in enumerate(project.chapters, start=1)
    ]
    return "\n".join(lines)


def lesson_plans(project: Project) -> str:
    """Every chapter's ``lesson_plan.md`` below a heading of its own, in book order.

    Raises:
        PageError: a chapter has none.
    """
    return "\n\n".join(
        f"## Session {number}: {chapter.title}\n\n*The chapter:* [](/{chapter.id}.ipynb)\n\n"
        f"{_own(project, chapter, LESSON_PLAN).strip()}"
        for number, chapter in enumerate(project.chapters, start=1)
    )


def _own(project: Project, chapter: Chapter, name: str) -> str:
    path = chapter.folder / name
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        text = ""
    if not text.strip():
        raise PageError(f"{chapter}: {project.relative(path)} is missing or empty; write it")
    return text


def _badges(card: str) -> str:
    """What the card's paragraph "Real or simulated" says in its first sentence."""
    match = _KIND.search(card)
    words = match[1].lower() if match else ""
    return data_badge([kind for kind in ("real", "simulated") if kind in words])


def demote(text: str) -> str:
    """Put every heading one level down; code keeps its comments.

    >>> demote("# A\\n```\\n# code\\n```")
    '## A\\n```\\n# code\\n```'
    """
    lines, inside = [], ""
    for line in text.strip().splitlines():
        if match := _FENCE.match(line):
            fence = match.group(1)
            if not inside and fence[0] != ":":
                inside = fence
            elif inside and fence.startswith(inside) and line.strip() == fence:
                inside = ""
        lines.append(line if inside else _HEADING.sub(r"#\1", line))
    return "\n".join(lines)
