"""The self-checks of the chapter accept the right answer, and no other."""

import numpy as np
import pytest
from scipy.special import expit

from medlib.experiment.record import Result
from medlib.measures.calibration import fit_logit_line
from medlib.translation.shifts.prior_shift import correct_prior
from tests.self_checks import self_checks


@pytest.fixture(scope="module")
def checks():
    return self_checks("translation/three_shifts")


@pytest.fixture(scope="module")
def names():
    rng, home_pi = np.random.default_rng(0), 0.01
    truth = {"check": (rng.random(20_000) < home_pi).astype(int), "clinic": np.tile([0, 1], 200)}
    # two unit normals two apart: the log odds are 2 x - 2, and ln(π/(1-π)) on top
    p = {
        name: expit(2 * rng.normal(2.0 * y) - 2 + np.log(home_pi / (1 - home_pi)))
        for name, y in truth.items()
    }
    grade = rng.normal(size=2000)
    promise = expit(4 * grade)
    clinic = (rng.random(2000) < expit(4 * (grade + 0.25))).astype(int)
    between = (promise > 0.1) & (promise < 0.9)
    return {
        "np": np,
        "p": p,
        "truth": truth,
        "home_pi": home_pi,
        "promise": promise,
        "new": {"clinic": clinic},
        "between": between,
        "forty": rng.choice(np.flatnonzero(between), 40, replace=False),
        "auc_clinic": Result(name="auc_clinic", value=0.86),
        "em_found": (0.55, 0.4, 0.8, 0.0),
        "correct_prior": correct_prior,
        "fit_logit_line": fit_logit_line,
        "both": lambda p1: np.stack([1 - np.asarray(p1), p1], axis=-1),
    }


FOLLOW = """moved = fit_logit_line(promise[forty], new["clinic"][forty])
follows = np.mean((moved(promise) > 0.5) == new["clinic"])"""
ONLY_THERE = (
    FOLLOW
    + """
follows = np.mean(((moved(promise) > 0.5) == new["clinic"])[between])"""
)
ANSWERS = """said = {k: np.digitize(p[k], [home_pi / 3, 5 * home_pi]) for k in p}
C = np.array([[np.mean(said["check"][truth["check"] == y] == a) for y in (0, 1)] for a in range(3)])
mu = np.array([np.mean(said["clinic"] == a) for a in range(3)])
"""


@pytest.mark.parametrize(
    ("exercise", "old", "right", "wrong"),
    [
        (0, "answer = None", "answer = 0.914", ["0.2", "0.857", "0.3", "0.097", "0.9"]),
        (
            1,
            "follows = None",
            FOLLOW,
            [
                "follows = np.mean((promise > 0.5) == new['clinic'])",
                ONLY_THERE,
                "follows = 1.0",
            ],
        ),
        (2, "answer = None", "answer = 'pil'", ["'pll'", "'ipl'", "'iii'", "'pi'", "''"]),
        (2, "answer = None", "answer = 'P, I, L'", ["'L, I, P'"]),
        (
            3,
            "three_way = None",
            ANSWERS + "three_way = np.linalg.lstsq(C, mu)[0][1]",
            [
                ANSWERS + "three_way = np.linalg.lstsq(C * [0.99, 0.01], mu)[0][1]",
                ANSWERS + "three_way = np.linalg.lstsq(C, mu)[0][0] ** 2",
                ANSWERS + "three_way = mu[2]",
                ANSWERS + "three_way = mu[1] + mu[2]",
            ],
        ),
        (
            4,
            "rerun = None",
            "rerun = (0.97, 0.42, 0.6)",
            ["rerun = (0.97, 0.2, 0.9)", "rerun = (0.8, 0.42, 0.6)"],
        ),
    ],
)
def test_self_check(checks, names, capsys, exercise, old, right, wrong):
    def verdict(new):
        assert checks[exercise].count(old) == 1
        exec(checks[exercise].replace(old, new), dict(names))
        return capsys.readouterr().out

    assert verdict(old) == "Type your answer first.\n"
    assert verdict(right).startswith(("Right.", "As expected"))
    for answer in wrong:
        given = answer if "=" in answer else f"answer = {answer}"
        assert not verdict(given).startswith(("Right", "As expected")), answer
