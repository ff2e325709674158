"""What axe-core finds beside the pages themselves (`test_pages`); and they print in light.

axe comes from npm for these tests alone, and is on no page.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from press.page.mending import MENDS
from tests.site.axe import SOURCE, UNFOLD, inspect, violations
from tests.site.crawl import NARROW_PX, html_files, names, reader, served

pytestmark = pytest.mark.browser


def test_what_opens_passes_too(browser, base) -> None:
    """The dialog of the search, and the drawer that holds the menu on a phone."""
    with reader(browser, base) as (page, _):
        page.goto(base + "index.html")
        page.wait_for_load_state("networkidle")
        page.keyboard.press("Control+K")
        page.locator("dialog[open] input[type=search]").wait_for()
        assert violations(page) == []
    with reader(browser, base) as (page, _):
        page.set_viewport_size({"width": NARROW_PX, "height": 800})
        page.goto(base + "index.html")
        page.wait_for_load_state("networkidle")
        page.locator("button.primary-toggle:visible").click()
        page.locator("dialog[open] a.reference").first.wait_for()
        assert violations(page) == []


def test_axe_is_not_shipped(site) -> None:
    assert [path for path in site.rglob("*") if path.name.startswith("axe")] == []
    scripts = [path.read_bytes() for path in site.rglob("*.js")]
    assert not any(b"Deque Systems" in script for script in scripts)


PLANTED = """<!doctype html><html lang="en" data-theme="light"><head><title>x</title><style>
html[data-theme="dark"] body { background: #111; color: #333; }
@media (max-width: 400px) { .late { color: #bbb; } }
</style></head><body><main><h1>Planted</h1>
<p>A <a href="#a" aria-label="elsewhere">link</a> of another name.</p><input type="text">
<details><summary>More</summary><p style="color: #ccc">Pale.</p></details>
<p class="late">Pale on a phone.</p></main><p>Outside of every landmark.</p></body></html>"""


def test_what_is_planted_is_found(browser, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(PLANTED, "utf-8")
    with served(tmp_path) as base:
        found = inspect(browser, base, "index.html")
    in_light = [line for line in found if "(light, 1280 px)" in line]
    for rule in ("label-content-name-mismatch", "label", "color-contrast", "region"):
        assert any(f": {rule}: " in line for line in in_light), rule
    pale = {look: sum(f"({look}): color-contrast: " in line for line in found)
            for look in ("light, 1280 px", "dark, 1280 px", f"light, {NARROW_PX} px")}  # fmt: skip
    assert pale["light, 1280 px"] == 1  # what stands in the fold
    assert pale[f"light, {NARROW_PX} px"] == 2
    assert pale["dark, 1280 px"] > 1


CODE = """<!doctype html><html lang="en" data-theme="light"><head><title>x</title><style>
.k, .folded .n { color: #ccc; } .s { color: #333; }</style></head><body><main><h1>Code</h1>
<pre><span class="k">if</span> <span class="n">a</span> <span class="s">1</span>
<span class="k">else</span> <span class="n">b</span></pre>
<div class="folded"><pre><span class="n">pale here alone</span></pre></div></main></body></html>"""


def test_of_words_of_code_coloured_alike_one_is_looked_at(browser, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(CODE, "utf-8")
    with served(tmp_path) as base:
        found = inspect(browser, base, "index.html")
    pale = [line for line in found if "(light, 1280 px): color-contrast: " in line]
    assert len(pale) == 2, pale


def test_the_checker_is_the_pinned_one() -> None:
    assert SOURCE.is_file(), "run `npm ci`: axe-core comes with it"


# ------------------------------------------------------------------------------------- on paper

COLOURS = """
() => {
  const parts = (colour) => (colour.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, place) => sum + c * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = (element) => {
    for (let box = element; box; box = box.parentElement) {
      const colour = parts(getComputedStyle(box).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.5) return light(colour);
    }
    return 1; // paper
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("svg, script, style")) continue;
    if (!element.checkVisibility() || !element.getClientRects().length) continue;
    const [ink, paper] = [light(parts(getComputedStyle(element).color)), behind(element)];
    const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (paper < 0.7 || contrast < 4.5) {
      found.push(`${element.tagName} ${element.className}: ${node.data.trim().slice(0, 40)}`
        + ` (ink ${ink.toFixed(2)} on ${paper.toFixed(2)})`);
    }
  }
  return found;
}
"""


@pytest.mark.parametrize("by", ["the system", "the switch"])
def test_a_page_prints_dark_on_white_whatever_the_screen_shows(browser, base, site, by) -> None:
    """Browsers print no backgrounds, so that what is pale for a dark one would not be seen."""
    pages = ["index.html", "status.html", *[name for name in names(site) if "/" in name][:2]]
    for name in pages:
        with reader(browser, base, dark=by == "the system") as (page, _):
            page.goto(base + name)
            page.wait_for_load_state("networkidle")
            page.evaluate(UNFOLD)
            if by == "the switch":
                page.evaluate("() => { document.documentElement.dataset.theme = 'dark'; }")
            assert page.locator("html").get_attribute("data-theme") == "dark"
            page.emulate_media(media="print")
            page.wait_for_timeout(400)
            assert page.evaluate(COLOURS) == [], name
            page.emulate_media(media="screen")
            assert page.locator("html").get_attribute("data-theme") == "dark"


def test_each_fault_that_we_mend_was_there(site) -> None:
    """The theme may have mended one itself; then ours goes."""
    raw = site.parent / "sphinx" / "_build" / "html"
    if not raw.is_dir():
        pytest.skip("only the build folder holds the pages as Sphinx wrote them")
    pages = [path.read_text("utf-8") for path in html_files(raw)]
    idle = [mend.fault for mend in MENDS if not any(mend.pattern.search(page) for page in pages)]
    assert idle == []
