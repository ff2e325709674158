"""The switch "Code: key, all, none", operated in a browser on a page as MyST-NB writes it.

The page is made here from the book's own switch, script and styles, so no built site is needed;
where there is one, `test_pages` operates the switch of each chapter.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from press.page.code_switch import switch_markdown
from tests.site.crawl import NARROW_PX, reader, served

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "book" / "_static"
SWITCH = switch_markdown().split("html\n", 1)[1].rsplit("\n", 1)[0]
# what is settled while the page is still being read: a script in the middle of it looks
PROBE = """<script>window.seen = {
  code: document.documentElement.dataset.code,
  open: document.querySelector("details.above-input").open,
  checked: document.querySelector("input[name=medbook-code]:checked").value };</script>"""


def cell(tag: str, text: str, *, output: str = "") -> str:
    """A code cell as MyST-NB renders it."""
    code = f'<div class="cell_input docutils container"><pre>{text}</pre></div>'
    if tag == "hide-input":
        code = (
            '<details class="admonition hide above-input"><summary>'
            '<p class="collapsed admonition-title">Show the code</p>'
            f'<p class="expanded admonition-title">Hide the code</p></summary>{code}</details>'
        )
    shown = f'<div class="cell_output docutils container">{output}</div>' if output else ""
    return f'<div class="cell tag_{tag} docutils container">{code}{shown}</div>'


def page_text(script: str = '<script src="code_switch.js"></script>') -> str:
    """A chapter's page in short."""
    return f"""<!doctype html><html lang="en" data-theme="light"><head><title>x</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="medbook.css">
<style>details[open] > summary > .collapsed, details:not([open]) > summary > .expanded {{
  display: none; }}</style><link rel="stylesheet" href="reading.css">{script}</head><body>
<article class="bd-article"><h1>A chapter</h1>{SWITCH}
{cell("hide-input", "seed = 0")}{PROBE}
{cell("key", "gain = network - rival", output="It gains 1 dB.")}
{cell("hide-input", "figure = draw()", output="A picture.")}
{cell("self-check", "answer = None")}
<details class="sd-sphinx-override sd-dropdown sd-card sd-mb-3 deeper">
<summary class="sd-summary-title sd-card-header">Deeper: why</summary>
<div class="sd-summary-content"><p class="sd-card-text">Because.</p></div></details>
</article></body></html>"""


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("pages")
    for name in ("code_switch.js", "reading.css", "medbook.css"):
        (folder / name).write_bytes((STATIC / name).read_bytes())
    (folder / "one.html").write_text(page_text(), "utf-8")
    (folder / "two.html").write_text(page_text(), "utf-8")
    late = page_text('<script src="code_switch.js" defer></script>')
    (folder / "late.html").write_text(late, "utf-8")
    with served(folder) as address:
        yield address


@pytest.fixture
def page(browser, base: str):
    """The page, freshly opened by a reader who chose nothing yet."""
    with reader(browser, base) as (page, _):
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(base + "one.html")
        yield page
    assert complaints == []


def shown(page) -> dict[str, bool]:
    """Which pieces of the page a reader sees."""
    pieces = {
        "folded": "text=seed = 0",
        "folded with a picture": "text=figure = draw()",
        "fold": "text=Show the code",
        "key": "text=gain = network",
        "sentence": "text=It gains",
        "picture": "text=A picture.",
        "exercise": "text=answer = None",
    }
    return {name: page.locator(where).first.is_visible() for name, where in pieces.items()}


WORDS = {"sentence": True, "picture": True, "exercise": True}
KEY = {**WORDS, "folded": False, "folded with a picture": False, "fold": True, "key": True}
ALL = {**WORDS, "folded": True, "folded with a picture": True, "fold": False, "key": True}
NONE = {**WORDS, "folded": False, "folded with a picture": False, "fold": False, "key": False}


def test_a_page_first_shows_its_key_cells(page) -> None:
    assert shown(page) == KEY
    assert page.get_by_role("group", name="Code").get_by_role("radio").count() == 3
    assert page.get_by_role("radio", name="key").is_checked()


