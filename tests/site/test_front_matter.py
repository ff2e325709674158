"""Front matter keeps up with the chapters: each has its lesson plan, its place on the road."""

import re
from pathlib import Path

import pytest

from press.page.frontmatter import LESSON_PLAN, ROAD, lesson_plans, road
from press.source.project import Project

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Project(ROOT)
LINK = re.compile(r"\[\]\(/([\w/]+)\.ipynb\)")
NEEDED = (
    "*Students should leave able to*",
    "| Minutes |",
    "*A question",
    "*Exercise",
    "*Homework.*",
)


def test_the_guide_has_one_session_a_chapter_in_the_order_of_the_book():
    guide = lesson_plans(PROJECT)
    heading = r"^## Session (\d+): (.+)\n\n\*The chapter:\* \[\]\(/([\w/]+)\.ipynb\)$"
    found = re.findall(heading, guide, re.MULTILINE)  # a link in a heading is lost in the menu
    chapters = [(chapter.title, chapter.id) for chapter in PROJECT.chapters]
    assert found == [(str(number), *names) for number, names in enumerate(chapters, start=1)]


@pytest.mark.parametrize("chapter", PROJECT.chapters, ids=str)
def test_a_lesson_plan_has_all_its_pieces_and_fills_ninety_minutes(chapter):
    plan = (chapter.folder / LESSON_PLAN).read_text("utf-8")
    assert [piece for piece in NEEDED if piece not in plan] == []
    slots = [(int(a), int(b)) for a, b in re.findall(r"^\| (\d+)–(\d+) \|", plan, re.MULTILINE)]
    starts, ends = [a for a, _ in slots], [b for _, b in slots]
    assert starts == [0, *ends[:-1]]
    assert ends[-1] == 90


def test_the_road_names_every_chapter_once_in_the_order_of_the_book():
    assert LINK.findall(road(PROJECT)) == [chapter.id for chapter in PROJECT.chapters]


@pytest.mark.parametrize("chapter", PROJECT.chapters, ids=str)
def test_a_line_on_the_road_is_one_sentence(chapter):
    line = " ".join((chapter.folder / ROAD).read_text("utf-8").split())
    assert line.endswith(".")
    assert 40 <= len(line) <= 200


@pytest.mark.parametrize(
    ("page", "word"), [("index.md", "road"), ("instructors.md", "lesson_plans")]
)
def test_the_pages_gather_them(page, word):
    assert f"```{{medbook}} {word}\n```" in (ROOT / "book" / page).read_text("utf-8")
