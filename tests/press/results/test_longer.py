"""Longer training: a conclusion that rests on stopping early is turned round, and named."""

import json

import pytest

from medlib.experiment.tables import ClaimColumn, SweepTable, SweptPoint
from press.errors import Exit, UserError
from press.results.longer import findings, keeps_sign, plan_longer, read_longer, training_lengths
from press.source.project import Project

PARAMETERS = """\
seed: int = 0  # master seed, x ≥ 0
device: str = "cpu"  # where to compute: "auto", "cpu" or "cuda"
n_steps: int = 10  # steps of training, 1 ≤ x ≤ 100
rate: float = 0.5  # how fast, 0 < x ≤ 1
"""
CODE = """\
late, early = n_steps / 15, 1.0
run.result("late", late)
run.claim("the slow one stays behind", late < early, margin=early - late, unit="points")
run.claim("the seed is small enough", seed < 5, margin=5.5 - seed, control=True)
"""
LONGER = "smoke: {n_steps: 2}\nlonger: {n_steps: 20}\n"


@pytest.fixture
def trained(book):
    book.chapter("pixels/trained", CODE, parameters=PARAMETERS)
    book.write("chapters/pixels/trained/profiles.yml", LONGER)
    return book


def test_a_claim_that_longer_training_turns_round_is_named(trained):
    trained.commit()
    out = trained.root / "longer.md"
    done = trained.medbook("check", "trained", "--longer", "--accept", "-o", str(out))
    assert done.returncode == Exit.CHECK_FAILED
    assert (
        "'the slow one stays behind' does not keep its sign: ×1 seed 0: +0.333, ×1 seed 1: +0.333,"
        " ×2 seed 0: -0.333, ×2 seed 1: -0.333, ×4 seed 0: -1.67, ×4 seed 1: -1.67 points"
    ) in done.stderr
    assert "the seed is small enough' does not" not in done.stderr
    table = read_longer(Project(trained.root), "pixels/trained")
    assert table.grid == {"times": [1, 2, 4], "seed": [0, 1]}
    assert [point.parameters["times"] for point in table.points] == [1, 1, 2, 2, 4, 4]
    (late,) = table.results
    assert late.values == [n / 15 for n in (10, 10, 20, 20, 40, 40)]
    assert table.live == ""
    assert [keeps_sign(table, claim) for claim in table.claims] == [False, True]
    assert len(findings(table)) == 1
    text = out.read_text("utf-8")
    assert "| the slow one stays behind | +0.333, +0.333 | -0.333, -0.333 |" in text
    assert "| the seed is small enough *(control)* | +5.5, +4.5 |" in text
    # the runs at the book's own length are the book's run and its run on another seed
    assert (trained.root / "build/runs/pixels/trained/record.json").is_file()
    assert (trained.root / "build/seeds/pixels/trained/seed-1/record.json").is_file()
    later = trained.medbook("check", "trained")
    assert "does not keep its sign" in later.stderr


def test_a_profiles_own_lengths_are_multiplied(trained):
    sweep = plan_longer(Project(trained.root), Project(trained.root).chapter("trained"),
                        profile="smoke")  # fmt: skip
    assert [point.job.parameters["n_steps"] for point in sweep.points] == [2, 2, 4, 4, 8, 8]
    assert [point.swept["times"] for point in sweep.points] == [1, 1, 2, 2, 4, 4]
    assert len({point.key for point in sweep.points}) == 6


@pytest.mark.parametrize(
    ("profiles", "expected"),
    [
        ("smoke: {n_steps: 2}\n", "declares no training lengths: name them, at twice the book's"),
        ("longer: {n_stops: 20}\n", "n_stops is no parameter of the chapter"),
        ("longer: {rate: 1.0}\n", "rate is no whole number"),
        ("longer: {n_steps: 21}\n", "n_steps is 21; twice the book's value is 20"),
    ],
)
def test_what_is_declared_wrongly_is_told(trained, profiles, expected):
    trained.write("chapters/pixels/trained/profiles.yml", profiles)
    project = Project(trained.root)
    with pytest.raises(UserError, match=expected):
        plan_longer(project, project.chapter("trained"))


def test_four_times_a_length_must_be_allowed(trained):
    trained.edit("chapters/pixels/trained/trained.py", "1 ≤ x ≤ 100", "1 ≤ x ≤ 30")
    project = Project(trained.root)
    assert training_lengths(project, project.chapter("trained")) == {"n_steps": 10}
    with pytest.raises(UserError, match="4 times its training length: n_steps = 40 is out of"):
        plan_longer(project, project.chapter("trained"))


@pytest.mark.parametrize(
    ("holds", "kept"),  # ×1, ×2 and ×4, each on seed 0 and seed 1
    [
        ([True] * 6, True),
        ([False] * 6, True),
        ([True, False, True, False, True, False], True),
        ([True, True, True, False, True, True], False),
        ([True, True, True, True, True, None], False),
        ([None] * 6, False),
    ],
)
def test_a_sign_is_kept_where_no_length_changes_it_on_any_seed(holds, kept):
    claim = ClaimColumn(text="so it is", holds=holds, margins=[None] * 6)
    points = [
        SweptPoint(point=f"{times}-{seed}", parameters={"times": times, "seed": seed})
        for times in (1, 2, 4)
        for seed in (0, 1)
    ]
    grid = {"times": [1, 2, 4], "seed": [0, 1]}
    table = SweepTable(chapter="a/b", grid=grid, points=points, claims=[claim])
    assert keeps_sign(table, claim) is kept
    assert len(findings(table)) == (not kept)


def test_the_table_is_written_for_programs_too(trained):
    out = trained.root / "longer.json"
    done = trained.medbook("check", "trained", "--longer", "--profile", "smoke", "-o", str(out))
    assert done.returncode == Exit.CHECK_FAILED  # it has no run of profile smoke's own to check
    (table,) = json.loads(out.read_text("utf-8"))
    assert table["results"][0]["values"] == [n / 15 for n in (2, 2, 4, 4, 8, 8)]
