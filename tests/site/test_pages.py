"""Every page of the built book, opened once: whole, accessible, and its exercises answer.

It reaches no other host, its formulas, pictures and sliders work, and it fits a phone
(`crawl.look_over`); the switch of a chapter shows and hides its code; it passes axe-core in light,
in dark and on a phone (`axe.inspected`). Then its exercises are answered from the keyboard, as on
the exercises' own pages in `test_exercises`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from medlib.experiment.exercises import Scene, right_answer
from medlib.experiment.record import read_record
from press.page.exercise import known_of
from tests.chapter_sheets import on_page, sheets
from tests.site.axe import inspected
from tests.site.crawl import WIDE, is_chapter, look_over, opened
from tests.site.exercise_page import give

pytestmark = pytest.mark.browser


def test_a_page_is_whole_accessible_and_answers(
    browser, base: str, site: Path, page_name: str
) -> None:
    with opened(browser, base, page_name) as (page, seen):
        look_over(page, seen, base=base, site=site)
        assert seen.problems == []
        assert seen.formulas > 20 or page_name != "notation.html"
        page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        if is_chapter(site, page_name):
            switch_code(page)
        assert inspected(page, page_name) == []
        page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        if (chapter := page_name.removesuffix(".html")) in sheets():
            answer_all(page, chapter, site=site)
    assert seen.problems == []


def switch_code(page) -> None:
    """Show all code, none, and key cells alone."""
    code = page.locator("div.cell.tag_key > .cell_input")
    folds = page.locator("div.cell > details.above-input")
    assert code.count() > 5, "no key cells"
    assert folds.count() > 0, "nothing is folded"
    for mode in ("all", "none", "key"):
        page.get_by_role("radio", name=mode, exact=True).check()
        assert code.first.is_visible() is (mode != "none"), mode
        assert folds.first.is_visible() is (mode != "none"), mode
        opened = folds.evaluate_all("(all) => all.filter((fold) => fold.open).length")
        assert opened == (folds.count() if mode == "all" else 0), mode


def answer_all(page, chapter: str, *, site: Path) -> None:
    """Answer what a page can check, rightly, and see that it says so."""
    known = known_of(read_record(site.parent / "runs" / chapter / "record.json"))
    asked = on_page(chapter)
    for exercise in asked:
        right = right_answer(exercise, Scene(known=known))
        assert give(page, exercise, right).startswith("Right."), exercise.name
    count = f"{len(asked)} of {len(asked)} answered right"
    assert page.locator(".medbook-progress strong").inner_text() == count
    assert page.locator(".medbook-exercise").count() == len(sheets()[chapter])


def test_every_chapter_that_asks_has_a_page(site: Path) -> None:
    """Else its exercises would not be answered above, and nobody would say so."""
    assert [name for name in sheets() if not (site / f"{name}.html").is_file()] == []
