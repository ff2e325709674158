"""What a chapter declares of its parameters is true: whatever is in range runs.

Or it is refused at the start, in one sentence that names the parameters which do not go together.
`CHAPTER_DRAWS=20 pytest tests/test_every_parameter.py` draws more sets, and others at each run. A
claim that does not hold with odd parameters is no crash.
"""

import math
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medlib.experiment.parameters import Parameter
from press.errors import Exit, UserError
from press.run.execute import Failure, Outcome, execute_all, plan
from press.run.starting import Start, can_fork
from press.source.project import BOOK_PROFILE, SMOKE_PROFILE, Chapter, Project
from tests.parameter_draws import drawn_sets, ends_of

PROJECT = Project(Path(__file__).parents[1])
ASKED = int(os.environ.get("CHAPTER_DRAWS", "0"))
# Here all chapters are run; where each commit takes its turn, as in `.ci/run`, every fourth.
TURN = os.environ.get("CHAPTER_TURN")
TURNS = 4
IN_CI = 1
SEED = 2  # unless one is drawn: the third that a quick run is tried on (`test_every_chapter`)

LEAST = 5e-324  # what is next to an open end at zero
RAN_INTO_A_CRASH = {
    "pixels/grad_cam": [{"depth": "head", "train_share": 0.6}],
    "pixels/low_dose_ct": [
        {"n0": 1e8, "sigma_e": 0.0, "lesion_hu": 1000.0, "lesion_mm": 30.0, "pixel_mm": 10.0}
    ],
    "pixels/virtual_staining": [{"misfits_px": [0.0, 0.5], "tile_px": 80}],
    "translation/extract_or_finetune": [{"steps": 3, "small_steps": 3}],
    "translation/the_art_of_finetuning": [
        {"few": 4, "contrast": LEAST, "peak_rate": 1e-5},
        {"few": 12, "contrast": 0.8, "batch_size": 11},
        {"few": 4, "peak_rate": 1e-5, "xi": 0.3},
    ],
    "translation/three_shifts": [{"home_rate": 0.005, "clinic_rate": 0.98, "n_graded": 60}],
}
BREAST = {"dataset": "breastmnist"}  # it is small, and nothing is fetched to say so
REFUSED = [  # chapter, profile, given, and the parameters that do not go together
    ("translation/the_art_of_finetuning", BOOK_PROFILE, {"few": 4}, {"few", "batch_size"}),
    ("translation/the_art_of_finetuning", BOOK_PROFILE, {"batch_size": 64}, {"few", "batch_size"}),
    ("translation/the_art_of_finetuning", BOOK_PROFILE, {"few": 400}, {"few", "n_train"}),
    ("translation/extract_or_finetune", BOOK_PROFILE, BREAST, {"dataset", "pool"}),
    ("translation/inside_the_visual_brain", BOOK_PROFILE, BREAST, {"dataset", "n_validation"}),
    ("translation/the_art_of_finetuning", BOOK_PROFILE, BREAST, {"dataset", "n_train"}),
    ("pixels/grad_cam", SMOKE_PROFILE, {"train_share": 0.2}, {"n_patients", "train_share"}),
    (
        "pixels/virtual_staining",
        SMOKE_PROFILE,
        {"stained_file": "field.png", "pairs_folder": "pairs"},
        {"stained_file", "pairs_folder"},
    ),
]


@pytest.fixture
def start(request):
    """How a run's worker is started: forked where that can be done."""
    return request.getfixturevalue("nursery") if can_fork() else None


def executed(
    chapter: Chapter, profile: str, sets: list[dict[str, Any]], *, folder: Path, start: Start | None
) -> list[Outcome]:
    """How a chapter's runs with some sets of parameters end."""
    jobs = []
    for place, given in enumerate(sets):
        job = plan(PROJECT, chapter, profile=profile, given=given)
        label = f"{chapter} {given}"
        jobs.append(replace(job, destination=folder / str(place), label=label))
    return execute_all(PROJECT, jobs, workers=2, start=start)


def names_in(chapter: Chapter, failure: Failure) -> set[str]:
    """The parameters that a refusal names with their values."""
    return {name for name in chapter.declared if re.search(rf"\b{name} = ", failure.line)}


