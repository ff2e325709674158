"""The recorded trial gives back what was recorded, and the test never chooses."""

import numpy as np
import pytest

from medlib.nets.efficientnet_lite import DEPTHS
from medlib.translation.seeing.depth_and_scale import WAYS, DepthAndScale
from medlib.translation.seeing.pooled_features import BEHIND

SEEDS = 3


class Recorded:
    """A table in which each result is known by its name, its place and its seed."""

    def __init__(self, **values):
        self.values, self.seeds = values, list(range(SEEDS))
        self.grid = {"side_units": [2, 4], "size": [64, 128], "seed": self.seeds}

    def array(self, name, *, side_units, size):
        if name.startswith("auc_random") and side_units > 2:
            raise ValueError("not measured")
        return np.array(self.values.get(name, [0.5] * SEEDS)) + side_units / 1000 + size / 1e6


def test_sides_are_pixels_and_depths_come_in_their_order():
    trial = DepthAndScale(Recorded(auc_own_behind_stage3=[0.7, 0.8, 0.9]))
    assert (trial.sides, trial.patches, trial.n) == ([64, 128], [64, 128], SEEDS)
    found = trial.auc("behind", 128, 64)
    assert found.shape == (len(BEHIND), SEEDS)
    np.testing.assert_allclose(found[BEHIND.index("stage3")] - 0.004064, [0.7, 0.8, 0.9])
    np.testing.assert_allclose(found[BEHIND.index("stage3")], trial.at("behind", "stage3", 128, 64))
    assert len(trial.auc("means", 64, 64)) == len(DEPTHS) == len(WAYS["pooled"])


def test_validation_chooses_the_depth_and_the_way():
    trial = DepthAndScale(
        Recorded(
            validation_own_means_stage4=[0.9, 0.6, 0.6],
            auc_own_means_stage4=[0.7, 0.99, 0.99],
            validation_own_behind_stage3=[0.8, 0.7, 0.55],
            auc_own_behind_stage3=[0.99, 0.8, 0.99],
        )
    )
    chosen = trial.chosen(64, 64, ways=["means", "behind"]) - 0.002064
    np.testing.assert_allclose(chosen, [0.7, 0.8, 0.99])
    np.testing.assert_allclose(trial.chosen(64, 64, ways=["means"])[1:] - 0.002064, 0.99)


def test_what_was_not_measured_is_not_made_up():
    trial = DepthAndScale(Recorded())
    assert trial.auc("means", 64, 64, who="random").shape == (len(DEPTHS), SEEDS)
    with pytest.raises(ValueError, match="not measured"):
        trial.auc("means", 128, 64, who="random")
