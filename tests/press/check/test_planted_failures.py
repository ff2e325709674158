"""No green lie: failures planted in a book that was green, each red, each named by the build.

Jupyter Book 1.x ends with 0 where a notebook raises, and gates that grep its output have gone
silent. Here five chapters are whole and accepted; then each is spoilt in one way.
"""

import re

import pytest

from press.check.verify import verify_book
from press.cli.build import build
from press.errors import Exit
from press.source.project import Project
from tests.press.conftest import make_book, source_of
from tests.press.whole_chapter import whole_chapter, whole_sheet

RAISES, CLAIM, PARAMETER, ALT, DRIFT = CHAPTERS = (
    "pixels/raises",
    "pixels/claim_fails",
    "pixels/misspelt",
    "pixels/no_alt_text",
    "pixels/drifted",
)


@pytest.fixture(scope="module")
def green_book(tmp_path_factory):
    """Five whole chapters, executed and accepted."""
    book = make_book(tmp_path_factory.mktemp("green"))
    for name in CHAPTERS:
        book.write(source_of(name), whole_chapter(name))
        book.write(f"chapters/{name}/exercises.py", whole_sheet(name))
        book.write(f"chapters/{name}/grounds.yml", "run_on: simulation\n")
        book.write(f"chapters/{name}/profiles.yml", "smoke: {size: 20}\n")
    assert all(outcome.ok for outcome in book.run(*CHAPTERS))
    done = book.medbook("accept")
    assert done.returncode == 0, done.stderr
    return book


@pytest.fixture(scope="module")
def planted(green_book):
    """What `medbook build` says once every chapter is spoilt, each in its own way."""
    assert verify_book(Project(green_book.root)) == []  # it was green before
    edit = green_book.edit
    edit(source_of(RAISES), "noise = run.rng", "noise = run.rng_")
    edit(
        source_of(CLAIM),
        '"the ramp is wider than nothing", size > 0, margin=size',
        '"the ramp is wider than nothing", size > 50, margin=size - 50',
    )
    edit(f"chapters/{PARAMETER}/profiles.yml", "{size: 20}", "{siez: 20}")
    edit(
        source_of(ALT),
        "# %% [markdown]\n# ## What breaks it",
        "# %%\nimport matplotlib.pyplot as plt\n\nplt.plot([1, 2])\n\n"
        "# %% [markdown]\n# ## What breaks it",
    )
    edit(source_of(DRIFT), "np.linspace(0, 1, size)", "np.linspace(0, 0.9, size)")
    return green_book.medbook("build")


def lines_about(planted, name):
    return [line for line in planted.stderr.splitlines() if line.startswith(f"  - {name}: ")]


def test_the_build_is_red_and_makes_no_site(planted, green_book):
    assert planted.returncode == Exit.CHAPTER_FAILED
    assert not (green_book.root / "build" / "site").exists()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (RAISES, r"raised AttributeError: .*rng_"),
        (CLAIM, r"claim: does not hold: 'the ramp is wider than nothing' \(margin -10"),
        (PARAMETER, r"unknown parameter 'siez' of pixels/misspelt; did you mean 'size'\?"),
        (ALT, r"figure: cell 8 shows a picture without alt text"),
        (DRIFT, r"result: mean was 0\.5, is 0\.45; tolerance 0\.01"),
    ],
)
def test_each_failure_is_named_with_its_chapter(planted, name, expected):
    assert any(re.search(expected, line) for line in lines_about(planted, name)), planted.stderr


def test_only_what_was_planted_is_named(planted):
    count = {name: len(lines_about(planted, name)) for name in CHAPTERS}
    # the drifted chapter's two pictures moved with its number
    assert count == {RAISES: 1, CLAIM: 1, PARAMETER: 1, ALT: 1, DRIFT: 3}
    assert "7 things are wrong:" in planted.stderr


def test_the_check_alone_names_them_too(planted, green_book):
    done = green_book.medbook("check")
    assert done.returncode == Exit.CHECK_FAILED
    for name in CHAPTERS:
        assert name in done.stderr


def test_a_figure_without_alt_text_is_refused_by_the_run_and_by_the_source(accepted_book):
    old = 'alt="A picture that is black on the left and white on the right.",'
    accepted_book.edit("chapters/pixels/whole/whole.py", old, 'alt="",')
    done = accepted_book.medbook("build")
    assert done.returncode == Exit.CHAPTER_FAILED
    assert "raised ValueError: figure ramp: alt text is missing or says nothing" in done.stderr
    assert "lint: cell 6: figure 'ramp': run.figure has no alt=" in done.stderr


def test_a_misspelt_parameter_on_the_command_line_runs_nothing(accepted_book):
    done = accepted_book.medbook("run", "whole", "-p", "siez=20")
    assert done.returncode == Exit.USAGE
    assert "did you mean 'size'" in done.stderr
    assert not (accepted_book.root / "build" / "runs-adhoc").exists()


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("np.linspace(0, 1, size)", "np.linspace(0, 1, sise)", Exit.CHAPTER_FAILED),
        ('"the mean lies near the middle", True, margin=0.25',
         '"the mean lies near the middle", False, margin=-0.25', Exit.CHECK_FAILED),
    ],
)  # fmt: skip
def test_one_failure_alone_is_enough_and_its_absence_is_green(
    accepted_book, monkeypatch, old, new, code
):
    monkeypatch.setattr("press.page.site.build_site", lambda project, echo: project.site)
    said = []
    assert build(Project(accepted_book.root), echo=said.append, warn=said.append) == Exit.OK
    accepted_book.edit("chapters/pixels/whole/whole.py", old, new)
    assert build(Project(accepted_book.root), echo=said.append, warn=said.append) == code
