"""A chapter renamed or removed leaves nothing behind, and nothing half-done."""

import pytest
import yaml

from press.cli.relocate import without_toc_entry
from press.cli.scaffold import with_toc_entry
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


SIBLING = """\
# Read {doc}`alpha`, {doc}`it <./alpha>`, [](alpha.ipynb#work) and {doc}`alphabet`, not alpha.
# Also {doc}`../pixels/alpha` and {doc}`long
# words <alpha>`.
"""
PLACES = {  # what names it outside the pages: before, and with `{new}` and `{name}` after
    ".ci/run": ("build/runs/pixels/alpha \\\n", "build/runs/{new} \\\n"),
    "README.md": ("medbook sweep alpha -o alpha.zip\n", "medbook sweep {name} -o alpha.zip\n"),
    "CONTRIBUTING.md": ("`chapters/pixels/alpha/`\n", "`chapters/{new}/`\n"),
    "tests/test_every.py": (
        'X = {"pixels/alpha": 1, "alpha": 2}\n',
        'X = {"{new}": 1, "alpha": 2}\n',
    ),
    "tests/pixels/test_it.py": ('P = "pixels/alpha/_point"\n', 'P = "{new}/_point"\n'),
    "chapters/pixels/beta/profiles.yml": ("# as pixels/alpha\n", "# as {new}\n"),
}


@pytest.mark.parametrize("new", ["pixels/gamma", "systems/gamma"])
def test_bare_links_from_its_part_and_other_files_follow_a_rename(kept, new):
    kept.write("chapters/pixels/beta/road.md", SIBLING)
    kept.write("chapters/systems/late/road.md", SIBLING)  # there `alpha` is another page
    kept.write("chapters/pixels/alpha/road.md", "{doc}`beta`, [](beta.ipynb), {doc}`alpha`\n")
    for path, (before, _) in PLACES.items():
        kept.write(path, before)
    assert kept.medbook("rename", "alpha", new).returncode == 0

    def now(path):
        return (kept.root / path).read_text("utf-8")

    bare = "gamma" if new.startswith("pixels") else f"/{new}"
    assert now("chapters/pixels/beta/road.md") == (
        f"# Read {{doc}}`{bare}`, {{doc}}`it <{bare}>`, []({bare}.ipynb#work) and"
        " {doc}`alphabet`, not alpha.\n"
        f"# Also {{doc}}`../{new}` and {{doc}}`long\n# words <{bare}>`.\n"
    )
    assert now("chapters/systems/late/road.md") == SIBLING.replace("pixels/alpha", new)
    beta = "beta" if new.startswith("pixels") else "/pixels/beta"
    road = f"{{doc}}`{beta}`, []({beta}.ipynb), {{doc}}`gamma`\n"
    assert now(f"chapters/{new}/road.md") == road
    for path, (_, after) in PLACES.items():
        assert now(path) == after.replace("{new}", new).replace("{name}", "gamma")


def test_what_tells_of_a_chapter_follows_a_rename_and_outlives_it(kept):
    kept.write("book/index.md", "# Book\n")
    kept.write("docs/findings/alpha.md", "# Findings\n`chapters/pixels/alpha`\n")
    kept.write("docs/decisions/0001.md", "`pixels/alpha`, see docs/findings/alpha.md\n")
    assert kept.medbook("rename", "alpha", "pixels/gamma").returncode == 0
    files = text_files(kept)
    assert files["docs/findings/gamma.md"] == "# Findings\n`chapters/pixels/gamma`\n"
    assert files["docs/decisions/0001.md"] == "`pixels/gamma`, see docs/findings/gamma.md\n"
    assert "docs/findings/alpha.md" not in files
    assert kept.medbook("remove", "gamma").returncode == 0
    left = text_files(kept)
    assert "docs/findings/gamma.md" not in left
    assert left["docs/decisions/0001.md"] == files["docs/decisions/0001.md"]


def test_a_room_of_the_library_with_a_chapters_name_is_no_link(kept):
    text = "`medlib/pixels/alpha/noise.py` has `tests/pixels/alpha/test_noise.py`\n"
    kept.write("book/index.md", text)
    assert kept.medbook("rename", "alpha", "pixels/gamma").returncode == 0
    assert text_files(kept)["book/index.md"] == text
    assert kept.medbook("remove", "gamma").returncode == 0


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


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        ("chapters/pixels/beta/road.md", "x\n{doc}`alpha`\n", 2),
        ("chapters/pixels/beta/road.md", "{doc}`read\nit <alpha>`\n", 2),
        ("chapters/pixels/beta/road.md", "[](./alpha.ipynb)\n", 1),
        ("chapters/systems/late/road.md", "{doc}`../pixels/alpha`\n", 1),
        ("book/sources.yml", "A1: {says: It is so., judged_by: [pixels/alpha]}\n", 1),
        *((path, before, 1) for path, (before, _) in PLACES.items()),
    ],
)
def test_a_chapter_that_anything_points_to_is_not_removed(kept, path, text, line):
    kept.write(path, text)
    before = text_files(kept)
    done = kept.medbook("remove", "alpha")
    assert done.returncode == Exit.USAGE
    places = sorted([f"{path}:{line}", "book/index.md:3"])
    assert f"is still named in {', '.join(places)}: edit these first" in done.stderr
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


def test_of_a_part_with_an_opener_the_opener_stays_and_no_empty_list():
    opened = "  - caption: II\n    chapters:\n      - file: diagnosis\n"
    numbered = "  - numbered: true\n    chapters:\n      - file: diagnosis/first\n"
    last = "  - caption: Reference\n    chapters:\n      - file: glossary\n"
    text = without_toc_entry(TOC + opened + numbered + last, "diagnosis/first")
    assert text == TOC + opened + last
    assert with_toc_entry(TOC + opened + numbered + last, "diagnosis/next") == (
        TOC + opened + numbered + "      - file: diagnosis/next\n" + last
    )


def test_a_chapter_that_changes_its_part_leaves_no_empty_one(kept):
    assert kept.medbook("new", "diagnosis/first", "--no-run").returncode == 0
    assert kept.medbook("rename", "first", "systems/first").returncode == 0
    toc = (kept.root / "_toc.yml").read_text("utf-8")
    assert "Diagnosis" not in toc
    assert "- file: systems/first" in toc
