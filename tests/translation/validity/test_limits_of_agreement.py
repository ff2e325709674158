"""Limits of agreement: the published meters, pingouin's plot, coverage, replicates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import chi, norm

from medlib.translation.validity.limits_of_agreement import (
    limits_of_agreement,
    limits_with_replicates,
    proportional_bias,
)

# Peak flow, l/min, two readings with each of two meters, 17 subjects (Bland and Altman 1986).
WRIGHT = np.array(
    [
        [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427],
        [490, 397, 512, 401, 470, 611, 415, 431, 638, 429, 420, 633, 275, 492, 165, 372, 421],
    ]
).T
MINI = np.array(
    [
        [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451],
        [525, 415, 508, 444, 500, 625, 460, 390, 642, 432, 420, 605, 227, 467, 268, 370, 443],
    ]
).T


def test_the_published_meters():
    """Bland and Altman 1986: mean difference -2.1 l/min, SD 38.8; 1999: -78.1 and 73.9."""
    found = limits_of_agreement(WRIGHT[:, 0], MINI[:, 0])
    assert found.bias.value == pytest.approx(-2.1, abs=0.05)
    assert found.sd == pytest.approx(38.8, abs=0.05)
    assert found.lower.value == pytest.approx(-2.1 - 1.96 * 38.8, abs=0.2)
    assert found.upper.value == pytest.approx(-2.1 + 1.96 * 38.8, abs=0.2)
    assert found.bias.n == 17


def test_bias_limits_and_the_band_of_the_bias_are_those_of_pingouins_plot():
    """Its bands of the limits are those of 1986, SD √(3/n); ours of 1999 are 1 % longer here."""
    pingouin = pytest.importorskip("pingouin")
    x, y = WRIGHT[:, 0].astype(float), MINI[:, 0].astype(float)
    axis = pingouin.plot_blandaltman(x, y, agreement=norm.ppf(0.975))
    lines = sorted(float(line.get_ydata()[0]) for line in axis.lines)
    ours = limits_of_agreement(x, y, method="approximate")
    expected = sorted([0.0, ours.lower.value, ours.bias.value, ours.upper.value])
    np.testing.assert_allclose(lines, expected, atol=1e-10)
    bands = [patch.get_extents().transformed(axis.transData.inverted()) for patch in axis.patches]
    of_bias, of_upper = ((float(band.y0), float(band.y1)) for band in bands[:2])
    assert of_bias == pytest.approx(ours.bias.interval, abs=1e-9)
    wider = (ours.upper.high - ours.upper.low) / (of_upper[1] - of_upper[0])
    z, n = norm.ppf(0.975), len(x)
    assert wider == pytest.approx(np.sqrt((1 / n + z**2 / (2 * (n - 1))) * n / 3), rel=1e-9)


def test_exact_ends_are_those_of_a_plain_integral():
    """P(mean + reach · SD below the true limit), over the SD, is 2.5 % and 97.5 %."""
    n, z = 9, norm.ppf(0.975)
    d = np.random.default_rng(0).normal(size=n)
    found = limits_of_agreement(d, np.zeros(n))

    def beyond(reach):
        def given_sd(s):
            return norm.cdf(np.sqrt(n) * (z - reach * s)) * chi.pdf(
                s * np.sqrt(n - 1), n - 1
            ) * np.sqrt(n - 1)  # fmt: skip

        return quad(given_sd, 0, 8)[0]

    low, high = ((end - d.mean()) / d.std(ddof=1) for end in found.upper.interval)
    assert beyond(low) == pytest.approx(0.975, abs=1e-7)
    assert beyond(high) == pytest.approx(0.025, abs=1e-7)


def test_exact_intervals_cover_where_approximate_ones_do_not():
    rng, truth = np.random.default_rng(1), norm.ppf(0.975)
    inside = {"exact": [], "approximate": []}
    for _ in range(1500):
        d = rng.normal(size=5)
        for method, hits in inside.items():
            upper = limits_of_agreement(d, np.zeros(5), method=method).upper
            hits.append((upper.low > truth, upper.high < truth))
    exact, near = (np.mean(hits, axis=0) for hits in inside.values())
    np.testing.assert_allclose(exact, 0.025, atol=0.013)
    assert near[1] > 0.04


@given(st.integers(0, 10**6), st.floats(-100, 100), st.floats(0.1, 10))
def test_to_exchange_shift_and_scale_the_methods(seed, shift, scale):
    a, b = np.random.default_rng(seed).normal(size=(2, 7))
    one, turned = limits_of_agreement(a, b), limits_of_agreement(b, a)
    assert one.lower.interval == pytest.approx([-x for x in turned.upper.interval[::-1]])
    moved = limits_of_agreement(shift + scale * a, shift + scale * b)
    assert moved.upper.interval == pytest.approx([scale * x for x in one.upper.interval], abs=1e-9)
    assert one.upper.high - one.upper.value > one.upper.value - one.upper.low


def test_replicates_put_back_what_means_hide():
    """Bland and Altman 1999, of both readings: s_w of 15.3 and 19.9, SD of 37.7 l/min."""
    found = limits_with_replicates(WRIGHT, MINI)
    assert found.sd == pytest.approx(37.7, abs=0.05)
    within = [readings.var(axis=1, ddof=1).mean() for readings in (WRIGHT, MINI)]
    np.testing.assert_allclose(np.sqrt(within), [15.3, 19.9], atol=0.05)
    of_means = limits_of_agreement(WRIGHT.mean(axis=1), MINI.mean(axis=1))
    assert found.sd == pytest.approx(np.sqrt(of_means.sd**2 + sum(within) / 2), rel=1e-12)
    assert found.bias.value == pytest.approx(of_means.bias.value)
    assert found.upper.value > of_means.upper.value


def test_one_reading_each_gives_the_plain_limits():
    plain = limits_of_agreement(WRIGHT[:, 0], MINI[:, 0])
    found = limits_with_replicates(WRIGHT[:, :1], MINI[:, :1])
    assert (found.lower.value, found.sd) == pytest.approx((plain.lower.value, plain.sd))
    assert found.bias.interval == pytest.approx(plain.bias.interval)
    assert found.upper.interval == pytest.approx(plain.upper.interval, rel=0.07)


def test_intervals_with_replicates_cover():
    rng, inside = np.random.default_rng(2), []
    truth = norm.ppf(0.975) * np.sqrt(0.3**2 + 0.5**2 + 1)
    for _ in range(800):
        true = rng.normal(size=(12, 1))
        a = true + 0.3 * rng.normal(size=(12, 1)) + 0.5 * rng.normal(size=(12, 2))
        found = limits_with_replicates(a, true + rng.normal(size=(12, 3))).upper
        inside.append(found.low <= truth <= found.high)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.025)


def test_proportional_bias_is_a_regression_on_the_mean():
    import statsmodels.api as sm

    x, y = WRIGHT[:, 0].astype(float), MINI[:, 0].astype(float)
    found = proportional_bias(x, y)
    fit = sm.OLS(x - y, sm.add_constant((x + y) / 2)).fit()
    np.testing.assert_allclose(
        [found.intercept.interval, found.slope.interval], fit.conf_int(), rtol=1e-9
    )
    assert found.residual_sd == pytest.approx(np.sqrt(fit.mse_resid))
    line, low, high = found.limits(np.array([200.0, 600.0]))
    np.testing.assert_allclose(line, fit.predict(sm.add_constant([200.0, 600.0])), rtol=1e-9)
    np.testing.assert_allclose(high - low, 2 * norm.ppf(0.975) * found.residual_sd)


def test_more_error_in_one_method_looks_like_a_proportional_bias():
    rng = np.random.default_rng(3)
    true = rng.normal(size=2000)
    slope = proportional_bias(true + rng.normal(size=2000), true + 0.1 * rng.normal(size=2000))
    assert slope.slope.low > 0.2


def test_errors_teach():
    a = np.arange(5.0)
    with pytest.raises(ValueError, match="same three subjects"):
        limits_of_agreement(a[:2], a[:2])
    with pytest.raises(ValueError, match="all differences are 1"):
        limits_of_agreement(a + 1, a)
    with pytest.raises(ValueError, match="not finite"):
        limits_of_agreement(a, np.array([0, 1, np.nan, 3, 5]))
    with pytest.raises(ValueError, match="exact"):
        limits_of_agreement(a, a**2, method="parker")
    with pytest.raises(ValueError, match="share=95"):
        limits_of_agreement(a, a**2, share=95.0)
    with pytest.raises(ValueError, match="no line fits"):
        proportional_bias(a, -a)
