"""The cells in which readers of a chapter test their own answers."""

from pathlib import Path

import jupytext

CHAPTERS = Path(__file__).parents[1] / "chapters"


def self_checks(chapter: str) -> list[str]:
    """The sources of a chapter's self-check cells, in its order; `chapter` is its part/name.

    A draft, whose file's name begins with an underscore, is found too.
    """
    part, name = chapter.split("/")
    (source,) = [path for path in (CHAPTERS / part).glob("*/*.py") if path.stem.lstrip("_") == name]
    cells = jupytext.read(source)["cells"]
    return [c["source"] for c in cells if "self-check" in c["metadata"].get("tags", [])]
