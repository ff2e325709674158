"""Read a built site as a browser does, and tell what a reader would stumble over."""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urljoin

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
FETCHING = {
    "audio": ("src",),
    "embed": ("src",),
    "iframe": ("src",),
    "img": ("src", "srcset"),
    "input": ("src",),
    "link": ("href",),
    "object": ("data",),
    "script": ("src",),
    "source": ("src", "srcset"),
    "track": ("src",),
    "video": ("src", "poster"),
}
ELSEWHERE = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)
CSS_ELSEWHERE = re.compile(
    r"(?:url\(\s*|@import\s+)['\"]?\s*(?:https?:)?//[^\s'\")]+", re.IGNORECASE
)
CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
WIDE = (1280, 900)
NARROW_PX = 360


@dataclass
class Visit:
    """What was seen on one page."""

    page: str
    problems: list[str] = field(default_factory=list)
    formulas: int = 0

    def say(self, what: str) -> None:
        self.problems.append(f"{self.page}: {what}")


def chromium() -> str | None:
    """Where Chromium is, if it is."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return None


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve `folder` on loopback at a free port; yields the address of its root."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None: ...

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def reader(browser: Browser, base: str, *, dark: bool = False) -> Iterator[tuple[Page, list[str]]]:
    """A page that reaches nothing but `base`, and the list of what it asked of other hosts."""
    context: BrowserContext = browser.new_context(
        viewport={"width": WIDE[0], "height": WIDE[1]},
        color_scheme="dark" if dark else "light",
        service_workers="block",
    )
    refused: list[str] = []

    def gate(route, request) -> None:
        if request.url.startswith((base, "data:", "blob:")):
            route.continue_()
        else:
            refused.append(request.url)
            route.abort()

    context.route("**/*", gate)
    try:
        yield context.new_page(), refused
    finally:
        context.close()


@contextmanager
def opened(browser: Browser, base: str, path: str) -> Iterator[tuple[Page, Visit]]:
    """A page in a wide window, all set, and what goes wrong there as long as it is open."""
    seen = Visit(path)
    with reader(browser, base) as (page, refused):
        page.on("console", lambda m: seen.say(f"console: {m.text}") if m.type == "error" else None)
        page.on("pageerror", lambda error: seen.say(f"script error: {error}"))
        page.on(
            "response", lambda r: seen.say(f"{r.status} for {r.url}") if r.status >= 400 else None
        )
        page.goto(base + path)
        page.wait_for_load_state("networkidle")
        wait_for_formulas(page)
        wait_for_sliders(page)
        yield page, seen
        for address in refused:
            seen.say(f"asks another host: {address}")


def visit(browser: Browser, base: str, path: str, *, site: Path) -> Visit:
    """Open one page, and note everything that is wrong with it."""
    with opened(browser, base, path) as (page, seen):
        look_over(page, seen, base=base, site=site)
    return seen


def look_over(page: Page, seen: Visit, *, base: str, site: Path) -> None:
    """Note what is wrong with an opened page, wide and then phone-narrow.

    Its sliders are moved, and its links into the site must lead somewhere.
    """
    seen.formulas = page.locator("mjx-container").count()
    for text in page.evaluate(RAW_FORMULAS):
        seen.say(f"a formula was not set: {text!r}")
    for source in page.evaluate(IMAGES_WITHOUT_ALT):
        seen.say(f"an image has no alt text: {source}")
    for source in page.evaluate(BROKEN_IMAGES):
        seen.say(f"an image does not show: {source}")
    still = page.locator("figure.medbook-frames:not(.medbook-is-live)").count()
    if still:
        seen.say(f"{still} interactive figures have no slider")
    for fault in slider_faults(page):
        seen.say(fault)
    page.set_viewport_size({"width": NARROW_PX, "height": 800})
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if over > 0:
        seen.say(f"{over} px too wide for a screen of {NARROW_PX} px")
    targets = page.evaluate("[...document.querySelectorAll('a[href]')].map((a) => a.href)")
    for link in sorted(_inside(targets, base)):
        target = site / (link or "index.html")
        if not (target / "index.html" if target.is_dir() else target).is_file():
            seen.say(f"a link leads nowhere: {link}")


def slider_faults(page: Page) -> list[str]:
    """What is wrong with each interactive figure when its slider is moved from the keyboard."""
    found: list[str] = []
    for number, figure in enumerate(page.locator("figure.medbook-is-live").all(), start=1):
        handle = figure.locator(".noUi-handle, input[type=range]").first
        picture = figure.locator(".medbook-live img:visible")
        if picture.count() != 1:
            found.append(f"slider {number}: {picture.count()} pictures are shown")
            continue
        source, alt = picture.get_attribute("src"), picture.get_attribute("alt")
        place = [handle.get_attribute(f"aria-value{which}") for which in ("now", "max")]
        there, back = ("ArrowLeft", "ArrowRight") if place[0] == place[1] else (
            "ArrowRight", "ArrowLeft")  # fmt: skip
        handle.focus()
        page.keyboard.press(there)
        if not _shows(page, figure, source, same=False):
            found.append(f"slider {number}: the picture stays")
            continue
        if picture.get_attribute("alt") == alt:
            found.append(f"slider {number}: the alt text stays")
        page.keyboard.press(back)
        if not _shows(page, figure, source, same=True):
            found.append(f"slider {number}: the picture does not come back")
    return found


def _shows(page: Page, figure: Locator, source: str | None, *, same: bool) -> bool:
    """Whether the figure comes to show one picture, whole, that is or is not `source`."""
    from playwright.sync_api import TimeoutError as TookTooLong

    try:
        arguments = [figure.element_handle(), source, same]
        page.wait_for_function(ONE_PICTURE, arg=arguments, timeout=SLIDER_MS)
    except TookTooLong:
        return False
    return True


def _inside(targets: list[str], base: str) -> set[str]:
    """Those addresses that lie below `base`, from there on, without what follows a #."""
    inside = (target.removeprefix(base) for target in targets if target.startswith(base))
    return {unquote(urldefrag(target).url) for target in inside}


