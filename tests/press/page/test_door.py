"""The exit door: red when plain Sphinx makes another text of a page, and it says which words.

The door's own environment is made by `make door`; here this one's Sphinx stands in for it.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from press.errors import Exit
from press.page.assets import FILES
from press.page.door import DoorError, differences, first_difference, page_words, through_the_door
from press.page.mending import mended
from press.page.site import build_site
from press.source.project import Project

ROOT = Path(__file__).resolve().parents[3]
TOC = "format: jb-book\nroot: index\nparts:\n  - caption: All\n    chapters:\n      - file: other\n"
OTHER = """\
# Another page

Its text, and a formula:

$$
\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}
$$

| | of a table |
|---|---|
| a row | whose corner is empty |
"""
# a Python that runs what it is told to, and then changes a word on one page
LIAR = """\
#!/bin/sh
{python} "$@" || exit $?
for last; do :; done
test -f "$last/other.html" && sed -i 's/Its text/Its words/' "$last/other.html"
exit 0
"""


def silent(line: str) -> None: ...


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    root = tmp_path_factory.mktemp("book")
    lock = json.dumps({"packages": {"node_modules/a": {"version": "1", "integrity": "i"}}})
    texts = {
        "package-lock.json": lock,
        "node_modules/.package-lock.json": lock,
        **{f"node_modules/{name}": "" for name in FILES},
        "pyproject.toml": '[project]\nname = "pixels-to-patients"\n',
        "_toc.yml": TOC,
        "book/index.md": "# The book\n\nRead [](other.md).\n",
        "book/other.md": OTHER,
        "book/references.bib": "",
    }
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    (root / "chapters").mkdir()
    shutil.copytree(ROOT / "book" / "_static", root / "book" / "_static")
    shutil.copy(ROOT / "_config.yml", root)
    return Project(root)


@pytest.fixture
def liar(tmp_path: Path) -> Path:
    program = tmp_path / "python"
    program.write_text(LIAR.format(python=sys.executable), "utf-8")
    program.chmod(0o755)
    return program


def test_the_book_goes_through_and_a_changed_word_does_not(project: Project, liar: Path) -> None:
    said: list[str] = []
    through_the_door(project, python=Path(sys.executable), echo=said.append)
    assert said[-1] == "door: 4 pages, each word for word the site's"
    assert any(line.startswith("door: rendering with Sphinx ") for line in said)
    with pytest.raises(DoorError) as caught:
        through_the_door(project, python=liar, echo=silent)
    assert caught.value.exit_code == Exit.CHECK_FAILED
    assert "other.html: from word 4: 'text, and a formula:" in str(caught.value)
    assert "became 'words, and a formula:" in str(caught.value)
    assert "index.html" not in str(caught.value)


def test_what_sphinx_warns_of_is_told(project: Project) -> None:
    from press.page.door import render

    build_site(project, echo=silent)
    source = project.build / "warned"
    source.mkdir(exist_ok=True)
    (source / "conf.py").write_text('extensions = ["myst_parser"]\n', "utf-8")
    (source / "index.md").write_text("# X\n\n[](nowhere.md)\n", "utf-8")
    with pytest.raises(DoorError, match=r"does not take the book: index\.md:3: WARNING: .*nowhere"):
        render(Path(sys.executable), source, source / "html", log=project.build / "door.log")


def test_without_its_environment_it_says_how_to_make_it(project: Project, tmp_path: Path) -> None:
    with pytest.raises(DoorError, match="`make door` makes the environment") as caught:
        through_the_door(project, python=tmp_path / "none", echo=silent)
    assert caught.value.exit_code == Exit.ENVIRONMENT


def test_an_environment_without_sphinx_is_named(project: Project, tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho No package metadata was found for Sphinx >&2; exit 1\n")
    program.chmod(0o755)
    with pytest.raises(DoorError, match="found for Sphinx; `make door` installs what is missing"):
        through_the_door(project, python=program, echo=silent)


# ------------------------------------------------------------------------------- page against page


def write(folder: Path, **pages: str) -> Path:
    folder.mkdir()
    for name, text in pages.items():
        (folder / f"{name}.html").write_text(f"<nav>menu</nav><article>{text}</article>", "utf-8")
    return folder


def test_each_page_that_differs_is_named_once_with_its_first_words(tmp_path: Path) -> None:
    site = write(tmp_path / "site", same="<p>a b</p>", changed="<p>one two three</p>", gone="x")
    other = write(tmp_path / "other", same="<p>a\n b</p>", changed="<p>one 2 3</p>", new="y")
    assert differences(site, other) == [
        "gone.html: is missing",
        "new.html: is no page of the site",
        "changed.html: from word 2: 'two three' became '2 3'",
    ]
    assert differences(site, site) == []


def test_what_is_mended_on_our_pages_is_mended_on_the_others_first(tmp_path: Path) -> None:
    raw = '<table><th class="head"><p></p></th><th class="head"><p>b</p></th></table>'
    site = write(tmp_path / "site", table=mended(raw))
    assert "visually-hidden" in (site / "table.html").read_text("utf-8")
    assert differences(site, write(tmp_path / "other", table=raw)) == []


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("<p>a<b>b</b></p>", "<p>ab</p>"),
        ("<p>a &amp; b</p>", "<p>a &#38; b</p>"),
        ("<p>a</p><script>1 < 2</script>", "<p>a</p>"),
        (r"\begin{split} \begin{aligned}x\end{aligned} \end{split}",
         r"\begin{split}\begin{aligned}x\end{aligned}\end{split}"),
    ],
)  # fmt: skip
def test_what_reads_the_same_is_the_same(was: str, now: str) -> None:
    assert page_words(f"<article>{was}</article>") == page_words(f"<article>{now}</article>")


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("<p>ab</p>", "<p>a b</p>"),
        ('<img alt="a cat">', '<img alt="a dog">'),
        ("<td>1.0</td>", "<td>1.1</td>"),
        (r"\begin{split} x", r"\begin{gather} x"),
        (r"\frac{a} {b}", r"\frac{a}{b}"),
        ("<p>a</p>", "<p>a</p><p>b</p>"),
    ],
)
def test_what_reads_otherwise_is_another(was: str, now: str) -> None:
    assert page_words(f"<article>{was}</article>") != page_words(f"<article>{now}</article>")


def test_a_text_that_ends_early_is_told_so() -> None:
    assert first_difference(["a", "b"], ["a"]) == "from word 2: 'b' became 'its end'"