def crashed(outcome: Outcome) -> bool:
    """Whether a run neither ended well nor was refused at its start, in one line."""
    failure = outcome.failure
    if failure is None:
        return False
    refused = failure.exit_code == Exit.USAGE and not failure.details
    return not refused or len(names_in(outcome.job.chapter, failure)) < 2


def in_turn(number: int, turn: str | None = TURN) -> bool:
    """Whether the chapter of that place in the book is run."""
    return turn is None or number % TURNS == int(turn) % TURNS


def test_everything_has_its_turn():
    for number in range(9):
        assert in_turn(number, None)
        assert [in_turn(number, str(turn)) for turn in range(5, 5 + TURNS)].count(True) == 1


@pytest.mark.chapter
@pytest.mark.parametrize(
    "chapter", [c for n, c in enumerate(PROJECT.chapters) if in_turn(n)], ids=str
)
def test_what_lies_in_the_declared_ranges_runs_or_is_refused_at_the_start(chapter, tmp_path, start):
    drawn = drawn_sets(PROJECT, chapter, ASKED or IN_CI, always_the_same=not ASKED)
    sets = [{"seed": SEED} | each for each in drawn]
    sets += RAN_INTO_A_CRASH.get(chapter.id, [])
    outcomes = executed(chapter, SMOKE_PROFILE, sets, folder=tmp_path, start=start)
    assert [outcome.failure.line for outcome in outcomes if crashed(outcome)] == []


@pytest.mark.chapter
@pytest.mark.parametrize(("name", "profile", "given", "together"), REFUSED)
def test_what_does_not_go_together_is_refused(name, profile, given, together, tmp_path, start):
    chapter = PROJECT.chapter(name)
    (outcome,) = executed(chapter, profile, [given], folder=tmp_path, start=start)
    assert not crashed(outcome)
    assert outcome.failure, "it ran"
    assert names_in(chapter, outcome.failure) == together


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 0.5]])
def test_misfits_that_show_no_course_are_out_of_range(values):
    chapter = PROJECT.chapter("pixels/virtual_staining")
    with pytest.raises(UserError, match=r"misfits_px = .*2 or more, increasing"):
        plan(PROJECT, chapter, given={"misfits_px": values})


def numbers_of(chapter: Chapter) -> list[Parameter]:
    """The parameters of a chapter that are numbers, or lists of them."""
    return [each for each in chapter.declared.values() if each.item_type in ("int", "float")]


def as_given(parameter: Parameter, number: float) -> Any:
    """A value that holds the number: itself, or a list as long as the parameter demands."""
    if not parameter.is_list:
        return number
    rest = [item for item in parameter.default if item != number][: parameter.least_items - 1]
    return sorted([number, *rest]) if parameter.increasing else [number, *rest]


def just_outside(parameter: Parameter) -> list[tuple[float, float | None]]:
    """Numbers next to a range, each with the nearest in it; None beside an open end."""
    low, high = ends_of(parameter)
    if parameter.item_type == "int":
        return [(low - parameter.step, low), (high + parameter.step, high)]
    below = (parameter.low, None) if parameter.low_open else (math.nextafter(low, -math.inf), low)
    above = (
        (parameter.high, None) if parameter.high_open else (math.nextafter(high, math.inf), high)
    )
    return [below, above]


@pytest.mark.parametrize("chapter", PROJECT.chapters, ids=str)
def test_the_ends_of_every_range_are_in_it_and_what_lies_next_to_them_is_not(chapter):
    for parameter in numbers_of(chapter):
        for end in ends_of(parameter):
            plan(PROJECT, chapter, given={parameter.name: as_given(parameter, end)})
        for number, nearest in just_outside(parameter):
            with pytest.raises(UserError) as caught:
                plan(PROJECT, chapter, given={parameter.name: as_given(parameter, number)})
            said = str(caught.value)
            assert said.startswith(f"{parameter.name} ")
            assert (parameter.range_text() if nearest is None else repr(nearest)) in said


@pytest.mark.parametrize("chapter", PROJECT.chapters, ids=str)
def test_every_choice_is_taken_and_a_misspelt_one_names_the_nearest(chapter):
    for parameter in chapter.declared.values():
        for choice in parameter.choices:
            plan(PROJECT, chapter, given={parameter.name: choice})
            with pytest.raises(UserError, match=f'did you mean "{choice}"'):
                plan(PROJECT, chapter, given={parameter.name: f"{choice}x"})
