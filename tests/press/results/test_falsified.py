"""Claims under their falsifiers: each must fail there; what was not tried is red."""

import json
import shutil

import pytest

from medlib.experiment.record import Claim, read_record
from press.check.recorded import inspect_falsifiers
from press.errors import Exit, UserError
from press.results.falsified import (
    FalsifiedTable,
    find_falsifier,
    findings,
    read_falsified,
)
from press.source.project import Project
from tests.press.conftest import PARAMETERS, TinyBook

CLAIMS = """\
run.claim("the factor is larger than one", factor > 1, margin=factor - 1, falsified_by="small")
run.claim("there is no leak to be found", True, margin=0.5, control=True, falsified_by="_leaky")
run.claim("one is smaller than two", True, margin=1.0, falsified_by="small")
run.claim("nobody says how this could fail", True, margin=1.0)
run.claim("this one names what is not there", True, margin=1.0, falsified_by="smal")
"""
LEAKY = """\
run.claim("there is no leak to be found", False, margin=-0.25, control=True)
"""
TEXTS = [line.split('"')[1] for line in CLAIMS.splitlines()]
PARAMETERS_OF_ONE = PARAMETERS.replace("factor: float = 2.0", "factor: float = 0.75")
PROFILES = """\
smoke: {factor: 3.0}
small: {factor: 0.5}
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """A book whose falsifiers were run and kept, the command that did, and the kept table."""
    from tests.press.conftest import make_book

    book = make_book(tmp_path_factory.mktemp("falsified"))
    book.chapter("pixels/claims", CLAIMS)
    book.chapter("pixels/claims/_leaky", LEAKY)
    book.write("chapters/pixels/claims/profiles.yml", PROFILES)
    commit = book.commit()
    done = book.medbook("check", "claims", "--falsify", "--accept", "-o", str(book.root / "t.md"))
    table = read_falsified(Project(book.root), "pixels/claims")
    assert table is not None, done.stderr
    return book, commit, done, table


def test_a_claim_is_refuted_by_parameters_or_by_a_planted_defect(outcome):
    _, commit, done, table = outcome
    assert done.returncode == Exit.CHECK_FAILED
    rows = {claim.text: claim for claim in table.claims}
    small, leak, sure = (rows[text] for text in TEXTS[:3])
    assert (small.refuted, small.margin, small.margin_there) == (True, 1.0, -0.5)
    assert (leak.refuted, leak.margin, leak.margin_there) == (True, 0.5, -0.25)
    assert (sure.refuted, sure.margin_there) == (False, 1.0)
    assert table.made_by.commits == [commit]
    by_name = {each.name: each for each in table.falsifiers}
    assert by_name["small"].parameters == {"factor": 0.5}
    assert by_name["_leaky"].companion == "pixels/claims/_leaky"
    assert len(by_name["_leaky"].code_sha256) == 64


def test_what_was_not_refuted_is_red_and_says_why(outcome):
    _, _, done, table = outcome
    messages = [finding.message for finding in findings(table)]
    assert messages == [
        "'one is smaller than two' still holds under its falsifier small (margin 1)",
        "'nobody says how this could fail' names no falsifier: run.claim(..., falsified_by=...)",
        "'this one names what is not there' is not refuted by smal: 'smal' is no parameter set"
        " and no companion of pixels/claims: did you mean 'small'?",
    ]
    for message in messages:
        assert message in done.stderr
    assert "yes" in next(line for line in done.stdout.splitlines() if TEXTS[0] in line)


def test_the_kept_outcome_stays_red_in_later_checks(outcome):
    book, *_ = outcome
    done = book.medbook("check", "claims")
    assert "still holds under its falsifier small" in done.stderr
    assert "falsified.json is stale" not in done.stderr
    table = (book.root / "t.md").read_text("utf-8")
    assert f"| pixels/claims | {TEXTS[0]} | 1 | small | -0.5 |  | yes |" in table


def test_a_second_time_nothing_is_run(outcome):
    book, *_ = outcome
    again = book.medbook("check", "claims", "--falsify")
    assert "start " not in again.stdout


def test_falsifiers_are_laid_over_another_profile(outcome):
    book, *_ = outcome
    done = book.medbook(
        "check", "claims", "--falsify", "--profile", "smoke", "-o", str(book.root / "t.json")
    )
    (table,) = json.loads((book.root / "t.json").read_text("utf-8"))
    margins = {claim["text"]: claim for claim in table["claims"]}
    assert margins[TEXTS[0]]["margin"] == 2.0
    assert margins[TEXTS[0]]["margin_there"] == -0.5
    assert "profile smoke; each claim must fail under its falsifier" in done.stdout
    refused = book.medbook("check", "claims", "--falsify", "--profile", "smoke", "--accept")
    assert refused.returncode == Exit.USAGE


def test_a_claim_that_came_later_or_names_another_falsifier_is_red(outcome):
    book, _, _, table = outcome
    project = Project(book.root)
    chapter = project.chapter("claims")
    record = read_record(project.run_dir(chapter) / "record.json")
    moved = record.claims[0].model_copy(update={"falsified_by": "_leaky"})
    late = Claim(text="this is a new conclusion", holds=True, margin=1.0)
    record = record.model_copy(update={"claims": [moved, late]})
    messages = [f.message for f in inspect_falsifiers(project, chapter, record)]
    assert f"{TEXTS[0]!r} names the falsifier _leaky, tried was small" in " ".join(messages)
    assert "'this is a new conclusion' was never tried under a falsifier" in " ".join(messages)
    assert isinstance(table, FalsifiedTable)


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("_leaky.py", "margin=-0.25", "margin=-0.5", "_leaky is another than was run: the code of"),
        ("profiles.yml", "{factor: 0.5}", "{factor: 0.25}", "it sets {'factor': 0.25}, and set"),
        (
            "profiles.yml",
            "small: {factor: 0.5}",
            "",
            "small is another than was run: 'small' is no",
        ),
        ("profiles.yml", "smoke: {factor: 3.0}", "smoke: {factor: 4.0}", ""),
    ],
)
def test_a_falsifier_that_changed_since_is_red(outcome, tmp_path, file, old, new, expected):
    book, _, _, table = outcome
    shutil.copytree(book.root, tmp_path / "copy")
    copy = TinyBook(Project(tmp_path / "copy"))
    copy.edit(f"chapters/pixels/claims/{file}", old, new)
    chapter = copy.project.chapter("claims")
    record = read_record(copy.project.run_dir(chapter) / "record.json")
    found = [f.message for f in inspect_falsifiers(copy.project, chapter, record)]
    changed = [message for message in found if "another than was run" in message]
    assert len(changed) == bool(expected)
    assert expected in "".join(changed)
    assert len(found) == len(findings(table)) + len(changed)


def test_a_companion_that_is_not_in_git_is_not_kept(book):
    book.chapter("pixels/claims", CLAIMS.splitlines()[1])
    book.commit()
    book.chapter("pixels/claims/_leaky", LEAKY)
    refused = book.medbook("check", "claims", "--falsify", "--accept")
    assert refused.returncode == Exit.USAGE
    assert "--accept: chapters/pixels/claims/_leaky.py is not in git" in refused.stderr
    assert read_falsified(Project(book.root), "pixels/claims") is None


def test_a_chapter_without_an_outcome_gets_a_note(accepted_book):
    project = Project(accepted_book.root)
    chapter = project.chapter("whole")
    record = read_record(project.run_dir(chapter) / "record.json")
    (note,) = inspect_falsifiers(project, chapter, record)
    assert note.severity == "note"
    assert note.message.startswith("0 of 3 claims name a falsifier, none was run: `medbook check")


def test_a_falsifier_that_raises_refutes_nothing(book):
    code = 'if factor < 1:\n    raise RuntimeError("too small")\n' + CLAIMS.splitlines()[0]
    book.chapter("pixels/claims", code)
    book.write("chapters/pixels/claims/profiles.yml", PROFILES)
    done = book.medbook("check", "claims", "--falsify")
    assert done.returncode == Exit.CHECK_FAILED
    assert "is not refuted by small: cell 4 raised RuntimeError: too small" in done.stderr


def test_a_companion_that_does_not_make_the_claim_refutes_nothing(book):
    book.chapter("pixels/claims", CLAIMS.splitlines()[1])
    book.chapter("pixels/claims/_leaky", "1")
    done = book.medbook("check", "claims", "--falsify")
    assert "is not refuted by _leaky: _leaky does not make this claim" in done.stderr


def test_a_claim_that_fails_in_its_own_run_is_refuted_by_nothing(book):
    book.chapter("pixels/claims", CLAIMS.splitlines()[0], parameters=PARAMETERS_OF_ONE)
    book.write("chapters/pixels/claims/profiles.yml", PROFILES)
    done = book.medbook("check", "claims", "--falsify")
    assert "is not refuted by small: it does not hold in the chapter's own run" in done.stderr


def test_a_parameter_set_of_another_chapter_is_no_falsifier(book):
    book.chapter("pixels/claims", CLAIMS)
    book.chapter("pixels/other", CLAIMS)
    book.write("chapters/pixels/other/profiles.yml", PROFILES)
    project = Project(book.root)
    with pytest.raises(UserError, match=r"'small' is no parameter set .*: there are none"):
        find_falsifier(project, project.chapter("claims"), "small")
