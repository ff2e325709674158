"""Survival decision curves: dcurves, lifelines, no censoring, and who would be counted wrongly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlib.translation.validity.decision_curve import decision_curve
from medlib.translation.validity.survival_decision_curve import (
    survival_decision_curve,
    weighted_kaplan_meier,
)

GRID = np.array([0.05, 0.1, 0.2, 0.3, 0.5])


def patients(n, *, seed, censored=True, digits=1):
    """Simulated times in years, rounded so that many coincide."""
    rng = np.random.default_rng(seed)
    hazard = np.exp(rng.normal(-2, 0.8, size=n))
    event = rng.exponential(1 / hazard)
    leave = rng.uniform(1, 8, size=n) if censored else np.full(n, 1e6)
    times = np.maximum(np.round(np.minimum(event, leave), digits), 0.1)
    risk = 1 - np.exp(-3 * hazard)
    other = np.clip(risk + rng.normal(0, 0.1, size=n), 0, 1)
    return np.stack([risk, other]), times, (event <= leave).astype(int)


def curve(risks, times, events, *, seed=0, **options):
    options = {"horizon": 3.0, "thresholds": GRID, "n_resamples": 0, **options}
    rng = np.random.default_rng(seed)
    return survival_decision_curve(risks, times, events, rng=rng, **options)


@pytest.mark.filterwarnings("ignore")
def test_net_benefit_is_that_of_dcurves():
    dcurves = pytest.importorskip("dcurves")
    import pandas as pd

    risks, times, events = patients(200, seed=0)
    frame = pd.DataFrame({"y": events, "t": times, "a": risks[0], "b": risks[1]})
    found = dcurves.dca(
        frame, "y", ["a", "b"], thresholds=list(GRID), time=3.0, time_to_outcome_col="t"
    )
    theirs = [found.loc[found["model"] == name, "net_benefit"] for name in ("a", "b", "all")]
    ours = curve(risks, times, events)
    np.testing.assert_allclose(ours.values, np.array(theirs, dtype=float), atol=1e-13)


@given(st.integers(0, 10**6), st.integers(5, 40))
def test_weights_are_repeated_patients(seed, n):
    _, times, events = patients(n, seed=seed)
    order = np.argsort(times, kind="stable")
    times, events = times[order], events[order]
    weights = np.random.default_rng(seed).integers(0, 3, size=(4, n))
    found = weighted_kaplan_meier(weights, times, events, horizon=2.0)
    for row, value in zip(weights, found, strict=True):
        t, e = np.repeat(times, row), np.repeat(events, row)
        survival = 1.0
        for moment in np.unique(t[(e == 1) & (t <= 2.0)]):
            survival *= 1 - ((t == moment) & (e == 1)).sum() / (t >= moment).sum()
        if (t >= 2.0).any() or (len(t) and survival < 1e-12):
            assert value == pytest.approx(survival, abs=1e-12)
        else:
            assert np.isnan(value)


def test_kaplan_and_meier_are_lifelines():
    lifelines = pytest.importorskip("lifelines")
    _, times, events = patients(150, seed=1)
    order = np.argsort(times, kind="stable")
    fit = lifelines.KaplanMeierFitter().fit(times, events)
    for horizon in (0.5, 2.0, 4.0):
        ours = weighted_kaplan_meier(
            np.ones((1, 150)), times[order], events[order], horizon=horizon
        )
        assert ours[0] == pytest.approx(fit.survival_function_at_times(horizon).iloc[0], abs=1e-12)


@given(st.integers(0, 10**6))
def test_without_censoring_it_is_the_plain_curve(seed):
    risks, times, events = patients(40, seed=seed, censored=False)
    plain = decision_curve(
        risks,
        (times <= 3.0).astype(int),
        thresholds=GRID,
        rng=np.random.default_rng(0),
        n_resamples=0,
    )
    np.testing.assert_allclose(curve(risks, times, events).values, plain.values, atol=1e-12)


def test_the_bootstrap_is_patients_drawn_again():
    risks, times, events = patients(150, seed=2)
    found = curve(risks, times, events, n_resamples=300, thresholds=np.array([0.2]))
    rng, again = np.random.default_rng(3), []
    for _ in range(300):
        i = rng.integers(150, size=150)
        again.append(curve(risks[:, i], times[i], events[i], thresholds=np.array([0.2])).values)
    np.testing.assert_allclose(found.resamples.std(axis=0), np.std(again, axis=0), rtol=0.2)
    np.testing.assert_allclose(found.resamples.mean(axis=0), np.mean(again, axis=0), atol=0.01)
    assert (found.low <= found.values).all()
    assert (found.values <= found.high).all()


def test_to_count_only_who_was_followed_misleads():
    risks, times, events = patients(20_000, seed=4, digits=6)
    full = patients(20_000, seed=4, censored=False, digits=6)
    truth = curve(*full).treat_all
    known = (times >= 3.0) | (events == 1)
    by_known = curve(risks[:, known], times[known], events[known]).treat_all
    np.testing.assert_allclose(curve(risks, times, events).treat_all, truth, atol=0.015)
    assert (by_known - truth > 0.03).all()


def test_no_answer_is_nan_and_errors_teach():
    risks, times, events = patients(50, seed=5)
    risks[0, np.argmin(times)], events[np.argmin(times)] = 1.0, 0
    found = curve(risks, times, events, thresholds=np.array([0.2, 0.999]))
    assert np.isnan(found.values[0, 1])
    with pytest.raises(ValueError, match="nobody is followed"):
        curve(risks, times, events, horizon=50.0)
    with pytest.raises(ValueError, match="one of each a column"):
        curve(risks, times[:-1], events)
    with pytest.raises(ValueError, match="above 0"):
        curve(risks, times - 5, events)
    with pytest.raises(ValueError, match="ascend"):
        curve(risks, times, events, thresholds=np.array([0.2, 0.1]))
    with pytest.raises(ValueError, match=r"in 0\.\.1"):
        curve(risks * 5, times, events)
