"""Every exercise of every chapter, operated in a real browser from the keyboard alone.

The pages are made here from the sheets, so no built site is needed; on the built one `test_pages`
answers. What a chapter's words, numbers and formulas can spoil is
tried on every chapter; what is the same code for all, on chapters that have every kind of exercise.
"""

from __future__ import annotations

import json

import pytest

from medlib.experiment.exercises import (
    Number,
    right_answer,
    sentence,
    wrong_answers,
)
from press.page.exercise import markdown_html
from tests.chapter_sheets import known_of_chapter, on_page, scene_of, sheets
from tests.site.crawl import NARROW_PX, reader, served
from tests.site.exercise_page import give, place_of, write_page

pytestmark = pytest.mark.browser

NO_NUMBERS = ["", "about three", "3 mm", "0,16", "16 %", "1/0", "nan", "--2", "1/2/3"]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exercises")
    for chapter, sheet in sheets().items():
        name = chapter.replace("/", "-")
        write_page(folder, name, sheet, chapter=chapter, known=known_of_chapter(chapter))
    with served(folder) as address:
        yield address


def of_every_kind():
    """As many chapters as have every kind of exercise: enough for what no word changes."""
    chosen, seen = [], set()
    for chapter, sheet in sheets().items():
        kinds = {type(exercise) for exercise in sheet.values()}
        if not kinds <= seen:
            chosen.append(chapter)
            seen |= kinds
    return chosen


few = pytest.mark.parametrize("opened", of_every_kind(), indirect=True)


@pytest.fixture(params=sheets())
def opened(request, browser, base):
    """A chapter's page, freshly opened, and the chapter."""
    chapter = request.param
    with reader(browser, base) as (page, refused):
        complaints = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{base}{chapter.replace('/', '-')}.html")
        yield page, chapter
    assert complaints == []
    assert refused == []


def text_of(page, markdown):
    """How the page prints some Markdown, spaces made one."""
    html = markdown_html(sentence(markdown))
    script = "(html) => { const e = document.createElement('div'); e.innerHTML = html;"
    return " ".join(page.evaluate(script + " return e.textContent; }", html).split())


def test_every_answer_is_judged_as_in_jupyter(opened):
    page, chapter = opened
    for exercise in on_page(chapter):
        scene = scene_of(chapter, exercise)
        assert give(page, exercise, right_answer(exercise, scene)).startswith("Right.")
        for answer in wrong_answers(exercise, scene):
            if isinstance(exercise, Number) or answer in exercise.options:
                said = give(page, exercise, answer)
                verdict = exercise.judge(answer, known=scene.known)
                assert said == f"Not yet. {text_of(page, verdict.words)}"


@few
def test_what_is_no_number_gets_a_kind_sentence(opened):
    page, chapter = opened
    for exercise in on_page(chapter):
        if isinstance(exercise, Number):
            for text in NO_NUMBERS:
                said = give(page, exercise, text)
                assert said.startswith("Not yet."), text
                assert len(said.split()) > 5, text


def test_the_cells_of_the_grid_end_where_they_do_in_jupyter(opened):
    page, chapter = opened
    for exercise in on_page(chapter):
        if not isinstance(exercise, Number):
            continue
        scene = scene_of(chapter, exercise)
        middle = right_answer(exercise, scene)
        for share in (-1.001, -0.999, 0.999, 1.001):
            answer = middle + share * exercise.tolerance
            right = exercise.judge(answer, known=scene.known).right
            assert right == (abs(share) < 1)
            assert give(page, exercise, answer).startswith("Right.") == right


def test_hints_come_one_by_one_and_the_solution_when_asked(opened):
    page, chapter = opened
    for exercise in sheets()[chapter].values():
        place = place_of(page, exercise.name)
        solution = place.get_by_role("group", name="Solution")
        assert solution.count() == 0
        hint = place.locator(".medbook-exercise-tools button").first
        for number, words in enumerate(exercise.hints, start=1):
            assert hint.inner_text() == f"Hint {number} of {len(exercise.hints)}"
            hint.focus()
            page.keyboard.press("Enter")
            told = place.locator(".medbook-hints li")
            assert told.count() == number
            assert " ".join(told.last.text_content().split()) == text_of(page, words)
        page.keyboard.press("Enter")
        assert place.locator(".medbook-hints li").count() == len(exercise.hints)
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        assert solution.is_visible()
        assert len(solution.inner_text().split()) > 5
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Solution"


