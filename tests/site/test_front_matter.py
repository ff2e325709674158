"""Front matter keeps up with the chapters: each has its lesson plan, its place on the road."""

import re
from pathlib import Path

import pytest

from press.source.project import Project

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = [chapter.id for chapter in Project(ROOT).chapters]
# a chapter is called finished when its table of other seeds is kept; a new one may come first
FINISHED = [name for name in CHAPTERS if (ROOT / f"results/{name}.seeds.json").is_file()]
LINK = re.compile(r"\[\]\(/([\w/]+)\.ipynb\)")
PLAN = re.compile(r"^## Session \d+: \[\]\(/([\w/]+)\.ipynb\)$(.*?)(?=^## |\Z)", re.M | re.S)
NEEDED = (
    "*Students should leave able to*",
    "| Minutes |",
    "*A question",
    "*Exercise",
    "*Homework.*",
)


def text_of(page):
    return (ROOT / "book" / page).read_text(encoding="utf-8")


def plans():
    return dict(PLAN.findall(text_of("instructors.md")))


def test_the_guide_has_one_session_a_finished_chapter_in_the_order_of_the_book():
    named = list(plans())
    assert named == [name for name in CHAPTERS if name in named]
    assert set(FINISHED) <= set(named)
    sessions = re.findall(r"^## Session (\d+)", text_of("instructors.md"), re.M)
    assert sessions == [str(number) for number in range(1, len(named) + 1)]


@pytest.mark.parametrize("chapter", plans())
def test_a_lesson_plan_has_all_its_pieces_and_fills_ninety_minutes(chapter):
    plan = plans()[chapter]
    assert [piece for piece in NEEDED if piece not in plan] == []
    slots = [(int(a), int(b)) for a, b in re.findall(r"^\| (\d+)–(\d+) \|", plan, re.M)]
    starts, ends = [a for a, _ in slots], [b for _, b in slots]
    assert starts == [0, *ends[:-1]]
    assert ends[-1] == 90


def test_the_index_names_every_finished_chapter_once_in_the_order_of_the_book():
    named = LINK.findall(text_of("index.md"))
    assert named == [name for name in CHAPTERS if name in named]
    assert set(FINISHED) <= set(named)
