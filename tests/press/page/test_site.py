"""The site of a tiny book: one executed chapter, a page, the book's own configuration.

Sphinx runs in earnest; MathJax, the widget manager and the fonts are stood in for by empty files.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import jupytext
import pytest

from medlib.experiment.record import read_record
from medlib.experiment.tables import SweepTable, SweptPoint
from press.cli.build import build
from press.cli.scaffold import scaffold
from press.errors import UserError
from press.page import site as site_module
from press.page.assets import FILES
from press.page.inputs import inputs_digest
from press.page.site import STAMP, SiteError, complaints
from press.results import kept
from press.run.execute import execute_all, plan
from press.run.freshness import freshness_of
from press.source.project import Project
from press.source.weave import read_notebook
from tests.press.conftest import forking
from tests.site.crawl import html_files, named_hosts

ROOT = Path(__file__).resolve().parents[3]
CHAPTER = "pixels/counting"
SOURCE = f"chapters/{CHAPTER}/counting.py"
SHEET = f"chapters/{CHAPTER}/exercises.py"
LEAK = "Here a tenth of it needs a hundred times the photons. Complete the function."
TOC = """\
format: jb-book
root: index
parts:
  - caption: Start here
    chapters:
      - file: other
      - file: status
"""
INDEX = """\
# The book

Read [](/pixels/counting.ipynb).

```{medbook} tally
```

```{medbook} figure pixels/counting counts
A caption of its own.
```

```{medbook} road
```