def html_files(site: Path) -> list[Path]:
    """The pages, without the theme's own snippets."""
    return [path for path in site.rglob("*.html") if "_static" not in path.parts]


def names(site: Path) -> list[str]:
    """The pages by their addresses below the site's."""
    return sorted(path.relative_to(site).as_posix() for path in html_files(site))


def chapters(site: Path) -> list[str]:
    """Those of them that are chapters."""
    return [name for name in names(site) if is_chapter(site, name)]


def is_chapter(site: Path, name: str) -> bool:
    """Whether a page is a chapter's."""
    return "medbook-facts" in (site / name).read_text("utf-8")


def links_of(site: Path, name: str) -> set[str]:
    """Where the links of a page lead inside the site, read from the file."""
    parser = _Links()
    parser.feed((site / name).read_text("utf-8"))
    base = "http://site.invalid/"
    return _inside([urljoin(base + name, link) for link in parser.found], base)


def wait_for_formulas(page: Page) -> None:
    """Until MathJax, where the page has it, has set everything."""
    page.evaluate(
        "() => window.MathJax && MathJax.startup && MathJax.startup.promise.then(() => true)"
    )


def wait_for_sliders(page: Page) -> None:
    """Until each interactive figure has its slider; gives up silently, the count then tells."""
    from playwright.sync_api import TimeoutError as TookTooLong

    try:
        page.wait_for_function(
            "() => !document.querySelector('figure.medbook-frames:not(.medbook-is-live)')",
            timeout=10_000,
        )
    except TookTooLong:
        return


class _Links(HTMLParser):
    """Collects where links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


class _Fetches(HTMLParser):
    """Collects what a page would fetch from another host just by being opened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page, self.found = page, []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            value = value or ""
            if name in FETCHING.get(tag, ()):
                addresses = [part.split()[0] for part in value.split(",") if part.strip()]
                hits = [a for a in addresses if ELSEWHERE.match(a)]
            else:
                hits = CSS_ELSEWHERE.findall(value) if name == "style" else []
            self.found += [f"{self.page}: <{tag} {name}> {hit}" for hit in hits]


def named_hosts(site: Path) -> list[str]:
    """Every address of another host that a page or a style sheet would fetch from."""
    found: list[str] = []
    for path in html_files(site):
        parser = _Fetches(path.relative_to(site).as_posix())
        parser.feed(path.read_text("utf-8"))
        found += parser.found
    for path in site.rglob("*.css"):
        text = CSS_COMMENT.sub("", path.read_text("utf-8"))
        name = path.relative_to(site).as_posix()
        found += [f"{name}: {hit}" for hit in CSS_ELSEWHERE.findall(text)]
    return found


SLIDER_MS = 10_000
ONE_PICTURE = """
([figure, source, same]) => {
  const shown = [...figure.querySelectorAll(".medbook-live img")]
    .filter((image) => image.getBoundingClientRect().width > 0);
  const [image] = shown;
  if (shown.length !== 1 || !image.complete || image.naturalWidth === 0) return false;
  return (image.getAttribute("src") === source) === same;
}
"""
RAW_FORMULAS = r"""
() => {
  const skip = "pre, code, script, style, noscript, mjx-container, textarea";
  const raw = /\$\$|\\\(|\\\[|\\begin\{|\$[^$\n]+\$/;
  const main = document.querySelector("main") || document.body;
  const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.parentElement.closest(skip)) continue;
    if (raw.test(node.data)) found.push(node.data.trim().slice(0, 80));
  }
  document.querySelectorAll(".math").forEach((box) => {
    if (!box.querySelector("mjx-container")) found.push(box.textContent.slice(0, 80));
  });
  document.querySelectorAll("mjx-container [data-mml-node='merror']").forEach((bad) => {
    found.push("error: " + bad.getAttribute("data-mjx-error"));
  });
  return found;
}
"""
IMAGES_WITHOUT_ALT = """
() => [...document.querySelectorAll("main img, article img")]
  .filter((image) => !(image.alt || "").trim()).map((image) => image.src.slice(0, 120))
"""
BROKEN_IMAGES = """
() => [...document.images].filter((image) => image.complete && image.naturalWidth === 0)
  .map((image) => image.src.slice(0, 120))
"""
