"""Intraclass correlation: Shrout and Fleiss's table, pingouin's numbers, and what cannot matter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import f as f_distribution

from medlib.translation.validity.intraclass_correlation import (
    FORMS,
    bootstrap_icc,
    intraclass_correlation,
)

JUDGES = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9]])
JUDGES = np.concatenate([JUDGES, [[6, 2, 4, 7]]])
tables = st.builds(
    lambda seed, n, k: (
        np.random.default_rng(seed).normal(size=(n, 1))
        + np.random.default_rng(seed + 1).normal(size=(n, k))
    ),
    st.integers(0, 10**6),
    st.integers(3, 12),
    st.integers(2, 5),
)


def by_pingouin(scores):
    pingouin = pytest.importorskip("pingouin")
    import pandas as pd

    n, k = scores.shape
    long = pd.DataFrame(
        {"s": np.repeat(np.arange(n), k), "r": np.tile(np.arange(k), n), "y": scores.ravel()}
    )
    options = dict(pingouin.options)
    pingouin.options["round.column.CI95"] = None
    try:
        found = pingouin.intraclass_corr(long, targets="s", raters="r", ratings="y")
    finally:
        pingouin.options.update(options)
    ends = np.array([list(map(float, pair)) for pair in found["CI95"]])
    return np.column_stack([found["ICC"], ends, found["F"]])


def test_shrout_and_fleiss_table():
    """Table 4 of the paper: .17, .29, .71 and .44, .62, .91."""
    found = [intraclass_correlation(JUDGES, form=f).value for f in FORMS]
    np.testing.assert_allclose(found, [0.17, 0.29, 0.71, 0.44, 0.62, 0.91], atol=0.0051)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pingouin of pandas
@pytest.mark.parametrize(("n", "k", "seed"), [(6, 4, None), (30, 2, 0), (12, 5, 1), (4, 3, 2)])
def test_values_intervals_and_f_are_pingouins(n, k, seed):
    rng = np.random.default_rng(seed)
    scores = JUDGES.astype(float) if seed is None else rng.normal(size=(n, 1)) + rng.normal(
        [0.0] * k, 0.7, size=(n, k)
    ) + rng.normal(size=k)  # fmt: skip
    ours = [intraclass_correlation(scores, form=f) for f in FORMS]
    ours = np.array([[float(x) for x in (o.value, o.low, o.high, o.f)] for o in ours])
    np.testing.assert_allclose(ours, by_pingouin(scores), rtol=0, atol=1e-10)


@given(tables, st.floats(-1e3, 1e3), st.floats(0.01, 100), st.sampled_from(FORMS))
def test_shift_scale_and_order_change_nothing(scores, shift, scale, form):
    one = intraclass_correlation(scores, form=form)
    moved = (shift + scale * scores)[::-1, ::-1]
    two = intraclass_correlation(moved, form=form)
    for name in ("value", "low", "high"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), atol=1e-7)
    if form[0] != "2" or one.value > 0:  # Satterthwaite's degrees of freedom fail below 0
        assert one.low - 1e-12 <= one.value <= one.high + 1e-12 <= 1 + 1e-9


def test_where_spearman_and_brown_have_a_pole_the_interval_has_no_lower_end():
    """Pingouin's formula jumps over it, to a "lower" end of 87."""
    rng = np.random.default_rng(65)
    found = [
        intraclass_correlation(rng.normal(size=(4, 1)) + rng.normal(size=(4, 2)), form="2,k")
        for _ in range(200)
    ]
    assert any(np.isneginf(one.low) for one in found)
    assert all(one.low <= one.value <= one.high <= 1 for one in found if 0 < one.value < 1)
    assert all(one.low <= 1 for one in found)


@given(tables)
def test_a_raters_own_offset_matters_to_two_and_not_to_three(scores):
    offset = np.linspace(0, 50, scores.shape[1])
    moved = scores + offset
    three = [float(intraclass_correlation(s, form="3,1").value) for s in (scores, moved)]
    assert three[0] == pytest.approx(three[1], abs=1e-9)
    assert abs(intraclass_correlation(moved, form="2,1").value) < 0.05


