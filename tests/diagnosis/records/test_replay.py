"""A replay is the study wherever nothing looks ahead, and never knows what comes."""

import numpy as np
import pytest
import torch

from medlib.diagnosis.records.arms import ARMS
from medlib.diagnosis.records.replay import offline_risk, replayed_risk

ROUNDING = 1e-6  # some machines round a risk otherwise when fewer hours are computed with it


def rows(seed=0, shape=(6, 12, 3)):
    rng = np.random.default_rng(seed)
    made = rng.normal(size=shape).astype(np.float32)
    made[rng.random(shape) < 0.6] = np.nan
    return made


def network(arm, seed=0):
    return arm.network(3, hidden=4, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    "name", sorted(set(ARMS) - {"back fill", "interpolation", "back fill with masks"})
)
def test_where_nothing_looks_ahead_the_study_is_its_own_replay(name):
    arm = ARMS[name]
    study = offline_risk(network(arm), arm, rows(), hours=12)
    replay = replayed_risk(network(arm), arm, rows(), at=list(range(1, 13)))
    np.testing.assert_allclose(study, replay, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("name", ["back fill", "interpolation", "back fill with masks"])
def test_where_something_does_they_differ_until_the_file_ends(name):
    arm = ARMS[name]
    study = offline_risk(network(arm), arm, rows(), hours=12)
    replay = replayed_risk(network(arm), arm, rows(), at=list(range(1, 13)))
    assert np.abs(study[:, :8] - replay[:, :8]).max() > 100 * ROUNDING
    np.testing.assert_array_equal(study[:, -1], replay[:, -1])


@pytest.mark.parametrize("name", ARMS)
def test_a_replay_never_knows_what_comes(name):
    arm = ARMS[name]
    other = rows()
    other[:, 7:] = rows(1)[:, 7:]
    at = [3, 7]
    np.testing.assert_array_equal(
        replayed_risk(network(arm), arm, rows(), at=at),
        replayed_risk(network(arm), arm, other, at=at),
    )


def test_hours_outside_are_refused():
    with pytest.raises(ValueError, match=r"each lies in 1\.\.12"):
        replayed_risk(network(ARMS["GRU-D"]), ARMS["GRU-D"], rows(), at=[0])
