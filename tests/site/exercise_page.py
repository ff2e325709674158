"""A page with nothing but the exercises of a chapter, to be operated in a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medlib.experiment.exercises import Exercise
from press.page.exercise import exercise_markdown

ROOT = Path(__file__).resolve().parents[2]
STATIC = ("medbook.css", "exercises.css", "exercises.js")


def write_page(
    folder: Path,
    name: str,
    sheet: Mapping[str, Exercise],
    *,
    chapter: str,
    known: Mapping[str, Any],
) -> Path:
    """Write ``name.html`` and what it loads into `folder`."""
    blocks = []
    for exercise in sheet.values():
        text = exercise_markdown(exercise, chapter=chapter, known=known)
        blocks.append(re.sub(r"^`{9}.*$", "", text, flags=re.M).strip())
    for file in STATIC:
        shutil.copy(ROOT / "book" / "_static" / file, folder / file)
    page = folder / f"{name}.html"
    page.write_text(
        '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Exercises</title>'
        '<link rel="stylesheet" href="medbook.css"><link rel="stylesheet" href="exercises.css">'
        '<script src="exercises.js"></script></head><body class="bd-article"><main><h1>x</h1>'
        f'<section id="exercises"><h2>Exercises</h2>{"".join(blocks)}</section></main></body>',
        "utf-8",
    )
    return page
