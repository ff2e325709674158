"""A new chapter passes every check from its first minute, or nothing at all is written."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest
import yaml

from medlib.experiment.exercise_sheet import read_sheet
from medlib.experiment.exercises import Code, Scene, right_answer, wrong_answers
from press.check.lint import lint_notebook
from press.cli import scaffold as scaffolding
from press.cli.scaffold import fill, scaffold, with_toc_entry
from press.errors import UserError
from press.source.project import Project
from tests.press.conftest import REPOSITORY

TEMPLATES = Path(scaffolding.__file__).parent / "templates"
TOC = """\
format: jb-book  # the arc
root: index
parts:
  - caption: Start here
    chapters:
      - file: how_to_read
  - caption: I · Pixels
    numbered: true
    chapters:
      - file: pixels/low_dose_ct  # the first
  - caption: III · Translation
    chapters:
      - file: translation/extract_or_finetune
  - caption: Reference
    chapters:
      - file: notation
"""


@pytest.fixture
def bare_book(book):
    book.write("_toc.yml", TOC)
    return book


def files_of(book):
    return {
        p: p.read_bytes() for p in book.root.rglob("*") if p.is_file() and "build" not in p.parts
    }


def order(toc):
    parts = yaml.safe_load(toc).get("parts") or []
    return [entry["file"] for part in parts for entry in part["chapters"]]


@pytest.mark.parametrize(
    ("chapter", "place"),
    [("pixels/x", 2), ("diagnosis/x", 2), ("translation/x", 3), ("systems/x", 3)],
)
def test_the_toc_entry_stands_in_its_part_and_nothing_else_moves(chapter, place):
    new = with_toc_entry(TOC, chapter)
    before = order(TOC)
    assert order(new) == [*before[:place], chapter, *before[place:]]
    assert set(TOC.splitlines()) <= set(new.splitlines())


def test_a_second_chapter_of_a_new_part_joins_it():
    new = with_toc_entry(with_toc_entry(TOC, "diagnosis/x"), "diagnosis/y")
    captions = [part["caption"] for part in yaml.safe_load(new)["parts"]]
    assert captions[2] == "II · Diagnosis — image to decision"
    assert len(captions) == 5
    assert order(new)[2:4] == ["diagnosis/x", "diagnosis/y"]


@pytest.mark.parametrize(
    "text",
    [
        "format: jb-book\nroot: index\nparts: []\n",
        "parts: [ ]  # none yet\nformat: jb-book\nroot: index\n",
        "format: jb-book\nroot: index\nparts:\n",
        "format: jb-book\nroot: index\n",
        "format: jb-book\nroot: index\nparts:\n  - chapters:\n      - file: notation\n",
    ],
)
def test_a_table_of_contents_without_a_part_gets_its_first(text):
    new = with_toc_entry(text, "pixels/x")
    assert yaml.safe_load(new)["root"] == "index"
    assert sorted(order(new)) == sorted([*order(text), "pixels/x"])
    assert order(with_toc_entry(new, "systems/y"))[-1] != "pixels/x"


@pytest.mark.parametrize("entry", ["pixels/x", "pixels/x.py", "chapters/pixels/x", "'pixels/x'"])
def test_a_chapter_that_the_toc_lists_already_is_not_listed_twice(entry):
    text = TOC.replace("pixels/low_dose_ct", entry)
    assert with_toc_entry(text, "pixels/x") == text


@pytest.mark.parametrize(
    "text", ["root: index\nchapters:\n  - file: notation\n", "parts: [{chapters: []}]\n", "a: [\n"]
)
def test_a_toc_of_another_shape_is_left_to_its_author(text):
    with pytest.raises(UserError, match="add `- file: pixels/x` by hand"):
        with_toc_entry(text, "pixels/x")


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "results/pixels/x/accepted.json",
            "{}",
            "was left by another chapter of this name; delete it",
        ),
        ("chapters/pixels/x/notes.md", "", "chapters/pixels/x is there already"),
    ],
)
def test_what_another_chapter_of_this_name_left_is_named(bare_book, path, text, expected):
    bare_book.write(path, text)
    with pytest.raises(UserError, match=expected):
        scaffold(Project(bare_book.root), "pixels/x")


@pytest.mark.parametrize(
    ("chapter", "expected"),
    [
        ("counting", "is not PART/NAME"),
        ("pixels/a/b", "is not PART/NAME"),
        ("pixel/counting", "there is no part 'pixel'; did you mean 'pixels'"),
        ("zoo/counting", "the parts are pixels, diagnosis, translation, systems"),
        ("pixels/Counting", "lower-case letters"),
        ("pixels/2d", "lower-case letters"),
        ("pixels/a__b", "lower-case letters"),
        ("pixels/..", "lower-case letters"),
        ("pixels/", "lower-case letters"),
        ("pixels/taken", "this name is there already"),
        ("systems/taken", "this name is taken by pixels/taken"),
    ],
)
def test_a_bad_or_taken_name_is_refused_and_nothing_written(bare_book, chapter, expected):
    bare_book.chapter("pixels/taken", "1")
    before = files_of(bare_book)
    done = bare_book.medbook("new", chapter)
    assert done.returncode == 2
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert files_of(bare_book) == before


@pytest.mark.parametrize("failing", [1, 2, 3, 4, 5])
def test_nothing_is_left_where_a_file_cannot_be_written(bare_book, monkeypatch, failing):
    made = scaffold(Project(bare_book.root), "diagnosis/counting")
    before = files_of(bare_book)
    written = []
    real = scaffolding.write_atomically

    def write(path, text):
        written.append(path)
        if len(written) == failing:
            raise OSError(28, "No space left on device", str(path))
        real(path, text)

    monkeypatch.setattr(scaffolding, "write_atomically", write)
    with pytest.raises(OSError, match="No space"):
        made.write()
    assert files_of(bare_book) == before


@pytest.mark.parametrize(
    ("title", "heading"),
    [
        ("How  many\nphotons?", "How many photons?"),
        (r"A \alpha of \1, \g<0> and C:\new\\", r"A \alpha of \1, \g<0> and C:\new\\"),
        ("""It's "so": '\'' and \"\"\" # {x} %s""", """It's "so": '\'' and \"\"\" # {x} %s"""),
    ],
    ids=["plain", "backslashes", "quotes"],
)
def test_the_template_is_clean_python_without_a_typed_number(bare_book, tmp_path, title, heading):
    made = scaffold(Project(bare_book.root), "diagnosis/counting", title=title)
    texts = {path.name: text for path, text in made.files.items() if path.suffix == ".py"}
    source, sheet = texts["counting.py"], texts["exercises.py"]
    notebook = jupytext.reads(source, fmt="py:percent")
    (tmp_path / "exercises.py").write_text(sheet, encoding="utf-8")
    exercises = read_sheet(tmp_path / "exercises.py")
    assert lint_notebook(notebook, chapter="diagnosis/counting", exercises=exercises) == []
    assert notebook.cells[0].source.startswith(f"# {heading}\n")
    ast.parse(source)
    assert not any("@@" in text for text in made.files.values())
    for text in (source, sheet):
        path = tmp_path / "written.py"
        path.write_text(text, encoding="utf-8")
        ruff = [sys.executable, "-m", "ruff"]
        config = ["--config", str(REPOSITORY / "pyproject.toml")]
        subprocess.run([*ruff, "format", "--check", *config, path], check=True)
        ignored = ["--ignore", "E402,B018,E703,I001"]
        subprocess.run([*ruff, "check", "-q", *config, *ignored, path], check=True)


