"""Each claim says what it was run on: a file that is missing, wrong or impossible is found."""

import json

import pytest

from medlib.experiment.record import read_record
from press.check.grounds import inspect_grounds
from press.check.verify import verify_book
from press.errors import UserError
from press.source.grounds import SAID, Ground, Grounds, grounds_of
from press.source.project import Project
from tests.press.conftest import REPOSITORY

SHEET = "chapters/pixels/whole/grounds.yml"
CLAIM = "the mean lies near the middle"
BUT = f"but: [{{claim: {CLAIM}, run_on: code}}]\n"


class Book:
    def __init__(self, book):
        self.book, self.project = book, Project(book.root)
        (self.chapter,) = self.project.chapters
        self.path = self.project.run_dir(self.chapter) / "record.json"

    def found(self, text=None):
        if text is not None:
            self.book.write(SHEET, text)
        record = read_record(self.path)
        return [f.message for f in inspect_grounds(self.project, self.chapter, record)]

    def plant(self, **changes):
        content = json.loads(self.path.read_text("utf-8"))
        self.path.write_text(json.dumps(content | changes), "utf-8")


@pytest.fixture
def book(accepted_book):
    return Book(accepted_book)


def test_a_whole_chapter_passes_and_without_the_file_the_book_does_not(book):
    assert book.found() == []
    assert verify_book(book.project) == []
    (book.book.root / SHEET).unlink()
    (finding,) = verify_book(Project(book.book.root))
    assert "has no grounds.yml: write `run_on: ` and one of patients, anatomy" in finding.message
    book.plant(claims=[])
    assert book.found() == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("run_on: phantoms\n", "run_on 0: Input should be 'patients'"),
        ("run_on: []\n", "run_on: "),
        ("but: []\n", "run_on: Field required"),
        ("run_on: code\nbutt: []\n", "butt: Extra inputs"),
        ("[]\n", "valid dictionary"),
        ("run_on: code\nrun_on: code\n", "stands there twice"),
    ],
)
def test_a_damaged_file_is_found(book, text, said):
    (message,) = book.found(text)
    assert message.startswith(SHEET) or SHEET in message
    assert said in message
    with pytest.raises(UserError, match=r"grounds\.yml"):
        grounds_of(book.project, book.chapter)


def test_claims_are_named_by_their_whole_text_once_and_where_they_differ(book):
    assert book.found(f"run_on: simulation\n{BUT}") == []
    (message,) = book.found(f"run_on: code\n{BUT}")
    assert message.startswith("grounds.yml: is run on what all are")
    (message,) = book.found("run_on: code\nbut: [{claim: the mean lies, run_on: simulation}]\n")
    assert message == "grounds.yml: there is no claim 'the mean lies'"
    twice = BUT.replace("]", f", {{claim: {CLAIM}, run_on: anatomy}}]")
    assert f"grounds.yml: stands there twice: {CLAIM!r}" in book.found(
        f"run_on: simulation\n{twice}"
    )


@pytest.mark.parametrize(
    ("word", "kind", "possible"),
    [
        ("patients", "real", True),
        ("patients", "simulated", False),
        ("pictures", "simulated", False),
        ("pictures", "real", True),
        ("simulation", "real", False),
        ("simulation", "simulated", True),
        ("anatomy", "real", True),
        ("anatomy", "simulated", True),
        ("code", "real", True),
    ],
)
def test_a_claim_cannot_be_run_on_what_was_not_read(book, word, kind, possible):
    use = {"name": "a/set", "kind": kind, "sha256": "0" * 64}
    weights = {"name": "a/weights", "kind": "real", "sha256": "0" * 64}
    book.plant(data=[use, weights], figures=[])
    assert bool(book.found(f"run_on: {word}\n")) is not possible


def test_a_claim_that_is_named_alone_needs_no_data_for_the_others(book):
    book.plant(data=[], figures=[])
    (message,) = book.found(f"run_on: patients\n{BUT}")
    assert "a claim is run on patients, but the run read and showed no real data" in message


def test_words_for_readers():
    one = Grounds(run_on=["pictures", "simulation"], but=[{"claim": "x" * 8, "run_on": "code"}])
    assert one.of("another") == (Ground.PICTURES, Ground.SIMULATION)
    assert one.said("x" * 8) == f"run on: {SAID[Ground.CODE]}"
    assert one.said("another") == "run on: " + "; ".join((SAID["pictures"], SAID["simulation"]))
    assert set(SAID) == set(Ground)


def test_every_chapter_declares_it_and_names_claims_that_its_accepted_results_hold():
    project = Project(REPOSITORY)
    for chapter in project.chapters:
        found = grounds_of(project, chapter)
        assert found is not None, chapter.id
        accepted = project.results / chapter.id / "accepted.json"
        texts = {claim["text"] for claim in json.loads(accepted.read_text("utf-8"))["claims"]}
        assert {each.claim for each in found.but} <= texts, chapter.id
