"""The exercises of all chapters, and what a check knows of the book's own run of each."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from medlib.experiment.exercises import Code, Exercise, Known, Scene
from medlib.experiment.parameters import parse_parameters
from press.source.checked_cells import exercises_of
from press.source.project import Chapter, Project
from press.source.weave import parameters_source, weave

PROJECT = Project(Path(__file__).resolve().parents[1])


@cache
def sheets() -> dict[str, dict[str, Exercise]]:
    """Chapter id -> its exercises by name, of all chapters that have a sheet."""
    found = {chapter.id: exercises_of(chapter.source) for chapter in PROJECT.chapters}
    return {name: sheet for name, sheet in found.items() if sheet}


def on_page(chapter: str) -> list[Exercise]:
    """The exercises of a chapter that a page can check."""
    return [e for e in sheets()[chapter].values() if not isinstance(e, Code)]


def every_exercise() -> list[tuple[str, str]]:
    """Chapter id and name of each exercise."""
    return [(chapter, name) for chapter, sheet in sheets().items() for name in sheet]


@cache
def known_of_chapter(chapter: str) -> Known:
    """The defaults of a chapter's parameters, and its accepted results."""
    source = weave(chapter_called(chapter).source)
    declared = parse_parameters(parameters_source(source))
    parameters = {name: parameter.default for name, parameter in declared.items()}
    folder = PROJECT.results / chapter
    files = (folder / "accepted.json", folder.with_name(f"{folder.name}.json"))
    accepted = next((json.loads(f.read_text("utf-8")) for f in files if f.is_file()), {})
    results = {result["name"]: result["value"] for result in accepted.get("results", [])}
    return Known(parameters, results)


def chapter_called(name: str) -> Chapter:
    """The chapter of that id."""
    return PROJECT.chapter(name)


def scene_of(chapter: str, exercise: Exercise) -> Scene:
    """In which an exercise is tested: its own scene if it is code, else what the chapter knows."""
    return exercise.scene() if isinstance(exercise, Code) else Scene({}, known_of_chapter(chapter))