def test_the_exercises_of_the_template_are_judged_both_ways(bare_book, tmp_path):
    made = scaffold(Project(bare_book.root), "diagnosis/counting")
    path = tmp_path / "exercises.py"
    path.write_text(next(t for p, t in made.files.items() if p.name == path.name), "utf-8")
    for exercise in read_sheet(path).values():
        scene = exercise.scene() if isinstance(exercise, Code) else Scene()
        right, wrong = right_answer(exercise, scene), wrong_answers(exercise, scene)
        assert exercise.judge(right, known={}).right
        assert [answer for answer in wrong if exercise.judge(answer, known={}).right] == []


def test_every_word_of_the_templates_is_filled(bare_book):
    """Each file of the folder is its template with our words in place of the marks, and no more."""
    title = "Zebras & quaggas?"
    made = scaffold(Project(bare_book.root), "diagnosis/counting", title=title)
    folder = bare_book.root / "chapters/diagnosis/counting"
    written = {path.name: text for path, text in made.files.items() if path.parent == folder}
    templates = {path.name: path.read_text("utf-8") for path in TEMPLATES.iterdir()}
    named = {f"{name.replace('counting', 'chapter')}.txt": name for name in written}
    assert set(named) == set(templates)
    for name, text in templates.items():
        expected = text.replace("@@CHAPTER@@", "diagnosis/counting").replace("@@TITLE@@", title)
        expected = expected.replace("@@LABEL@@", "diagnosis-counting")
        assert "@@" not in expected
        assert written[named[name]] == expected
    assert {mark for text in templates.values() for mark in re.findall("@@.*?@@", text)} == {
        "@@CHAPTER@@",
        "@@TITLE@@",
        "@@LABEL@@",
    }


def test_a_word_that_nobody_gives_is_an_error():
    with pytest.raises(KeyError, match="DATE"):
        fill("@@TITLE@@, @@DATE@@", {"TITLE": "x"})


@pytest.mark.chapter
@pytest.mark.parametrize(
    "toc",
    [
        TOC,
        TOC.replace("pixels/low_dose_ct", "diagnosis/counting"),
        "format: jb-book\nroot: index\nparts: []\n",
    ],
    ids=["not listed", "listed already", "empty"],
)
def test_a_new_chapter_passes_every_check_from_its_first_minute(bare_book, toc):
    bare_book.write("_toc.yml", toc)
    asked = "{says: Photons can be counted., judged_by: [diagnosis/counting]}"
    bare_book.write("book/sources.yml", f"A1: {asked}\n")
    done = bare_book.medbook("new", "diagnosis/counting", "--title", "How many photons?")
    assert done.returncode == 0, done.stderr
    assert "diagnosis/counting: accepted" in done.stdout
    assert ("wrote _toc.yml" in done.stdout) is ("diagnosis/counting" not in toc)
    written = [
        line.removeprefix("wrote ")
        for line in done.stdout.splitlines()
        if line.startswith("wrote ")
    ]
    assert all(
        path.startswith("chapters/diagnosis/counting/") for path in written if path != "_toc.yml"
    )
    assert order((bare_book.root / "_toc.yml").read_text("utf-8")).count("diagnosis/counting") == 1
    for words in (
        ["check", "--strict"],
        ["run", "counting", "--profile", "smoke"],
        ["check", "--profile", "smoke"],
        ["weave", "--student", "-o", str(bare_book.root / "handout")],
    ):
        done = bare_book.medbook(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
    handout = (bare_book.root / "handout/diagnosis/counting.ipynb").read_text("utf-8")
    assert "{solution}" not in handout
