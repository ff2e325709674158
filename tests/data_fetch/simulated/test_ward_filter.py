"""The filter equals the conditional normal distribution, written out without any recursion."""

import numpy as np
import pytest
from scipy.special import expit

from data_fetch.simulated.ward import (
    CHANNELS,
    HABIT_SD,
    MEMORY_H,
    NOISE_SD,
    SHARES,
    SLOPE,
    intercept,
    risk_given_parts,
    ward_course,
)
from data_fetch.simulated.ward_filter import risk_given_values
from medlib.measures.rank_auc import rank_auc, rank_auc_difference


def by_joint_normal(values, seen, hours):
    """Severity at hour 50 given all values at once: one large matrix for one patient."""
    middle, step = (np.array([channel[k] for channel in CHANNELS]) for k in (2, 3))
    load = np.array([[*channel[4], 0.0] for channel in CHANNELS])
    when, which = np.nonzero(seen[:hours])
    data = ((values[:hours] - middle) / step)[when, which]
    memory = np.exp(-np.abs(when[:, None] - when)[..., None] / np.array(MEMORY_H))
    cover = np.einsum("ijk,ik,jk->ij", memory, load[which], load[which])
    cover += HABIT_SD**2 * (which[:, None] == which) + NOISE_SD**2 * np.eye(len(data))
    fade = np.exp(-(50 - (when[:, None] + 1)) / np.array(MEMORY_H))
    with_outcome = (np.sqrt(SHARES) * fade * load[which]).sum(axis=1)
    weights = np.linalg.solve(cover, with_outcome)
    mean, variance = weights @ data, 1 - weights @ with_outcome
    severity = mean + np.sqrt(variance) * np.linspace(-8, 8, 4001)
    density = np.exp(-(np.linspace(-8, 8, 4001) ** 2) / 2)
    return (expit(SLOPE * severity + intercept()) @ density) / density.sum()


@pytest.mark.parametrize("hours", [1, 6, 16])
def test_it_equals_one_large_normal_distribution(hours):
    course = ward_course(12, rng=np.random.default_rng(3))
    seen = course.ordered(1.2)[..., :-1]
    found = risk_given_values(course.values[:, :hours], seen[:, :hours])
    expected = [by_joint_normal(course.values[i], seen[i], hours) for i in range(12)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_more_values_rank_better_and_none_better_than_the_hidden_state():
    course = ward_course(4000, rng=np.random.default_rng(1))
    sparse = course.ordered(0.0)[:, :16, :-1]
    few, all_of_them = (
        risk_given_values(course.values[:, :16], seen) for seen in (sparse, np.ones_like(sparse))
    )
    top = risk_given_parts(course.parts[:, 16], hour=16)
    assert rank_auc(few, course.outcome).low > 0.55
    assert rank_auc_difference(all_of_them, few, course.outcome).value > 0
    assert rank_auc_difference(top, all_of_them, course.outcome).value > 0
    assert all_of_them.mean() == pytest.approx(course.outcome.mean(), abs=0.02)


def test_values_that_were_not_measured_are_not_looked_at():
    course = ward_course(5, rng=np.random.default_rng(2))
    seen = course.ordered(0.0)[:, :8, :-1]
    other = np.where(seen, course.values[:, :8], np.nan)
    np.testing.assert_array_equal(
        risk_given_values(other, seen), risk_given_values(course.values[:, :8], seen)
    )
    with pytest.raises(ValueError, match="hours"):
        risk_given_values(np.zeros((1, 0, 10)), np.zeros((1, 0, 10), dtype=bool))
