"""A chapter renamed or removed leaves nothing behind, and nothing half-done."""

import pytest
import yaml

from press.errors import Exit

INDEX = "# Book\n\nRead [](/pixels/alpha.ipynb), not [](/pixels/alphabet.ipynb).\n"
TOC = """\
format: jb-book
root: index
parts:
  - caption: I
    chapters:
      - file: pixels/alpha  # the first
      - file: pixels/beta
"""
STALE = """\
# why
[stale]
"pixels/alpha/seeds" = "to be remade"
"pixels/alpha/_point/sweep" = "to be remade"
"pixels/alphabet/seeds" = "to be remade"
"""


@pytest.fixture
def kept(ready_book):
    """A book with a page that links to alpha, results and derived folders of it."""
    ready_book.write("_toc.yml", TOC)
    ready_book.write("book/index.md", INDEX)
    ready_book.write("results/pixels/alpha/seeds.json", '{"chapter": "pixels/alpha"}\n')
    ready_book.write("results/known_stale.toml", STALE)
    for place in ("sweeps", "seeds", "runs-adhoc", "failed", "live"):
        ready_book.write(f"build/{place}/pixels/alpha/x/record.json", "{}")
    ready_book.write("build/notebooks/pixels/alpha.ipynb", "{}")
    return ready_book


def text_files(book):
    return {
        path.relative_to(book.root).as_posix(): path.read_text("utf-8")
        for path in book.root.rglob("*")
        if path.is_file()
        and path.suffix in {".py", ".md", ".yml", ".json", ".ipynb"}
        and "medbook.lock" not in path.name
    }


def named(book, name):
    found = text_files(book)
    return sorted(
        path
        for path, text in found.items()
        if f"pixels/{name}/" in path or f'pixels/{name}"' in text
    )


@pytest.mark.parametrize("new", ["pixels/gamma", "systems/gamma"])
def test_a_renamed_chapter_leaves_nothing_of_its_old_name(kept, new):
    row = "{says: It is so., judged_by: [pixels/alpha]}"
    kept.write("book/sources.yml", f"A1: {row}\n")
    done = kept.medbook("rename", "alpha", new)
    assert done.returncode == 0, done.stderr
    assert named(kept, "alpha") == []
    files = text_files(kept)
    assert f"chapters/{new}/gamma.py" in files
    assert f'experiment.start("{new}"' in files[f"chapters/{new}/gamma.py"]
    assert files[f"results/{new}/seeds.json"] == f'{{"chapter": "{new}"}}\n'
    (row,) = yaml.safe_load(files["book/sources.yml"]).values()
    assert row["judged_by"] == [new]
    assert files["book/index.md"] == INDEX.replace("/pixels/alpha.", f"/{new}.")
    stale = (kept.root / "results/known_stale.toml").read_text("utf-8")
    assert stale == STALE.replace("pixels/alpha/", f"{new}/")
    assert f"- file: {new}" in files["_toc.yml"]
    assert "pixels/alpha" not in files["_toc.yml"]
    assert "- file: pixels/beta" in files["_toc.yml"]
    assert new in [line.split()[0] for line in kept.medbook("list").stdout.splitlines()]


def test_a_removed_chapter_leaves_nothing_but_the_others(kept):
    kept.write("book/index.md", "# Book\n\nRead [](/pixels/beta.ipynb).\n")
    done = kept.medbook("remove", "alpha")
    assert done.returncode == 0, done.stderr
    assert named(kept, "alpha") == []
    assert "pixels/alpha" not in text_files(kept)["_toc.yml"]
    assert "- file: pixels/beta" in text_files(kept)["_toc.yml"]
    assert not (kept.root / "results/pixels/alpha").exists()
    stale = (kept.root / "results/known_stale.toml").read_text("utf-8")
    assert [line for line in stale.splitlines() if "alpha" in line] == [
        '"pixels/alphabet/seeds" = "to be remade"'
    ]


def test_a_chapter_that_a_page_names_is_not_removed(kept):
    before = text_files(kept)
    done = kept.medbook("remove", "alpha")
    assert done.returncode == Exit.USAGE
    assert "is still named in book/index.md:3: edit these first" in done.stderr
    assert text_files(kept) == before


@pytest.mark.parametrize("words", [["rename", "alpha", "pixels/gamma"], ["remove", "alpha"]])
def test_a_dry_run_changes_nothing(kept, words):
    kept.write("book/index.md", "# Book\n")
    before = text_files(kept)
    done = kept.medbook(*words, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "chapters/pixels/alpha" in done.stdout
    assert text_files(kept) == before


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ("pixels/beta", "this name is taken by pixels/beta"),
        ("systems/beta", "this name is taken by pixels/beta"),
        ("pixels/alpha", "is there already"),
        ("zoo/gamma", "there is no part 'zoo'"),
        ("gamma", "is not PART/NAME"),
    ],
)
def test_a_taken_or_wrong_name_is_refused_and_nothing_changes(kept, new, expected):
    before = text_files(kept)
    done = kept.medbook("rename", "alpha", new)
    assert done.returncode == Exit.USAGE
    assert expected in done.stderr
    assert text_files(kept) == before


@pytest.mark.parametrize("chapter", ["pixels/late", "diagnosis/first", "systems/first"])
def test_a_new_chapter_that_is_removed_leaves_the_table_of_contents_as_it_was(kept, chapter):
    before = (kept.root / "_toc.yml").read_text("utf-8")
    assert kept.medbook("new", chapter, "--no-run").returncode == 0
    assert chapter in (kept.root / "_toc.yml").read_text("utf-8")
    done = kept.medbook("remove", chapter)
    assert done.returncode == 0, done.stderr
    assert (kept.root / "_toc.yml").read_text("utf-8") == before


def test_a_chapter_that_changes_its_part_leaves_no_empty_one(kept):
    assert kept.medbook("new", "diagnosis/first", "--no-run").returncode == 0
    assert kept.medbook("rename", "first", "systems/first").returncode == 0
    toc = (kept.root / "_toc.yml").read_text("utf-8")
    assert "Diagnosis" not in toc
    assert "- file: systems/first" in toc
