"""The table holds what it says, and its classifier is the best of those tried."""

import numpy as np
import pytest

from medlib.diagnosis.records.summaries import summaries, tuned_table
from medlib.measures.calibration import log_loss


def rows(seed=0, n=80):
    rng = np.random.default_rng(seed)
    made = rng.normal(size=(n, 12, 2)).astype(np.float32)
    made[rng.random(made.shape) < 0.7] = np.nan
    return made


def test_it_equals_a_loop():
    made = rows()
    table = summaries(made)
    for patient in range(len(made)):
        for channel in range(2):
            seen = np.flatnonzero(~np.isnan(made[patient, :, channel]))
            values = made[patient, seen, channel]
            expected = [
                values[-1] if len(seen) else 0,
                values.mean() if len(seen) else 0,
                values[-1] - values[-2] if len(seen) > 1 else 0,
                len(seen),
                (seen >= 4).sum(),
                11 - seen[-1] if len(seen) else 12,
            ]
            np.testing.assert_allclose(table[patient, channel::2], expected, atol=1e-5)


def test_without_timing_it_holds_values_alone():
    assert summaries(rows(), timing=False).shape == (80, 6)
    assert summaries(rows()).shape == (80, 12)


def test_the_least_validation_loss_is_chosen():
    y = np.random.default_rng(3).integers(0, 2, 80)
    learn = rows()
    learn[:, :, 0] += 2 * y[:, None].astype(np.float32)
    found = tuned_table((learn, y), (learn[::2], y[::2]), penalties=(1e-3, 1.0))
    assert found.tried[found.name] == min(found.tried.values())
    assert found.tried[found.name] == pytest.approx(log_loss(found.risk(learn[::2]), y[::2]))
    assert len(found.tried) == 6


def test_a_family_can_be_chosen():
    y = np.random.default_rng(3).integers(0, 2, 80)
    pair = (rows(), y)
    found = tuned_table(pair, pair, families=("logistic regression",), penalties=(1e-3, 1.0))
    assert set(found.tried) == {"logistic regression, C = 0.001", "logistic regression, C = 1"}
    with pytest.raises(ValueError, match="one or more of"):
        tuned_table(pair, pair, families=("forest",))


def test_counts_are_used_only_where_they_are_shown():
    rng = np.random.default_rng(5)
    y = rng.integers(0, 2, 400)
    often = np.where(y == 1, 0.6, 0.2)
    made = np.where(rng.random((400, 12, 2)) < often[:, None, None], 1.0, np.nan)
    made = (made * rng.normal(size=made.shape)).astype(np.float32)
    pairs = (made[:200], y[:200]), (made[200:], y[200:])
    known = min(tuned_table(*pairs).tried.values())
    assert known < min(tuned_table(*pairs, timing=False).tried.values())