```{medbook} lesson_plans
```
"""

pytestmark = pytest.mark.chapter


def silent(line: str) -> None: ...


def build_site(project: Project, **options) -> Path:
    """Build as a command of its own does, which has read nothing yet."""
    return site_module.build_site(Project(project.root), **options)


def stage_files(project: Project) -> dict[str, bytes]:
    """Stage as a command of its own does."""
    return site_module.stage_files(Project(project.root))


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


@pytest.fixture(scope="module")
def made(request, tmp_path_factory) -> Path:
    """An executed book and its site. Never change it: take `project`, which is put back."""
    root = tmp_path_factory.mktemp("book")
    lock = json.dumps({"packages": {"node_modules/a": {"version": "1", "integrity": "i"}}})
    write(root, "package-lock.json", lock)
    write(root, "node_modules/.package-lock.json", lock)
    for name in FILES:
        write(root, f"node_modules/{name}", "")
    write(root, "pyproject.toml", '[project]\nname = "pixels-to-patients"\n')
    write(root, "constraints.txt", "")
    (root / "chapters").mkdir()
    write(root, "_toc.yml", TOC)
    write(root, "book/index.md", INDEX)
    write(root, "book/other.md", "# Another page\n\nIts text.\n")
    write(root, "book/status.md", "# Status\n\n```{medbook} status\n```\n")
    write(root, "book/references.bib", "")
    shutil.copytree(ROOT / "book" / "_static", root / "book" / "_static")
    shutil.copy(ROOT / "_config.yml", root)
    scaffold(Project(root), CHAPTER, title="Counting photons").write()
    project = Project(root)
    with forking(request):
        outcomes = execute_all(project, [plan(project, project.chapter(CHAPTER))], workers=1)
    assert [outcome.failure for outcome in outcomes] == [None]
    build_site(project, echo=silent)
    return root


@pytest.fixture(scope="module")
def kept_apart(made: Path, tmp_path_factory) -> Path:
    """What the book is put back from."""
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("kept") / "book"))


@pytest.fixture
def project(made: Path, kept_apart: Path) -> Iterator[Project]:
    """The book to do as one likes with, put back afterwards.

    Folder and times of change stay the same: in another folder Sphinx would start over.
    """
    yield Project(made)
    shutil.rmtree(made)
    shutil.copytree(kept_apart, made)


@pytest.fixture
def no_rendering(monkeypatch):
    def refuse(project, work):
        raise AssertionError("Sphinx was called")

    monkeypatch.setattr(site_module, "_render", refuse)


def edit(project: Project, name: str, old: str, new: str) -> None:
    text = (project.root / name).read_text("utf-8")
    assert old in text
    write(project.root, name, text.replace(old, new))


def page(project: Project, name: str) -> str:
    return (project.site / name).read_text("utf-8")


def test_the_page_holds_what_the_run_showed(project: Project) -> None:
    html = page(project, f"{CHAPTER}.html")
    record = json.loads((project.runs / CHAPTER / "record.json").read_text("utf-8"))
    assert 'id="fig-counting-counts"' in html
    assert "Figure 1.1" in html
    alt = record["figures"][0]["alt"][0]
    assert f'alt="{alt}"' in unescape(html)
    for sentence in record["sentences"]:
        assert sentence.split("{")[0][:40] in html
    for claim in record["claims"]:
        assert claim["text"][1:] in html
    assert "medbook-claims" in html
    assert '<span class="medbook-badge medbook-simulated">simulated</span>' in html
    assert "application/vnd.jupyter.widget-view+json" in html
    assert "application/vnd.jupyter.widget-state+json" in html
    assert "<code>book</code>" in html


def test_the_page_asks_and_shows_no_answer(project: Project) -> None:
    text = page(project, f"{CHAPTER}.html")
    assert text.count('class="medbook-exercise-data"') == 3
    assert "_static/exercises.js" in text
    assert "_static/exercises.css" in text
    assert 'run.check("pixels-counting-dose", answer)' not in text  # the field is in its place
    assert "relative_noise" in text  # code is written in Jupyter
    for shown in (text, *(project.site / "_downloads").rglob("*.ipynb")):
        shown = shown if isinstance(shown, str) else shown.read_text("utf-8")
        for secret in ("hundred times the photons", "ddof=1) / counts.mean()", "you took the root"):
            assert secret not in shown


def test_a_new_hint_reaches_the_page_and_runs_nothing(project: Project) -> None:
    before = page(project, f"{CHAPTER}.html")
    edit(project, SHEET, "How does the relative noise", "How, then, does the relative noise")
    build_site(project, echo=silent)
    assert page(project, f"{CHAPTER}.html") != before


def test_notebook_and_source_can_be_downloaded(project: Project) -> None:
    downloads = {path.name: path for path in (project.site / "_downloads").rglob("*.*")}
    assert set(downloads) == {"counting.ipynb", "counting.py"}
    source = project.root / "chapters" / CHAPTER / "counting.py"
    assert downloads["counting.py"].read_bytes() == source.read_bytes()
    notebook = json.loads(downloads["counting.ipynb"].read_text("utf-8"))
    assert notebook["metadata"]["kernelspec"]["language"] == "python"
    assert any(cell.get("outputs") for cell in notebook["cells"])


def test_the_page_names_its_recorded_sweep_below_the_title(project: Project) -> None:
    said = "a sweep of 1 point: when and on what it was made was not recorded."
    assert said not in page(project, f"{CHAPTER}.html")
    point = SweptPoint(point="a", parameters={"seed": 1})
    table = SweepTable(chapter=CHAPTER, grid={"seed": [1]}, points=[point])
    kept.write(project, CHAPTER, "sweep", table)
    build_site(project, echo=silent)
    masthead = page(project, f"{CHAPTER}.html").partition("Parameters: rerun this chapter")[0]
    assert said in masthead.rpartition("medbook-downloads")[2]


def test_front_matter_is_filled_in(project: Project) -> None:
    html = page(project, "index.html")
    assert "<dd>1</dd><dt>chapter</dt>" in html
    assert "A caption of its own." in html
    assert "Counting photons" in html
    assert "{medbook}" not in html
    assert "counting" in page(project, "status.html")


def test_no_page_names_a_script_or_style_of_another_host(project: Project) -> None:
    assert named_hosts(project.site) == []


def test_nothing_changed_nothing_rendered(project: Project, no_rendering) -> None:
    said: list[str] = []
    assert build_site(project, echo=said.append) == project.site
    assert said == ["site: nothing changed"]


def test_prose_is_rendered_anew_and_other_pages_are_left_alone(project: Project) -> None:
    edit(project, SOURCE, "Photons arrive one by one", "Photons come one by one")
    rendered = project.build / "sphinx" / "_build" / "html"
    before = (rendered / "other.html").stat().st_mtime_ns
    build_site(project, echo=silent)
    assert "Photons come one by one" in page(project, f"{CHAPTER}.html")
    assert (rendered / "other.html").stat().st_mtime_ns == before


def test_a_new_title_reaches_the_menu_of_every_page(project: Project) -> None:
    edit(project, SOURCE, "# Counting photons", "# Numbers of photons")
    build_site(project, echo=silent)
    for name in ("index.html", "other.html", f"{CHAPTER}.html"):
        assert "Numbers of photons" in page(project, name)
        assert "Counting photons" not in page(project, name)


@pytest.mark.parametrize("name", ["medbook.css", "medbook.js"])
def test_a_new_style_or_script_reaches_every_page(project: Project, name: str) -> None:
    """A page names it with a checksum, or browsers would go on with the one they kept."""

    def asked_for() -> dict[str, set[str]]:
        text = {path.name: path.read_text("utf-8") for path in html_files(project.site)}
        return {page: set(re.findall(rf"{name}\?v=(\w+)", body)) for page, body in text.items()}

    (before,) = set.union(*asked_for().values())
    style = project.root / "book" / "_static" / name
    style.write_text(style.read_text("utf-8") + "/* another */\n", "utf-8")
    build_site(project, echo=silent)
    assert (project.site / "_static" / name).read_text("utf-8").endswith("/* another */\n")
    after = asked_for()
    (now,) = after["index.html"]
    assert now != before
    assert {page for page, sums in after.items() if sums != {now}} == set()


def test_a_page_taken_out_leaves_the_site(project: Project) -> None:
    (project.root / "book" / "other.md").unlink()
    edit(project, "_toc.yml", "      - file: other\n", "")
    build_site(project, echo=silent)
    assert not (project.site / "other.html").exists()
    assert not (project.stage / "other.md").exists()
    assert "Another page" not in page(project, "index.html")


def test_a_warning_fails_the_build_each_time_and_the_old_site_stays(project: Project) -> None:
    before = page(project, "other.html")
    stamp = (project.site / STAMP).read_text("utf-8")
    edit(project, "book/other.md", "Its text.", "Its text, and [a link](nowhere.md).")
    for _ in range(2):
        with pytest.raises(SiteError, match=r"other\.md:3: WARNING: .*nowhere\.md"):
            build_site(project, echo=silent)
        assert page(project, "other.html") == before
        assert (project.site / STAMP).read_text("utf-8") == stamp
    edit(project, "book/other.md", ", and [a link](nowhere.md)", " again")
    build_site(project, echo=silent)
    assert "Its text again." in page(project, "other.html")


def test_a_figure_edited_in_the_record_only_is_refused(project: Project) -> None:
    path = project.runs / CHAPTER / "record.json"
    record = json.loads(path.read_text("utf-8"))
    record["figures"] = record["figures"][1:]
    path.write_text(json.dumps(record), "utf-8")
    with pytest.raises(SiteError, match="'counts' is in the notebook but not in its record"):
        build_site(project, echo=silent)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("_toc.yml", f"- file: {CHAPTER}", "- file: status", f"{CHAPTER}: not in _toc.yml"),
        ("_toc.yml", "- file: other", "- file: missing", "_toc.yml lists missing, which is no"),
        (SOURCE, "n_pixels: int = 4000", "n_pixels: int = 4001", "run the chap"),
        (f"build/runs/{CHAPTER}/record.json", '"book"', '"smoke"', "is of profile 'smoke'"),
        (f"build/runs/{CHAPTER}/record.json", '"schema_version"', '"x"', "record schema None"),
        ("book/index.md", "counting counts", "counting sums", "no figure 'sums'; it has counts"),
        ("book/index.md", "pixels/counting counts", "a/b counts", "of a/b, which is no chapter"),
        ("book/index.md", "{medbook} tally", "{medbook} tales", "no block is called 'tales'"),
        (SOURCE, "Complete the function.", LEAK, "its page shows what is asked"),
        (SHEET, "asks=", "asked=", "exercises.py: stops with TypeError"),
    ],
)
def test_what_is_wrong_is_named_before_anything_is_rendered(
    project: Project, no_rendering, name: str, old: str, new: str, message: str
) -> None:
    edit(project, name, old, new)
    with pytest.raises(UserError) as caught:
        build_site(project, echo=silent)
    assert message in str(caught.value)


def test_a_chapter_that_has_not_run_is_named(project: Project, no_rendering) -> None:
    shutil.rmtree(project.runs / CHAPTER)
    with pytest.raises(SiteError, match=f"{CHAPTER}: has not run yet; `medbook build` runs it"):
        build_site(project, echo=silent)


def test_without_configuration_the_message_says_which_file(project: Project, no_rendering) -> None:
    (project.root / "_config.yml").unlink()
    with pytest.raises(SiteError, match=r"_config\.yml: No such file"):
        build_site(project, echo=silent)


def test_a_full_disk_while_copying_leaves_the_old_site(project: Project, monkeypatch) -> None:
    before = page(project, "other.html")
    edit(project, "book/other.md", "Its text.", "New text.")

    def full(*arguments, **options):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(site_module.shutil, "copytree", full)
    with pytest.raises(OSError, match="No space left"):
        build_site(project, echo=silent)
    monkeypatch.undo()
    assert page(project, "other.html") == before
    build_site(project, echo=silent)
    assert "New text." in page(project, "other.html")
    assert sorted(path.name for path in project.build.glob("site*")) == ["site", "site.log"]


def test_the_same_runs_give_the_same_stage(project: Project) -> None:
    assert stage_files(project) == stage_files(Project(project.root))


def test_what_sphinx_said_is_told_once_with_paths_in_the_stage() -> None:
    lines = ["/s/a.md:1: WARNING: x", "reading", "/s/a.md:1: WARNING: x", "b.md: ERROR: y"]
    assert complaints(lines, stage=Path("/s")) == ["a.md:1: WARNING: x", "b.md: ERROR: y"]


READ_ONCE = (jupytext.reads, read_notebook, plan, freshness_of, read_record)


def calls_during(action) -> Counter:
    """How often each function of READ_ONCE is called, by whatever name."""
    names = {function.__code__: function.__name__ for function in READ_ONCE}
    calls = Counter()

    def hear(frame, event, argument):
        if event == "call" and frame.f_code in names:
            calls[names[frame.f_code]] += 1

    sys.setprofile(hear)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("staged", [False, True])
def test_an_idle_build_reads_a_chapter_once(project, no_rendering, staged) -> None:
    quiet = {"echo": silent, "warn": silent}
    build(Project(project.root), **quiet)
    if staged:
        (project.root / "pages_of_mine.txt").write_text("counts as a change, and is none")
    once = {"reads": 1, "read_notebook": 1, "plan": 1, "freshness_of": 1, "read_record": 1}
    with pytest.MonkeyPatch.context() as patch:
        staged_files = []
        patch.setattr(site_module, "stage_files", _spy(site_module.stage_files, staged_files))
        assert calls_during(lambda: build(Project(project.root), **quiet)) == once
    assert len(staged_files) == staged


def _spy(function, calls):
    def spy(*args, **options):
        calls.append(args)
        return function(*args, **options)

    return spy


@pytest.mark.parametrize(
    "name",
    [
        "book/index.md",
        "book/_static/medbook.css",
        SOURCE,
        "results/a/b/seeds.json",
        "_toc.yml",
        "_config.yml",
        "data_fetch/cards/x.md",
        "medlib/pixels/x.py",
        f"build/runs/{CHAPTER}/record.json",
        f"build/runs/{CHAPTER}/figures/counts.png",
        f"node_modules/{next(iter(FILES))}",
    ],
)
def test_whatever_a_page_is_made_of_counts_as_a_change(project, name) -> None:
    before = inputs_digest(project, about={})
    assert inputs_digest(project, about={}) == before
    assert inputs_digest(project, about={"profile": "smoke"}) != before
    path = project.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(path.read_bytes() + b" " if path.exists() else b"")
    assert inputs_digest(project, about={}) != before