@few
def test_every_control_is_reached_by_tabbing_and_has_a_name(opened):
    page, chapter = opened
    wanted = page.locator("main input:not([hidden]):not([type=radio]), main button").count()
    wanted += page.locator("main fieldset").count()  # a group of options is one stop
    seen = set()
    for _ in range(wanted + 2):
        page.keyboard.press("Tab")
        seen.add(page.evaluate(FOCUSED))
    assert len(seen - {""}) == wanted
    for role in ("textbox", "radio", "button"):
        for control in page.get_by_role(role).all():
            assert control.evaluate(HAS_NAME), control.inner_html()
    assert page.get_by_role("status").count() == len(on_page(chapter)) + 2  # count and note


FOCUSED = """() => {
  const e = document.activeElement;
  if (e === document.body) return "";
  return String([...document.querySelectorAll("input, button")].indexOf(e));
}"""
HAS_NAME = """(e) => Boolean((e.labels && e.labels.length && e.labels[0].textContent.trim())
  || e.textContent.trim() || e.getAttribute("aria-label"))"""


@few
def test_progress_is_kept_exported_and_imported(opened, browser, base, tmp_path):
    page, chapter = opened
    asked = on_page(chapter)
    if not asked:
        pytest.skip("all of its exercises are code")
    first, scene = asked[0], scene_of(chapter, asked[0])
    counter = page.locator(".medbook-progress strong")
    assert counter.inner_text() == f"0 of {len(asked)} answered right"
    give(page, first, right_answer(first, scene))
    assert counter.inner_text() == f"1 of {len(asked)} answered right"
    page.reload()
    assert counter.inner_text() == f"1 of {len(asked)} answered right"
    with page.expect_download() as download:
        page.get_by_role("button", name="Export progress").focus()
        page.keyboard.press("Enter")
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == f"{chapter.split('/')[1]}-progress.json"
    with reader(browser, base) as (other, _):
        other.goto(page.url)
        counter = other.locator(".medbook-progress strong")
        assert counter.inner_text() == f"0 of {len(asked)} answered right"
        assert take(other, file) == "Answers taken from the file: 1."
        assert counter.inner_text() == f"1 of {len(asked)} answered right"
        other.reload()
        assert counter.inner_text() == f"1 of {len(asked)} answered right"


def take(page, file):
    """Import a file by keyboard; what the page says of it."""
    note = page.locator(".medbook-note")
    page.evaluate("document.querySelector('.medbook-note').textContent = ''")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Import progress").focus()
        page.keyboard.press("Enter")
    chooser.value.set_files(file)
    page.wait_for_function("document.querySelector('.medbook-note').textContent !== ''")
    return note.inner_text()


@few
def test_a_file_that_is_no_progress_changes_nothing(opened, tmp_path):
    page, chapter = opened
    if not on_page(chapter):
        pytest.skip("all of its exercises are code")
    good = {"format": "medbook exercises 1", "chapter": chapter, "answers": {}}
    name = on_page(chapter)[0].name
    for content, said in (
        ("no JSON", "is not JSON"),
        ("[]", "no progress of this book"),
        ("null", "no progress of this book"),
        (json.dumps(good | {"chapter": "pixels/other"}), "progress of pixels/other"),
        (json.dumps(good | {"answers": None}), "no progress of this book"),
        (json.dumps(good | {"answers": {name: {"answer": 3}, "x": None}}), "from the file: 0"),
        (json.dumps(good | {"answers": {name: {"right": True, "answer": "?"}}}), "file: 1"),
    ):
        file = tmp_path / "progress.json"
        file.write_text(content, "utf-8")
        assert said in take(page, file)
        assert page.locator(".medbook-progress strong").inner_text().startswith("0 of")


def test_it_fits_a_narrow_screen_and_can_be_read_in_the_dark(opened):
    page, chapter = opened
    for exercise in sheets()[chapter].values():
        for press in place_of(page, exercise.name).locator(".medbook-exercise-tools button").all():
            press.click()
    page.set_viewport_size({"width": NARROW_PX, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW_PX
    for theme in ("light", "dark"):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        assert page.evaluate(LEAST_CONTRAST) >= 4.5


LEAST_CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  document.body.style.background = "var(--pst-color-background)";
  document.body.style.color = "var(--pst-color-text-base)";
  const own = "label, legend, input[type=text], button, .medbook-feedback, .medbook-unit, li";
  return Math.min(...[...document.querySelectorAll(own)]
    .filter((e) => e.offsetParent && e.getAttribute("aria-disabled") !== "true").map((e) => {
      const a = light(parse(getComputedStyle(e).color));
      const b = light(behind(e));
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    }));
}"""


def test_without_scripts_the_page_says_where_to_answer(browser, base):
    chapter = next(iter(sheets()))
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(f"{base}{chapter.replace('/', '-')}.html")
        still = page.locator(".medbook-exercise-still")
        assert still.count() == len(sheets()[chapter])
        assert all("Answer it in Jupyter" in text for text in still.all_inner_texts())
    finally:
        context.close()
