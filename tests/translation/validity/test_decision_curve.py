"""Decision curves: dcurves' numbers, patients counted one by one, laws, and the bootstrap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from medlib.translation.validity.decision_curve import decision_curve, net_benefit

GRID = np.arange(0, 100) / 100


def patients(n, *, seed, digits=2):
    rng = np.random.default_rng(seed)
    true = rng.beta(1, 3, size=n)
    labels = (rng.random(n) < true).astype(int)
    labels[:2] = 0, 1
    other = np.clip(true + rng.normal(0, 0.2, size=n), 0, 1)
    return np.round(np.stack([true, other]), digits), labels  # rounded: risks on thresholds


def curve(risks, labels, *, thresholds=GRID, seed=0, **options):
    rng = np.random.default_rng(seed)
    return decision_curve(risks, labels, thresholds=thresholds, rng=rng, **options)


def by_dcurves(risks, labels, **options):
    dcurves = pytest.importorskip("dcurves")
    import pandas as pd

    frame = pd.DataFrame({"y": labels, "a": risks[0], "b": risks[1]})
    found = dcurves.dca(frame, "y", ["a", "b"], thresholds=list(GRID), **options)
    return [found[found["model"] == name] for name in ("a", "b", "all")]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("prevalence", [None, 0.07])
def test_net_benefit_and_interventions_avoided_are_those_of_dcurves(prevalence):
    risks, labels = patients(150, seed=0)
    risks = risks.clip(0.01)  # at t = 0 dcurves does not treat who has a risk of exactly 0
    theirs = by_dcurves(risks, labels, prevalence=prevalence)
    ours = curve(risks, labels, prevalence=prevalence, n_resamples=0)
    np.testing.assert_allclose(ours.values, [t["net_benefit"] for t in theirs], atol=1e-14)
    np.testing.assert_allclose(
        ours.interventions_avoided()[:, 1:],
        [t["net_intervention_avoided"].to_numpy()[1:] for t in theirs[:2]],
        atol=1e-12,
    )
    assert np.isnan(ours.low).all()


@given(st.integers(0, 10**6), st.integers(3, 40))
def test_the_curve_is_patients_counted_one_by_one(seed, n):
    risks, labels = patients(n, seed=seed, digits=1)
    found = curve(risks, labels, thresholds=np.array([0.0, 0.1, 0.3, 0.7]), n_resamples=0)
    for row, p in enumerate(risks):
        for value, t in zip(found.values[row], found.thresholds, strict=True):
            true = sum(1 for r, y in zip(p, labels, strict=True) if r >= t and y == 1)
            false = sum(1 for r, y in zip(p, labels, strict=True) if r >= t and y == 0)
            assert value == pytest.approx(true / n - false / n * t / (1 - t), abs=1e-12)
            assert net_benefit(p, labels, threshold=float(t)) == pytest.approx(value, abs=1e-12)


@given(st.integers(0, 10**6), st.integers(5, 60))
def test_laws(seed, n):
    risks, labels = patients(n, seed=seed)
    perfect = np.stack([labels.astype(float), risks[0]])
    found = curve(perfect, labels, thresholds=GRID[1:], n_resamples=0)
    np.testing.assert_allclose(found.values[0], labels.mean(), atol=1e-12)
    assert (found.values[0] >= found.values - 1e-12).all()
    share = labels.mean()
    all_treated = share - (1 - share) * GRID[1:] / (1 - GRID[1:])
    np.testing.assert_allclose(found.treat_all, all_treated, atol=1e-12)
    at_zero = curve(risks, labels, thresholds=np.array([0.0]), n_resamples=0)
    np.testing.assert_allclose(at_zero.values, share, atol=1e-12)
    order = np.random.default_rng(seed).permutation(n)
    mixed = curve(risks[:, order], labels[order], n_resamples=0)
    np.testing.assert_allclose(mixed.values, curve(risks, labels, n_resamples=0).values)


def test_resamples_by_pattern_have_the_spread_of_resampled_patients():
    risks, labels = patients(200, seed=1)
    at = np.array([0.1, 0.3, 0.5])
    found = curve(risks, labels, thresholds=at, n_resamples=4000)
    harm, treated = at / (1 - at), risks[0][:, None] >= at
    worth = np.where(labels[:, None] == 1, 1.0, -harm) * treated  # of each patient
    np.testing.assert_allclose(found.values[0], worth.mean(axis=0), atol=1e-12)
    error = worth.std(axis=0) / np.sqrt(200)
    np.testing.assert_allclose(found.resamples[:, 0].std(axis=0), error, rtol=0.05)
    drawn = np.random.default_rng(2).integers(200, size=(4000, 200))
    ends = np.quantile(worth[drawn].mean(axis=1), [0.025, 0.975], axis=0)
    np.testing.assert_allclose([found.low[0], found.high[0]], ends, atol=0.008)


def test_a_difference_knows_that_the_patients_are_the_same():
    risks, labels = patients(400, seed=3)
    found = curve(risks, labels)
    apart = found.difference(0, 1, at=0.3)
    k = 30
    assert apart.value == pytest.approx(found.values[0, k] - found.values[1, k])
    alone = np.hypot(*(found.high[:2, k] - found.low[:2, k]))
    assert apart.high - apart.low < alone
    same = curve(np.stack([risks[0], risks[0]]), labels).difference(0, 1, at=0.3)
    assert (same.low, same.value, same.high) == (0, 0, 0)
    assert found.difference(0, -1, at=0.3).n == 400


def test_intervals_cover():
    rng, inside = np.random.default_rng(4), []
    at = np.array([0.2])
    for _ in range(300):
        p = rng.uniform(0, 1, size=120)
        y = (rng.random(120) < p).astype(int)
        found = decision_curve(p[None], y, thresholds=at, rng=rng, n_resamples=300)
        inside.append(found.low[0, 0] <= 0.48 - 0.32 * 0.25 <= found.high[0, 0])
    assert np.mean(inside) == pytest.approx(0.94, abs=0.04)  # ∫ p - (1 - p)/4 from .2 to 1


def test_errors_teach():
    risks, labels = patients(20, seed=5)
    with pytest.raises(ValueError, match="ascend"):
        curve(risks, labels, thresholds=np.array([0.5, 0.2]))
    with pytest.raises(ValueError, match="nothing is worth"):
        curve(risks, labels, thresholds=np.array([1.0]))
    with pytest.raises(ValueError, match=r"in 0\.\.1"):
        curve(risks * 100, labels)
    with pytest.raises(ValueError, match="one label a column"):
        curve(risks, labels[:-1])
    with pytest.raises(ValueError, match="cases and controls"):
        curve(risks, labels, prevalence=7.0)
    with pytest.raises(ValueError, match="none of the 100"):
        curve(risks, labels).difference(0, 1, at=0.123)


@pytest.fixture
def three_models():
    rng = np.random.default_rng(0)
    line = rng.normal(size=500)
    labels = (rng.random(500) < expit(line)).astype(int)
    risks = np.stack([expit(line), expit(line - 2), expit(0.9 * line)])
    return decision_curve(risks, labels, thresholds=np.array([0.3, 0.5]), rng=rng, n_resamples=300)


def test_a_difference_is_a_contrast(three_models):
    curve = three_models
    expected = curve.difference(0, 1, at=0.5)
    assert curve.contrast(np.array([1, -1, 0, 0]), at=0.5) == expected
    apart = curve.resamples[:, 0, 1] - curve.resamples[:, 1, 1]
    assert expected.value == curve.values[0, 1] - curve.values[1, 1]
    assert [expected.low, expected.high] == np.quantile(
        apart, [(1 - 0.95) / 2, (1 + 0.95) / 2]
    ).tolist()


def test_a_row_of_weight_zero_may_have_no_answer(three_models):
    curve = three_models
    expected = curve.contrast(np.array([1, -1, 0, 0]), at=0.5)
    curve.values[2], curve.resamples[:, 2] = np.nan, np.nan
    assert curve.contrast(np.array([1, -1, 0, 0]), at=0.5) == expected


def test_a_contrast_is_the_sum_of_its_parts(three_models):
    curve = three_models
    lost, back = curve.difference(0, 1, at=0.3), curve.difference(2, 1, at=0.3)
    found = curve.contrast(np.array([-0.5, -0.5, 1, 0]), at=0.3)
    assert found.value == pytest.approx(back.value - lost.value / 2)
    assert found.low < found.value < found.high


def test_a_contrast_that_does_not_fit_is_refused(three_models):
    curve = three_models
    with pytest.raises(ValueError, match="one a row"):
        curve.contrast(np.array([1, -1]), at=0.5)
    with pytest.raises(ValueError, match=r"at=0\.4"):
        curve.contrast(np.array([1, -1, 0, 0]), at=0.4)
