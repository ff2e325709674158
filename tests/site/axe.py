"""Ask axe-core, a checker of accessibility, what a reader with other eyes or hands would miss.

All rules of WCAG 2.0 to 2.2, levels A and AA, are asked for, its recommended practices and its
experimental rules too; level AAA is not. What stands in a fold is unfolded first: axe passes over
what is not shown.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.site.crawl import NARROW_PX, WIDE, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SOURCE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
TAGS = (
    *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"),
    *("best-practice", "experimental"),
)
LOOKS = (("light", WIDE), ("dark", WIDE), ("light", (NARROW_PX, 800)))

RUN = """
async (tags) => {
  const options = { runOnly: tags, resultTypes: ["violations"], iframes: false };
  options.rules = { "hidden-content": { enabled: false } }; // never wrong, only slow
  const found = await axe.run(document, options);
  const why = (node) => (node.failureSummary || "").split("\\n").slice(1, 3).join(" ").trim();
  return found.violations.flatMap((rule) =>
    rule.nodes.map((node) => [rule.id, node.target.flat().join(" "), why(node)]));
}
"""
UNFOLD = """
() => {
  document.querySelectorAll("details").forEach((fold) => { fold.open = true; });
  const folded = document.querySelectorAll(".toggle-hidden");
  folded.forEach((fold) => fold.classList.remove("toggle-hidden"));
}
"""
# Most of a chapter's elements are words of code. A word's colour follows from its class and from
# the classes around it: of words alike in these one is looked at, the rest become plain text. A
# formula is a picture with its words beside it: its strokes, a third of a page, are nobody's text.
THIN = """
() => {
  const seen = new Set();
  for (const word of [...document.querySelectorAll("pre span[class]")].reverse()) {
    const around = [];
    for (let one = word; one; one = one.parentElement) around.push(one.className);
    const kind = around.join(" < ");
    if (seen.has(kind)) word.replaceWith(...word.childNodes);
    seen.add(kind);
  }
  document.querySelectorAll("mjx-container > svg").forEach((picture) => picture.replaceChildren());
}
"""
SETTLE = """
() => {
  const style = document.createElement("style");
  const still = "{ transition: none !important; animation: none !important; }";
  style.textContent = `*, *::before, *::after ${still}`;
  document.head.append(style);
}
"""


def look(page: Page, theme: str, size: tuple[int, int]) -> None:
    """Give the page a theme and a width, as the theme's own switch does."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.evaluate(
        "(theme) => Object.assign(document.documentElement.dataset, { theme, mode: theme })", theme
    )


def violations(page: Page) -> list[str]:
    """What axe says of the page as it is shown now: rule, place, what is wrong."""
    page.wait_for_timeout(400)  # the theme measures what scrolls 300 ms after a change of width
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(SOURCE.read_text("utf-8"))
    return [": ".join(one) for one in page.evaluate(RUN, list(TAGS))]


def inspect(browser: Browser, base: str, path: str) -> list[str]:
    """What axe says of one page in every look, each line with page and look."""
    with opened(browser, base, path) as (page, _):
        return inspected(page, path)


def inspected(page: Page, path: str) -> list[str]:
    """What axe says of an opened page in every look; it is unfolded and thinned for that."""
    found: list[str] = []
    page.evaluate(SETTLE)
    page.evaluate(UNFOLD)
    page.evaluate(THIN)
    for theme, size in LOOKS:
        look(page, theme, size)
        found += [f"{path} ({theme}, {size[0]} px): {line}" for line in violations(page)]
    return found
