"""The built site, served on loopback, and a browser to read it with.

Reads ``build/site`` (or $MEDBOOK_SITE). Without it, or without Chromium, these tests are skipped
with the reason; where CI=true they fail instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.site.crawl import FLAGS, chapters, chromium, names, served

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(os.environ.get("MEDBOOK_SITE") or ROOT / "build" / "site")  # before tests lose settings


def pytest_generate_tests(metafunc) -> None:
    """One test a page; all of them where browser tests are asked for, as `.ci/run` does.

    Else of the index and one chapter. A test asks for `page_name`.
    """
    if "page_name" in metafunc.fixturenames:
        found = names(SITE) if SITE.is_dir() else []
        if "browser" not in metafunc.config.getoption("markexpr"):
            found = ["index.html", *(chapters(SITE)[:1] if found else [])]
        metafunc.parametrize("page_name", found or ["index.html"])


def absent(reason: str) -> None:
    """Skip, but fail in CI: there the site and the browser must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser():
    """Chromium, while one file of tests runs: as long as it lives, no other event loop can start.

    Tests of other files, which one process may run before and after, start their own.
    """
    program = chromium()
    if program is None:
        absent("no Chromium here; Debian: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site() -> Path:
    if not (SITE / "index.html").is_file():
        absent(f"{SITE} holds no site; `medbook build` makes it")
    return SITE


@pytest.fixture(scope="session")
def site_base(site: Path) -> Iterator[str]:
    """The address of the served site."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="session")
def base(site_base: str) -> str:
    """The same; a file of tests may put pages of its own in its place."""
    return site_base
