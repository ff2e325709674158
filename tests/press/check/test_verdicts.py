"""A verdict follows from what a run recorded, and turns when that is planted the other way."""

import json

import pytest
import yaml

from medlib.experiment.record import read_record
from press.check.verdicts import Speaks, Verdict, inspect_verdicts, judged, verdict_of
from press.check.verify import verify_book
from press.page.on_trial import on_trial_markdown
from press.page.verdict_bars import verdict_bars
from press.source.project import Project
from tests.press.conftest import REPOSITORY

CHAPTER = "pixels/whole"
CLAIM = {"what": "where the mean lies", "claim": "the mean lies near the middle"}
MEAN = {"what": "the mean grey of the ramp", "result": "mean"}  # .5, from .4 to .6


@pytest.fixture
def trial(accepted_book):
    """Writes the sheets, and gives what the checks find and what the page shows."""

    def run(owed, *, asked=None, judged_by=(CHAPTER,)):
        row = {"says": "A ramp is grey in the middle.", "judged_by": list(judged_by)}
        accepted_book.write("book/sources.yml", yaml.safe_dump({n: row for n in asked or ["A1"]}))
        accepted_book.write("chapters/pixels/whole/verdicts.yml", yaml.safe_dump(owed))
        return Trial(accepted_book)

    return run


class Trial:
    def __init__(self, book):
        self.book, self.project = book, Project(book.root)
        (self.chapter,) = self.project.chapters
        self.path = self.project.run_dir(self.chapter) / "record.json"

    @property
    def record(self):
        return read_record(self.path)

    def plant(self, change):
        content = json.loads(self.path.read_text("utf-8"))
        change(content)
        self.path.write_text(json.dumps(content), "utf-8")

    def verdict(self):
        (row,) = judged(self.project, {CHAPTER: self.record})
        return row.verdict

    def found(self):
        return [f.message for f in inspect_verdicts(self.project, self.chapter, self.record)]

    def page(self):
        titles = {CHAPTER: "A whole chapter"}
        return on_trial_markdown(self.project, {CHAPTER: self.record}, titles)

    def bars(self):
        return verdict_bars(self.project, {CHAPTER: self.record})


def evidence(*pieces):
    return {"A1": {"evidence": list(pieces)}}


def test_a_claim_planted_the_other_way_turns_the_verdict(trial):
    one = trial(evidence(CLAIM))
    assert one.found() == []
    assert one.verdict() is Verdict.HELD
    one.plant(lambda record: record["claims"][0].update(holds=False, margin=-0.1))
    assert one.verdict() is Verdict.CONTRADICTED
    assert "**Contradicted.**" in one.page()


def test_a_claim_that_speaks_against_does_so_while_it_holds(trial):
    one = trial(evidence(CLAIM | {"speaks": "against"}))
    assert one.verdict() is Verdict.CONTRADICTED
    one.plant(lambda record: record["claims"][0].update(holds=False, margin=-0.1))
    assert one.verdict() is Verdict.HELD


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ({"above": 0.3}, Verdict.HELD),
        ({"above": 0.4}, Verdict.OPEN),
        ({"above": 0.5}, Verdict.OPEN),
        ({"above": 0.6}, Verdict.CONTRADICTED),
        ({"below": 0.7}, Verdict.HELD),
        ({"below": 0.6}, Verdict.OPEN),
        ({"below": 0.4}, Verdict.CONTRADICTED),
        ({"above": 0.3, "speaks": "against"}, Verdict.CONTRADICTED),
    ],
)
def test_a_result_speaks_with_its_whole_interval(trial, limit, expected):
    assert trial(evidence(MEAN | limit)).verdict() is expected


def test_a_result_without_an_interval_speaks_by_its_value(trial):
    one = trial(evidence(MEAN | {"above": 0.45}))
    assert one.verdict() is Verdict.OPEN
    one.plant(lambda record: record["results"][0].update(low=None, high=None))
    assert one.verdict() is Verdict.HELD


@pytest.mark.parametrize(
    ("ways", "expected"),
    [
        ("", Verdict.UNTESTED),
        ("+", Verdict.HELD),
        ("-", Verdict.CONTRADICTED),
        ("?", Verdict.OPEN),
        ("+-", Verdict.IN_PART),
        ("+?", Verdict.IN_PART),
        ("-?", Verdict.CONTRADICTED),
        ("+-?", Verdict.IN_PART),
    ],
)
def test_the_verdict_of_several(ways, expected):
    of = {"+": Speaks.FOR, "-": Speaks.AGAINST, "?": Speaks.NEITHER}
    for order in (ways, ways[::-1], ways * 2):
        assert verdict_of(of[way] for way in order) is expected
    partly = Verdict.IN_PART if expected is Verdict.HELD else expected
    assert verdict_of([of[way] for way in ways], whole=False) is partly


def test_what_is_not_tested_says_why_and_a_part_that_is_not_keeps_the_rest_from_holding(trial):
    reason = "the run that could tell is too long"
    one = trial({"A1": {"untested": reason}})
    assert one.verdict() is Verdict.UNTESTED
    assert f"Why not: {reason}" in one.page()
    two = trial(evidence(CLAIM), judged_by=(CHAPTER, "systems/later"))
    assert two.verdict() is Verdict.IN_PART
    assert "To be judged by `systems/later`" in two.page()