@given(tables)
def test_the_mean_of_k_follows_spearman_and_brown(scores):
    k = scores.shape[1]
    for model in "123":
        one, mean = (intraclass_correlation(scores, form=f"{model},{m}").value for m in "1k")
        if 1 + (k - 1) * one > 1e-3:  # else the variance of the mean is not above 0
            assert float(mean) == pytest.approx(float(k * one / (1 + (k - 1) * one)), rel=1e-6)


def test_a_batch_is_its_tables_one_by_one():
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(2, 3, 10, 1)) + rng.normal(size=(2, 3, 10, 4))
    together = intraclass_correlation(scores)
    assert together.value.shape == (2, 3)
    alone = intraclass_correlation(scores[1, 2])
    assert (together.low[1, 2], together.high[1, 2]) == (alone.low, alone.high)
    assert alone.estimate().n == 10
    with pytest.raises(ValueError, match="one of them"):
        together.estimate()


def test_exact_intervals_cover_at_their_level():
    rng, truth = np.random.default_rng(4), 0.6
    scores = rng.normal(size=(4000, 8, 1)) * np.sqrt(truth)
    scores = scores + rng.normal(size=(4000, 8, 3)) * np.sqrt(1 - truth)
    for form in ("1,1", "3,1"):
        found = intraclass_correlation(scores, form=form)
        covered = ((found.low <= truth) & (truth <= found.high)).mean()
        assert covered == pytest.approx(0.95, abs=0.012)


def test_two_scanners_are_no_population_of_scanners():
    rng = np.random.default_rng(5)

    def covered(k):
        scores = rng.normal(size=(1500, 100, 1)) + 0.5 * rng.normal(size=(1500, 1, k))
        found = intraclass_correlation(scores + 0.3 * rng.normal(size=(1500, 100, k)))
        truth = 1 / (1 + 0.25 + 0.09)
        return ((found.low <= truth) & (truth <= found.high)).mean()

    assert covered(2) < 0.8
    assert covered(8) > 0.9


@pytest.mark.parametrize("form", FORMS)
def test_resamples_by_one_product_are_resamples_one_by_one(form):
    scores = np.random.default_rng(6).normal(size=(12, 1)) + JUDGES[:2].repeat(6, axis=0)
    scores = scores + np.random.default_rng(7).normal(size=scores.shape) + 1000
    found = bootstrap_icc(scores, rng=np.random.default_rng(8), form=form, n_resamples=50)
    drawn = np.random.default_rng(8).integers(12, size=(50, 12))
    np.testing.assert_allclose(
        found, intraclass_correlation(scores[drawn], form=form).value, atol=1e-10
    )


def test_the_bootstrap_is_near_the_exact_interval_where_both_hold():
    rng = np.random.default_rng(9)
    scores = rng.normal(size=(300, 1)) + 0.6 * rng.normal(size=(300, 2))
    exact = intraclass_correlation(scores, form="1,1")
    low, high = np.quantile(bootstrap_icc(scores, rng=rng, form="1,1"), [0.025, 0.975])
    assert low == pytest.approx(float(exact.low), abs=0.02)
    assert high == pytest.approx(float(exact.high), abs=0.02)


def test_f_of_no_difference_between_subjects_is_central():
    scores = np.random.default_rng(10).normal(size=(5000, 6, 3))
    found = intraclass_correlation(scores, form="1,1")
    alarms = (found.f > f_distribution.ppf(0.95, 5, 12)).mean()
    assert alarms == pytest.approx(0.05, abs=0.012)
    assert ((found.low > 0) == (found.f > f_distribution.ppf(0.975, 5, 12))).all()


def test_errors_teach():
    with pytest.raises(ValueError, match="one of 1,1"):
        intraclass_correlation(JUDGES, form="A,1")
    with pytest.raises(ValueError, match="two subjects and two raters"):
        intraclass_correlation(JUDGES[:, :1])
    with pytest.raises(ValueError, match="not finite"):
        intraclass_correlation(np.where(JUDGES == 9, np.nan, JUDGES))
    with pytest.raises(ValueError, match="no error"):
        intraclass_correlation(np.repeat(JUDGES[:, :1], 3, axis=1))
    with pytest.raises(ValueError, match="level"):
        intraclass_correlation(JUDGES, level=95.0)
