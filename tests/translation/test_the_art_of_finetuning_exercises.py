"""The self-checks of the chapter accept the right answer, and no other."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from medlib.translation.moving.arms import Arm
from medlib.translation.moving.gradual_unfreezing import GradualUnfreezing
from medlib.translation.moving.l2_sp import Pull, l2_sp_penalty
from medlib.translation.shifts.adaptation_bound import BoundTerms
from medlib.translation.shifts.proxy_distance import proxy_a_distance
from tests.self_checks import self_checks


@pytest.fixture(scope="module")
def checks():
    return self_checks("translation/the_art_of_finetuning")


@pytest.fixture(scope="module")
def names():
    """A small world for the last check: an image's features are two of its pixels' means.

    The label is what is left of its red; the lamp is its green, which no head needs.
    """
    rng = np.random.default_rng(0)
    images = rng.integers(60, 160, (400, 4, 4, 3)).astype(np.uint8)
    y = np.arange(400) % 2
    images[..., 0] = (80 + 60 * y)[:, None, None]

    def cached_features(_, x):
        return np.stack([x[..., 0].mean((1, 2)), x[..., 1].mean((1, 2))], axis=1).astype(float)

    return {
        "np": np,
        "torch": torch,
        "xi": 0.6,
        "Arm": Arm,
        "GradualUnfreezing": GradualUnfreezing,
        "Pull": Pull,
        "l2_sp_penalty": l2_sp_penalty,
        "BoundTerms": BoundTerms,
        "proxy_a_distance": proxy_a_distance,
        "fixed_cut": np.random.default_rng(1),
        "cached_features": cached_features,
        "preprocess": lambda x, device: x,
        "run": SimpleNamespace(device="cpu"),
        "source": None,
        "test": SimpleNamespace(features=cached_features(None, images[:200])),
        "far_test": (images[200:], y[200:]),
        "home_head": SimpleNamespace(predict=lambda f: (f[:, 0] > 110).astype(int)),
        "cases": {("none", 0): {"error": 0.0}},
    }


LAMP = "lambda x: np.stack([x[..., 0], x[..., 1] // 2, x[..., 2]], axis=-1)"
RED = "lambda x: np.stack([x[..., 0] // 2, x[..., 1] // 2, x[..., 2]], axis=-1)"


@pytest.mark.parametrize(
    ("exercise", "old", "right", "wrong"),
    [
        (0, "answer = None", ["4"], ["5", "3", "0", "9"]),
        (1, "answer = None", ["7"], ["6", "8", "1", "10"]),
        (2, "answer = None", ["2.0", "1.7"], ["1.0", "3.0", "0.0", "5", "20.0", "18.2"]),
        (3, "answer = None", ["0.075"], ["0.15", "0.0", "0.425", "0.1"]),
        (4, "shift = None", [LAMP], ["lambda x: x", RED]),
    ],
)
def test_self_check(checks, names, capsys, exercise, old, right, wrong):
    def verdict(new):
        assert checks[exercise].count(old) == 1
        exec(checks[exercise].replace(old, new, 1), dict(names))
        return capsys.readouterr().out

    name = old.split(" ")[0]
    assert verdict(old) == "Type your answer first.\n"
    for answer in right:
        assert verdict(f"{name} = {answer}") == "Right.\n", answer
    for answer in wrong:
        assert verdict(f"{name} = {answer}").startswith("Not yet"), answer
