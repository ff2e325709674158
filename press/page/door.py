"""The exit door: plain, newest Sphinx makes the same pages of the same staged book.

Jupyter Book 1.x is in maintenance and pins an old Sphinx. `jupyter-book config sphinx` turns the
book's configuration into a `conf.py`; with it, Sphinx and myst-nb in an environment of their own
(`constraints-door.txt`) render what `build/stage` holds, and the text of every page is compared
with the site's. While that is green the book can leave Jupyter Book on any day.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path

from press.errors import Exit, UserError
from press.page.mending import mended
from press.page.site import build_site, complaints
from press.source.project import Project

# extensions that come with Jupyter Book itself: settings of its own, and its LaTeX
LEFT_BEHIND = ("jupyter_book", "sphinx_jupyterbook_latex")
SHOWN = ("Sphinx", "myst-nb", "myst-parser", "docutils", "sphinx-book-theme")
CONTEXT = 6  # words that a difference is told with
# The one thing that is written differently: newer myst-parser puts an environment of a formula
# onto the line before it. TeX reads both alike.
_BETWEEN_ENVIRONMENTS = re.compile(r"(?<=\})\s+(?=\\(?:begin|end)\b)")


class DoorError(UserError):
    """The door does not open: it cannot render the book, or renders another text."""


def through_the_door(
    project: Project, *, python: Path | None = None, echo: Callable[[str], None] = print
) -> None:
    """Render the staged book with the door's own Sphinx, and compare every page with the site's.

    Args:
        project: the checkout; its site is made first where it is not up to date.
        python: the interpreter of the door's environment.
        echo: told what happens, a line at a time.

    Raises:
        SiteError: the site itself cannot be made.
        DoorError: the environment is missing, Sphinx warned, or a page's text differs; the message
            names each page with the first words that differ.
    """
    python = python or project.root / ".venv-door" / "bin" / "python"
    versions = installed(python)
    build_site(project, echo=echo)
    work = project.build / "door"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(project.stage, work / "source")
    write_configuration(work / "source")
    echo(f"door: rendering with {versions}")
    render(python, work / "source", work / "html", log=project.build / "door.log")
    found = differences(project.site, work / "html")
    if found:
        raise DoorError(
            f"plain Sphinx makes other pages than Jupyter Book: {'; '.join(found[:10])}"
            + (f"; and {len(found) - 10} more" if len(found) > 10 else ""),
            Exit.CHECK_FAILED,
        )
    echo(f"door: {len(pages(project.site))} pages, each word for word the site's")


def installed(python: Path) -> str:
    """The renderers of the door's environment, with their versions.

    Raises:
        DoorError: there is no such environment, or it lacks one of them.
    """
    ask = (
        "import sys; from importlib.metadata import version;"
        " print(*(f'{name} {version(name)}' for name in sys.argv[1:]), sep=', ')"
    )
    try:
        done = subprocess.run(
            [str(python), "-c", ask, *SHOWN], capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise DoorError(
            f"{python}: {error.strerror}: `make door` makes the environment of the exit door",
            Exit.ENVIRONMENT,
        ) from None
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise DoorError(f"{python}: {why}; `make door` installs what is missing", Exit.ENVIRONMENT)
    return done.stdout.strip()


def write_configuration(source: Path) -> None:
    """Write ``conf.py`` from the ``_config.yml`` of a staged book, as Jupyter Book itself does.

    Raises:
        DoorError: it could not.
    """
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    done = subprocess.run(
        [*command, "config", "sphinx", str(source)],
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    path = source / "conf.py"
    if done.returncode != 0 or not path.is_file():
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise DoorError(f"`jupyter-book config sphinx` failed: {' '.join(last)}", Exit.CHECK_FAILED)
    with path.open("a", encoding="utf-8") as file:
        file.write(
            f"extensions = [e for e in dict.fromkeys(extensions) if e not in {LEFT_BEHIND}]\n"
        )


def render(python: Path, source: Path, html: Path, *, log: Path) -> None:
    """Render with plain Sphinx; a warning is an error.

    Raises:
        DoorError: Sphinx warned or failed; the message holds what it said first.
    """
    command = [str(python), "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "--no-color"]
    done = subprocess.run(
        [*command, str(source), str(html)],
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    log.write_text(done.stdout, "utf-8")
    if done.returncode != 0:
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        found = complaints(lines, stage=source) or lines[-3:] or [f"exit {done.returncode}"]
        raise DoorError(
            f"plain Sphinx does not take the book: {'; '.join(found[:10])} (whole log: {log})",
            Exit.CHECK_FAILED,
        )


# ------------------------------------------------------------------------------- page against page


def differences(site: Path, other: Path) -> list[str]:
    """What a reader of `other` would read otherwise than in `site`: one line for each page.

    The site's pages are mended when they are finished (`mending`); so are the other's here.
    """
    ours, theirs = pages(site), pages(other)
    found = [f"{page}: is missing" for page in ours if page not in theirs]
    found += [f"{page}: is no page of the site" for page in theirs if page not in ours]
    for page in ours:
        if page in theirs:
            was, now = page_words(ours[page]), page_words(mended(theirs[page]))
            if was != now:
                found.append(f"{page}: {first_difference(was, now)}")
    return found


def pages(site: Path) -> dict[str, str]:
    """Page name -> HTML of every page of a site, without the theme's snippets."""
    return {
        name: path.read_text("utf-8")
        for path in sorted(site.rglob("*.html"))
        if not (name := path.relative_to(site).as_posix()).startswith("_static/")
    }


def page_words(html: str) -> list[str]:
    """The words of a page's article: text, formulas in TeX, and the alt texts of its pictures.

    What the theme puts around the article is its own and not compared: menus, search, footer. A
    page without an article (the search page is one) has no words.

    >>> page_words('<article><p>A <b>b</b>\\n c</p><img alt="a bee"></article><p>footer</p>')
    ['A', 'b', 'c', 'a', 'bee']
    """
    article = _Article()
    article.feed(html)
    article.close()
    return _BETWEEN_ENVIRONMENTS.sub("", "".join(article.text)).split()


def first_difference(was: Sequence[str], now: Sequence[str]) -> str:
    """Where two texts part, in words.

    >>> first_difference("the dose was low".split(), "the dose is low".split())
    "from word 3: 'was low' became 'is low'"
    """
    pairs = enumerate(zip_longest(was, now))
    place = next((place for place, (old, new) in pairs if old != new), len(was))
    old, new = (" ".join(words[place : place + CONTEXT]) or "its end" for words in (was, now))
    return f"from word {place + 1}: {old!r} became {new!r}"


class _Article(HTMLParser):
    """Collects the text of a page's articles."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self._articles, self._silent = 0, 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "article":
            self._articles += 1
        elif tag in ("script", "style"):
            self._silent += 1
        elif tag == "img" and self._articles:
            self.text.append(f" {dict(attrs).get('alt') or ''} ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self._articles -= 1
        elif tag in ("script", "style"):
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if self._articles and not self._silent:
            self.text.append(data)
