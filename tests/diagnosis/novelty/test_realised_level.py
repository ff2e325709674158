"""One calibration, many, and the mean over all of them."""

import itertools

import numpy as np
import pytest

from medlib.diagnosis.novelty.conformal import conformal_p, level_distribution
from medlib.diagnosis.novelty.realised_level import level_of_each_draw, mean_level


def test_the_mean_is_that_over_every_set_there_is():
    rng = np.random.default_rng(0)
    pool, test = rng.integers(0, 8, size=9) * 1.0, rng.integers(0, 9, size=7) * 1.0
    shares = [
        (conformal_p(test, calibration=pool[list(chosen)]) <= 0.4).mean()
        for chosen in itertools.combinations(range(9), 5)
    ]
    found = mean_level(pool, test, n_calibration=5, level=0.4, rng=rng, n_resamples=5)
    assert found.value == pytest.approx(np.mean(shares))


def test_draws_have_that_mean_and_the_spread_of_beta():
    rng = np.random.default_rng(1)
    pool, test = rng.normal(size=4000), rng.normal(size=4000)
    shares = level_of_each_draw(pool, test, n_calibration=99, n_draws=1500, level=0.05, rng=rng)
    exact = mean_level(pool, test, n_calibration=99, level=0.05, rng=rng, n_resamples=5).value
    assert shares.mean() == pytest.approx(exact, abs=0.002)
    assert shares.std() == pytest.approx(level_distribution(99, level=0.05).std(), rel=0.15)


def test_divided_anew_the_mean_is_arithmetic_and_the_spread_is_betas():
    rng = np.random.default_rng(3)
    shares = level_of_each_draw(
        rng.standard_cauchy(3000), n_calibration=59, n_draws=3000, level=0.05, rng=rng
    )
    promised = level_distribution(59, level=0.05)
    assert shares.mean() == pytest.approx(promised.mean(), abs=0.0015)
    assert shares.std() == pytest.approx(promised.std(), rel=0.06)


def test_the_interval_covers_the_nominal_level():
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(60):
        found = mean_level(
            rng.normal(size=200),
            rng.normal(size=200),
            n_calibration=99,
            level=0.1,
            rng=rng,
            n_resamples=200,
        )
        covered += found.low <= 0.1 <= found.high
    assert covered >= 50


def test_bad_input_is_refused():
    rng = np.random.default_rng(0)
    for m, level in ((10, 0.05), (50, 0.05), (20, 1.5)):
        with pytest.raises(ValueError, match="out of a pool of 40"):
            mean_level(np.arange(40.0), np.ones(3), n_calibration=m, level=level, rng=rng)
