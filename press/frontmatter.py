"""Front matter: pages written by hand, with blocks that the runs fill in.

A fenced block ``{medbook} word argument...`` in a page under `book/` is replaced when the site is
staged, so that no page carries a number that was typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from press.pages import PageError

_BLOCK = re.compile(
    r"^(?P<fence>`{3,})\{medbook\}[ \t]+(?P<call>[^\n]+)\n(?P<body>.*?)^(?P=fence)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
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
    """The data sets' cards, one below the other, each heading one level down."""
    texts = [demote(card.read_text("utf-8")) for card in sorted(folder.glob("*.md"))]
    return "\n\n".join(texts) or "No card has been written yet."


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
