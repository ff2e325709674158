"""The built book in a real browser, with every other host out of reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.site.crawl import (
    Visit,
    crawl,
    named_hosts,
    reader,
    served,
    visit,
    wait_for_sliders,
)

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def visits(browser, base: str, site: Path) -> list[Visit]:
    return crawl(browser, base, site)


def test_no_page_or_style_sheet_names_another_host_to_fetch_from(site: Path) -> None:
    assert named_hosts(site) == []


def test_every_page_is_whole_in_a_browser_that_reaches_no_other_host(visits: list[Visit]) -> None:
    assert [problem for seen in visits for problem in seen.problems] == []


def test_the_crawl_saw_the_whole_book(visits: list[Visit]) -> None:
    by_page = {seen.page: seen for seen in visits}
    assert {"index.html", "status.html", "glossary.html", "notation.html"} <= set(by_page)
    assert by_page["notation.html"].formulas > 20
    assert sum(seen.sliders for seen in visits) >= 1
    reached = {link or "index.html" for seen in visits for link in seen.links}
    lonely = set(by_page) - reached - {"search.html", "genindex.html", "prf-prf.html"}
    assert lonely == set()


def test_every_slider_moves_its_picture_from_the_keyboard(
    browser, base: str, visits: list[Visit]
) -> None:
    pages = [seen.page for seen in visits if seen.sliders]
    assert pages
    for path in pages:
        with reader(browser, base) as (page, _):
            page.goto(base + path)
            wait_for_sliders(page)
            for figure in page.locator("figure.medbook-frames").all():
                handle = figure.locator(".noUi-handle, input[type=range]").first
                picture = figure.locator(".medbook-live img:visible")
                before = (picture.get_attribute("src"), picture.get_attribute("alt"))
                at_end = handle.get_attribute("aria-valuenow") == handle.get_attribute(
                    "aria-valuemax"
                )
                handle.focus()
                page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")
                page.wait_for_timeout(300)
                after = (picture.get_attribute("src"), picture.get_attribute("alt"))
                assert before[0] != after[0], f"{path}: the picture stays"
                assert before[1] != after[1], f"{path}: the alt text stays"
                assert picture.count() == 1
                assert picture.evaluate("(image) => image.naturalWidth") > 0
                page.keyboard.press("ArrowRight" if at_end else "ArrowLeft")
                page.wait_for_timeout(300)
                assert picture.get_attribute("src") == before[0]


def test_the_still_picture_serves_readers_without_scripts(browser, base: str, visits) -> None:
    path = next(seen.page for seen in visits if seen.sliders)
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(base + path)
        still = page.locator("figure.medbook-frames > img, figure.medbook-frames > a > img").first
        assert still.is_visible()
        assert still.get_attribute("alt")
    finally:
        context.close()


def luminance(page, what: str) -> float:
    """Relative brightness, 0..1, of the background behind `what`."""
    return page.evaluate(
        """(what) => {
          const [r, g, b] = getComputedStyle(document.querySelector(what))
            .backgroundColor.match(/[\\d.]+/g).map(Number);
          return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
        }""",
        what,
    )


def test_dark_mode_follows_the_system_and_the_switch(browser, base: str, visits) -> None:
    path = next(seen.page for seen in visits if seen.sliders)
    with reader(browser, base, dark=True) as (page, _):
        page.goto(base + path)
        assert page.locator("html").get_attribute("data-theme") == "dark"
        assert luminance(page, "body") < 0.2
        assert luminance(page, "figure.medbook-figure img") > 0.95
        themes = set()
        for _ in range(3):
            page.locator("button.theme-switch-button:visible").first.click()
            themes.add(page.locator("html").get_attribute("data-theme"))
            if themes >= {"light"}:
                assert luminance(page, "body") > 0.8
                break
        assert "light" in themes


PLANTED = """<!doctype html><html><head><title>x</title>
<link rel="stylesheet" href="https://fonts.example.org/a.css"></head><body><main>
<p>Never set: $$ x^2 $$</p><p class="math">\\(y\\)</p>
<img src="https://elsewhere.example.org/pixel.png" alt="There is none such.">
<img src="there.png"><img src="gone.png" alt="A picture that is gone.">
<div style="width: 900px; background: url(//cdn.example.org/b.png)">wide</div>
<figure class="medbook-frames"></figure><a href="nowhere.html">nowhere</a>
<script>console.error("planted"); setTimeout(() => { throw new Error("planted too"); }, 0);</script>
</main></body></html>"""


def test_what_is_planted_is_found(browser, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(PLANTED, "utf-8")
    (tmp_path / "a.css").write_text("@import 'https://styles.example.org/c.css';", "utf-8")
    with served(tmp_path) as base:
        problems = " | ".join(crawl(browser, base, tmp_path)[0].problems)
    for what in (
        "asks another host: https://fonts.example.org/a.css",
        "asks another host: https://elsewhere.example.org/pixel.png",
        "asks another host: http://cdn.example.org/b.png",
        "a formula was not set: 'Never set: $$ x^2 $$'",
        "a formula was not set: '\\\\(y\\\\)'",
        "an image has no alt text",
        "an image does not show",
        "404 for",
        "console: planted",
        "script error: planted too",
        "1 interactive figures have no slider",
        "px too wide for a screen of 360 px",
        "a link leads nowhere: nowhere.html",
    ):
        assert what in problems
    assert [line.rsplit("/", 1)[-1] for line in named_hosts(tmp_path)] == [
        "a.css",
        "pixel.png",
        "b.png",
        "c.css",
    ]


def test_a_page_in_order_passes(browser, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<!doctype html><html><head><title>x</title><link rel="icon" href="data:,"></head>'
        '<body><main><p>Five dollars, or $5.</p><a href="index.html">here</a></main></body></html>',
        "utf-8",
    )
    with served(tmp_path) as base:
        assert visit(browser, base, "index.html").problems == []
    assert named_hosts(tmp_path) == []