def test_every_position_is_reached_from_the_keyboard(page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.value") == "key"
    page.keyboard.press("ArrowRight")
    assert shown(page) == ALL
    page.keyboard.press("ArrowRight")
    assert shown(page) == NONE
    page.keyboard.press("ArrowRight")
    assert shown(page) == KEY


def test_the_choice_is_settled_before_the_page_is_drawn_next_time(page, base: str) -> None:
    page.get_by_role("radio", name="all").check()
    page.goto(base + "two.html")
    assert page.evaluate("seen") == {"code": "all", "open": True, "checked": "all"}
    assert shown(page) == ALL
    page.get_by_role("radio", name="none").check()
    page.reload()
    assert page.evaluate("seen") == {"code": "none", "open": False, "checked": "none"}
    assert shown(page) == NONE


def test_the_probe_can_tell_when_it_is_settled_too_late(page, base: str) -> None:
    page.get_by_role("radio", name="all").check()
    page.goto(base + "late.html")
    assert page.evaluate("seen") == {"code": None, "open": False, "checked": "key"}
    assert shown(page) == ALL


def test_nothing_moves_while_a_page_with_all_code_loads(page, base: str) -> None:
    page.get_by_role("radio", name="all").check()
    page.goto(base + "two.html")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")
    moved = page.evaluate("performance.getEntriesByType('layout-shift').length")
    assert moved == 0


def test_one_fold_opens_by_itself_from_the_keyboard(page) -> None:
    page.locator("summary", has_text="Show the code").first.focus()
    page.keyboard.press("Enter")
    assert shown(page)["folded"] is True
    assert shown(page)["folded with a picture"] is False


def test_deeper_opens_from_the_keyboard_in_every_position(page) -> None:
    for mode in ("key", "all", "none"):
        page.get_by_role("radio", name=mode).check()
        assert not page.get_by_text("Because.").is_visible()
        page.locator("summary", has_text="Deeper").focus()
        page.keyboard.press("Enter")
        assert page.get_by_text("Because.").is_visible()
        page.keyboard.press("Enter")


def test_other_open_pages_follow(page, base: str) -> None:
    other = page.context.new_page()
    other.goto(base + "two.html")
    page.get_by_role("radio", name="none").check()
    other.wait_for_function("document.documentElement.dataset.code === 'none'")
    assert shown(other) == NONE
    assert other.get_by_role("radio", name="none").is_checked()


@pytest.mark.parametrize(
    "spoil",
    [
        "localStorage.setItem('medbook-code', 'everything')",
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('off') }})",
    ],
)
def test_a_spoilt_or_forbidden_memory_leaves_the_switch_at_work(browser, base, spoil) -> None:
    with reader(browser, base) as (page, _):
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.add_init_script(spoil)
        page.goto(base + "one.html")
        assert shown(page) == KEY
        page.get_by_role("radio", name="none").check()
        assert shown(page) == NONE
    assert complaints == []


def test_without_scripts_key_cells_stand_open_and_the_rest_can_be_opened(browser, base) -> None:
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(base + "one.html")
        assert page.locator(".medbook-code").is_hidden()
        assert shown(page) == KEY
        page.locator("summary", has_text="Show the code").first.click()
        assert shown(page)["folded"] is True
    finally:
        context.close()


CONTRAST = """(what) => {
  const rgb = (text) => text.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  const light = (text) => { const [r, g, b] = rgb(text); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const style = getComputedStyle(what);
  const [dark, bright] = [light(style.color), light(style.backgroundColor)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
}"""  # noqa: E501


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_legible_in_light_and_dark_and_fits_a_phone(page, theme: str) -> None:
    page.set_viewport_size({"width": NARROW_PX, "height": 800})
    page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
    for label in page.locator(".medbook-code span").all():
        assert label.evaluate(CONTRAST) >= 4.5
        assert label.bounding_box()["height"] >= 24  # WCAG 2.2, 2.5.8: target size
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
