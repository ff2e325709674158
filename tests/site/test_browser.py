"""The built book in a real browser, beside what `test_pages` asks of each page."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.site.crawl import links_of, named_hosts, names, reader, served, visit

pytestmark = pytest.mark.browser


@pytest.fixture
def slider_page(site: Path) -> str:
    """The first page that has an interactive figure."""
    return next(
        name for name in names(site) if "medbook-frames" in (site / name).read_text("utf-8")
    )


def test_no_page_or_style_sheet_names_another_host_to_fetch_from(site: Path) -> None:
    assert named_hosts(site) == []


def test_every_page_can_be_reached_from_another(site: Path) -> None:
    pages = set(names(site))
    assert {"index.html", "status.html", "glossary.html", "notation.html"} <= pages
    reached = {link or "index.html" for name in pages for link in links_of(site, name)}
    assert pages - reached - {"search.html", "genindex.html", "prf-prf.html"} == set()


def test_the_still_picture_serves_readers_without_scripts(browser, base: str, slider_page) -> None:
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(base + slider_page)
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


def test_dark_mode_follows_the_system_and_the_switch(browser, base: str, slider_page) -> None:
    with reader(browser, base, dark=True) as (page, _):
        page.goto(base + slider_page)
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
<figure class="medbook-is-live"><div class="medbook-live"><img src="there.png" alt="It stays.">
<input type="range"></div></figure>
<script>console.error("planted"); setTimeout(() => { throw new Error("planted too"); }, 0);</script>
</main></body></html>"""


def test_what_is_planted_is_found(browser, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(PLANTED, "utf-8")
    (tmp_path / "a.css").write_text("@import 'https://styles.example.org/c.css';", "utf-8")
    with served(tmp_path) as base:
        problems = " | ".join(visit(browser, base, "index.html", site=tmp_path).problems)
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
        "slider 1: the picture stays",
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


SLIDER = """<!doctype html><html><head><title>x</title><link rel="icon" href="data:,"></head><body>
<main><figure class="medbook-frames medbook-is-live"><div class="medbook-live">
<img alt="Frame 1."><input type="range" min="1" max="2" value="1" aria-valuenow="1"
aria-valuemax="2"></div></figure></main><script>
const image = document.querySelector("img"), slider = document.querySelector("input");
const show = (number) => { image.src = `data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"
  width="${number}0" height="9"/>`; image.alt = `Frame ${@@}.`; };
show(1);
slider.addEventListener("input", () => setTimeout(() => show(slider.value), 700));
</script></body></html>"""


@pytest.mark.parametrize(("told", "faults"), [("number", []), ("1", ["the alt text stays"])])
def test_a_slider_is_waited_for_and_its_alt_text_looked_at(browser, tmp_path, told, faults) -> None:
    (tmp_path / "index.html").write_text(SLIDER.replace("@@", told), "utf-8")
    with served(tmp_path) as base:
        seen = visit(browser, base, "index.html", site=tmp_path)
    assert seen.problems == [f"index.html: slider 1: {fault}" for fault in faults]


def test_a_page_in_order_passes(browser, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<!doctype html><html><head><title>x</title><link rel="icon" href="data:,"></head>'
        '<body><main><p>Five dollars, or $5.</p><a href="index.html">here</a></main></body></html>',
        "utf-8",
    )
    with served(tmp_path) as base:
        assert visit(browser, base, "index.html", site=tmp_path).problems == []
    assert named_hosts(tmp_path) == []
