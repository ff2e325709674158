"""Within-subject variation: published readings, known components, coverage, and what it obeys."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from medlib.translation.validity.variation import (
    cv_log,
    cv_root_mean_square,
    relative_repeatability,
    repeatability_coefficient,
    reproducibility,
    within_subject_sd,
)

REACH = norm.ppf(0.975) * np.sqrt(2)
# Peak flow, two readings with Wright's meter, 17 subjects (Bland and Altman 1986).
FIRST = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
SECOND = [490, 397, 512, 401, 470, 611, 415, 431, 638, 429, 420, 633, 275, 492, 165, 372, 421]
FLOW = np.column_stack([FIRST, SECOND])
positive = st.builds(
    lambda seed, n, k: np.random.default_rng(seed).uniform(1, 9, size=(n, k)),
    st.integers(0, 10**6),
    st.integers(3, 12),
    st.integers(2, 5),
)


def test_the_published_meter():
    """Bland and Altman 1999, of the same readings: s_w = 15.3 litres a minute."""
    assert within_subject_sd(FLOW, unit="l/min").value == pytest.approx(15.3, abs=0.05)
    assert repeatability_coefficient(FLOW).value == pytest.approx(2.772 * 15.3, abs=0.15)


def test_within_subject_sd_is_the_residual_of_a_one_way_analysis():
    import statsmodels.api as sm

    design = np.kron(np.eye(17), np.ones((2, 1)))
    fit = sm.OLS(FLOW.ravel().astype(float), design).fit()
    assert within_subject_sd(FLOW).value == pytest.approx(np.sqrt(fit.mse_resid), rel=1e-12)


@given(positive, st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_a_shift_changes_no_sd_and_a_scale_no_cv(scores, shift, scale):
    sd = within_subject_sd(scores)
    moved = within_subject_sd(shift + scale * scores)
    for name in ("value", "low", "high"):
        assert getattr(moved, name) == pytest.approx(scale * getattr(sd, name), rel=1e-6)
    for cv in (cv_log, cv_root_mean_square):
        assert cv(scale * scores).value == pytest.approx(cv(scores).value, rel=1e-9)


@given(positive)
def test_small_errors_give_one_cv_whichever_way(scores):
    near = 100 + 0.01 * scores
    assert cv_log(near).value == pytest.approx(cv_root_mean_square(near).value, rel=1e-3)


def test_the_cv_of_errors_that_multiply_and_its_coverage():
    rng, sigma = np.random.default_rng(0), 0.3
    truth, inside = np.sqrt(np.expm1(sigma**2)), []
    for _ in range(600):
        x = np.exp(rng.normal(size=(12, 1)) + sigma * rng.normal(size=(12, 2)))
        found = cv_log(x)
        inside.append(found.low <= truth <= found.high)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)
    x = np.exp(rng.normal(size=(100_000, 1)) + sigma * rng.normal(size=(100_000, 2)))
    assert cv_log(x).value == pytest.approx(truth, rel=0.01)


def test_95_percent_of_pairs_differ_by_less():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50_000, 1)) + 2 * rng.normal(size=(50_000, 2))
    assert np.mean(np.abs(x[:, 0] - x[:, 1]) < repeatability_coefficient(x).value) == pytest.approx(
        0.95, abs=0.005
    )
    y = np.exp(0.2 * x)
    ends = relative_repeatability(y)
    change = 100 * (y[:, 1] / y[:, 0] - 1)
    inside = (ends.fall_percent.value < change) & (change < ends.rise_percent.value)
    assert inside.mean() == pytest.approx(0.95, abs=0.005)
    assert ends.rise_percent.value > -ends.fall_percent.value


def test_components_are_those_of_a_two_way_analysis():
    import pandas as pd
    import statsmodels.formula.api as smf
    from statsmodels.stats.anova import anova_lm

    rng = np.random.default_rng(2)
    shape = n, c, r = 6, 4, 3
    x = rng.normal(size=(n, 1, 1)) + rng.normal(size=(1, c, 1)) + rng.normal(size=shape)
    s, j, _ = (index.ravel() for index in np.indices(shape))
    table = anova_lm(smf.ols("y ~ C(s)*C(j)", pd.DataFrame({"y": x.ravel(), "s": s, "j": j})).fit())
    ms = table["mean_sq"]
    found = reproducibility(x)
    assert found.error == pytest.approx(ms["Residual"], rel=1e-10)
    cell = ms["C(s):C(j)"]
    assert found.interaction == pytest.approx((cell - ms["Residual"]) / r, rel=1e-10)
    assert found.conditions == pytest.approx((ms["C(j)"] - cell) / (n * r), rel=1e-10)
    assert found.subjects == pytest.approx((ms["C(s)"] - cell) / (c * r), rel=1e-10)
    total = found.conditions + found.interaction + found.error
    assert found.reproducibility.value == pytest.approx(REACH * np.sqrt(total), rel=1e-10)
    assert found.repeatability.value == pytest.approx(REACH * np.sqrt(found.error), rel=1e-10)


def test_one_replicate_gives_the_total_all_the_same():
    x = np.random.default_rng(3).normal(size=(9, 5, 1))
    found = reproducibility(x)
    assert found.repeatability is None
    assert np.isnan(found.error)
    total = found.conditions + found.interaction
    assert found.reproducibility.value == pytest.approx(REACH * np.sqrt(total), rel=1e-10)


@pytest.mark.parametrize(("c", "r"), [(2, 2), (5, 1), (5, 2)])
def test_the_interval_of_reproducibility_covers(c, r):
    rng, inside = np.random.default_rng(4), []
    truth = REACH * np.sqrt(1 + 0.25 + 0.25)
    for _ in range(400):
        x = rng.normal(size=(20, 1, 1)) + rng.normal(size=(1, c, 1))
        x = x + 0.5 * rng.normal(size=(20, c, 1)) + 0.5 * rng.normal(size=(20, c, r))
        found = reproducibility(x).reproducibility
        inside.append(found.low <= truth <= found.high)
    assert 0.92 <= np.mean(inside) <= 0.99


@given(st.integers(0, 10**6), st.floats(0, 20))
def test_a_scanners_offset_is_reproducibilitys_and_not_repeatabilitys(seed, offset):
    x = np.random.default_rng(seed).normal(size=(8, 2, 2))
    moved = x + np.array([0.0, offset + 1.0])[:, None]
    assert reproducibility(moved).repeatability.value == pytest.approx(
        reproducibility(x).repeatability.value
    )
    more = x + np.array([0.0, 50.0])[:, None]
    assert reproducibility(more).reproducibility.value > reproducibility(x).reproducibility.value


def test_errors_teach():
    with pytest.raises(ValueError, match="two columns"):
        within_subject_sd(FLOW[:, :1])
    with pytest.raises(ValueError, match="all repeats of each subject agree"):
        within_subject_sd(np.ones((3, 2)))
    with pytest.raises(ValueError, match="above 0"):
        cv_log(FLOW - 500)
    with pytest.raises(ValueError, match="no upper end"):
        cv_log(np.array([[1.0, 8.0]]))
    with pytest.raises(ValueError, match="not finite"):
        within_subject_sd(np.array([[1.0, np.nan]]))
    with pytest.raises(ValueError, match="nothing varies"):
        reproducibility(np.repeat(np.arange(3.0), 4).reshape(3, 2, 2))
    with pytest.raises(ValueError, match="one subject"):
        reproducibility(np.ones((1, 2, 2)))