def test_a_part_that_a_chapter_leaves_untested_keeps_its_own_evidence_from_holding(trial):
    reason = "only the middle was measured"
    one = trial({"A1": {"evidence": [CLAIM], "untested": reason}})
    assert one.found() == []
    assert one.verdict() is Verdict.IN_PART
    assert f"The rest is not tested: {reason}" in one.page()
    one.plant(lambda record: record["claims"][0].update(holds=False, margin=-0.1))
    assert one.verdict() is Verdict.CONTRADICTED


def test_a_chapter_to_come_is_named_under_a_heading_of_its_own(trial):
    one = trial({}, judged_by=["systems/later"])
    assert one.found() == []
    assert one.verdict() is Verdict.UNTESTED
    assert "## Chapters to come" in one.page()
    assert "Of 1 assertions: **1** not tested. Of those not tested, 1 wait" in one.page()


def test_the_page_shows_the_number_and_the_way_to_the_chapter(trial):
    page = trial(evidence(MEAN | {"above": 0.5})).page()
    assert "0.5 (0.4 to 0.6), n = 1600" in page
    assert "(/pixels/whole.ipynb)" in page
    assert "?\N{NO-BREAK SPACE}the mean grey of the ramp: the interval leaves it open" in page


@pytest.mark.parametrize(
    ("owed", "expected"),
    [
        ({}, "brings nothing on A1 (A ramp is grey in the middle.)"),
        (evidence(CLAIM) | {"A2": {"untested": "nobody asked"}}, "judges A2, which book/sources"),
        (evidence(CLAIM | {"claim": "the mean lies"}), "A1: there is no claim 'the mean lies'"),
        (evidence(MEAN | {"result": "men", "above": 0}), "A1: there is no result 'men'"),
    ],
)
def test_what_does_not_fit_turns_the_check_red(trial, owed, expected):
    one = trial(owed)
    (message,) = one.found()
    assert expected in message
    assert message in [f.message for f in verify_book(one.project) if f.what == "verdict"]


@pytest.mark.parametrize(
    ("owed", "expected"),
    [
        (evidence(MEAN), "A1 evidence 0: a result needs `above` or `below`, one of them"),
        (evidence(MEAN | {"above": 0, "below": 1}), "a result needs `above` or `below`"),
        (evidence(CLAIM | MEAN), "give a claim or a result, and not both"),
        (evidence(CLAIM | {"above": 0}), "a claim needs none"),
        (evidence(CLAIM | {"speaks": "maybe"}), "A1 evidence 0 speaks"),
        (evidence(CLAIM | {"verdict": "held"}), "A1 evidence 0 verdict"),
        ({"A1": {}}, "A1: give evidence, or say under `untested`"),
        ({"A1": {"untested": "?"}}, "A1 untested: String should have at least 8"),
        (["A1"], "verdicts.yml"),
    ],
)
def test_a_sheet_that_makes_no_sense_is_named_in_a_line(trial, owed, expected):
    (message,) = trial(owed).found()
    assert message.startswith("chapters/pixels/whole/verdicts.yml: ")
    assert expected in message
    assert len(message.splitlines()) == 1


def test_every_chapter_brings_what_it_owes_and_each_row_of_the_sources_is_there():
    project = Project(REPOSITORY)
    from press.source.verdict_sheet import assertions, owed_by

    every = assertions(project)
    assert list(every) == [f"A{n}" for n in range(1, 42)] + [f"B{n}" for n in range(1, 12)]
    for chapter in project.chapters:
        mine = {number for number, row in every.items() if chapter.id in row.judged_by}
        assert owed_by(project, chapter).keys() == mine


def test_the_picture_of_the_verdicts_turns_with_them(trial):
    one = trial(evidence(CLAIM), asked=["A1", "A2"], judged_by=(CHAPTER, "systems/other"))
    assert '<li class="not-tested" style="flex-grow:1">' in one.bars()
    assert "Of 2 assertions: **1** held in part, **1** not tested." in one.bars()
    one.plant(lambda record: record["claims"][0].update(holds=False, margin=-0.1))
    assert '<li class="contradicted" style="flex-grow:1">' in one.bars()
    assert "held in part" not in one.bars()


def test_a_bar_is_as_long_as_its_part_has_assertions(trial):
    one = trial(evidence(CLAIM))
    rows = {
        "A1": {"says": "A ramp is grey.", "judged_by": [CHAPTER]},
        "A2": {"says": "It will be grey.", "judged_by": ["systems/other"]},
        "A3": {"says": "It was grey.", "judged_by": ["systems/other", CHAPTER]},
    }
    one.book.write("book/sources.yml", yaml.safe_dump(rows))
    pixels, systems = one.bars().split("<b>")[1:]
    assert "Pixels" in pixels
    assert "width:50.0%" in pixels
    assert "Systems" in systems
    assert "width:100.0%" in systems
    assert '<li class="not-tested" style="flex-grow:2">' in systems


def test_without_assertions_there_is_no_picture(trial):
    one = trial(evidence(CLAIM))
    one.book.write("book/sources.yml", "{}")
    assert one.bars() == "No assertion has been listed yet."
