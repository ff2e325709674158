"""Exercises in a real browser: answered by keyboard, and a page with nothing else on it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medlib.experiment.exercises import Exercise, Number
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


def place_of(page, name):
    return page.locator(f"#answer-{name}")


def give(page, exercise, answer):
    """Answer by keyboard, and return what the page says."""
    place = place_of(page, exercise.name)
    if isinstance(exercise, Number):
        field = place.get_by_role("textbox")
        field.focus()
        page.keyboard.press("Control+A")
        page.keyboard.press("Delete")
        page.keyboard.type(answer if isinstance(answer, str) else repr(float(answer)))
        page.keyboard.press("Enter")
    else:
        radios = place.get_by_role("radio")
        letters = [radio.get_attribute("value") for radio in radios.all()]
        radios.first.focus()
        page.keyboard.press("Space")
        for _ in range(letters.index(answer)):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
    return " ".join(place.locator(".medbook-feedback").inner_text().split())
