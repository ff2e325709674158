"""Clipping bounds, noise is as wide as stated, and accounts agree with Opacus and with theory."""

import builtins

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from opacus.accountants.utils import get_noise_multiplier
from scipy.integrate import quad
from scipy.stats import norm as gaussian

from medlib.systems.aggregation.privacy import (
    clipped,
    delta_of_gaussian,
    epsilon_of,
    noise_for,
    noise_for_one_round,
    noisy_sum,
)


@given(arrays(np.float64, (3, 4), elements=st.floats(-1e6, 1e6)), st.floats(1e-3, 1e3))
def test_clipped_updates_are_no_longer_and_point_where_they_did(updates, norm):
    done = clipped(updates, norm=norm)
    lengths = np.linalg.norm(updates, axis=1)
    assert (np.linalg.norm(done, axis=1) <= norm * (1 + 1e-12)).all()
    assert np.allclose(done * lengths[:, None], updates * np.linalg.norm(done, axis=1)[:, None])
    assert (done[lengths <= norm] == updates[lengths <= norm]).all()


def test_one_participant_moves_the_sum_by_the_norm_at_most_and_noise_is_as_wide_as_stated():
    updates = np.random.default_rng(0).normal(size=(5, 20_000))
    how = {"norm": 2.0, "noise_multiplier": 1.5}
    whole = noisy_sum(updates, rng=np.random.default_rng(1), **how)
    without = noisy_sum(updates[1:], rng=np.random.default_rng(1), **how)
    assert whole.clipped == 5
    assert np.linalg.norm(whole.sum - without.sum) <= 2.0 * (1 + 1e-9)
    noise = whole.sum - clipped(updates, norm=2.0).sum(axis=0)
    assert noise.std() == pytest.approx(3.0, rel=0.03)
    silent = noisy_sum(updates, norm=2.0, noise_multiplier=0.0, rng=np.random.default_rng(1))
    assert (silent.sum == clipped(updates, norm=2.0).sum(axis=0)).all()


@pytest.mark.parametrize(("epsilon", "sigma"), [(0.0, 1.0), (0.5, 2.0), (1.0, 1.0), (3.0, 0.6)])
def test_delta_is_the_area_between_two_gaussians(epsilon, sigma):
    """From the definition: ∫ max(0, p - e^ε q) over the line, p and q one apart."""

    def excess(x):
        return max(0.0, gaussian.pdf(x, 1, sigma) - np.exp(epsilon) * gaussian.pdf(x, 0, sigma))

    border = epsilon * sigma**2 + 0.5  # right of it p is above
    by_hand = quad(excess, border, border + 40 * sigma, epsabs=1e-12)[0]
    assert delta_of_gaussian(epsilon, noise_multiplier=sigma) == pytest.approx(by_hand, abs=1e-9)


@given(st.floats(0.05, 20), st.floats(1e-10, 0.1))
@settings(max_examples=25)
def test_the_noise_of_one_round_spends_delta_and_not_more(epsilon, delta):
    sigma = noise_for_one_round(epsilon, delta)
    assert delta_of_gaussian(epsilon, noise_multiplier=sigma) == pytest.approx(delta, rel=1e-6)
    assert delta_of_gaussian(epsilon, noise_multiplier=sigma * 0.99) > delta


@pytest.mark.parametrize("sigma", [0.8, 1.5, 4.0])
def test_one_round_of_everybody_is_the_analytic_mechanism(sigma):
    """PRV states an error of 0.01; RDP is a bound, and so above."""
    for accountant, room in (("prv", 0.02), ("rdp", 1.0)):
        epsilon = epsilon_of(noise_multiplier=sigma, delta=1e-5, rounds=1, accountant=accountant)
        exact = noise_for_one_round(epsilon, 1e-5)
        assert exact <= sigma * 1.0001, "never less than what is truly spent"
        below = max(epsilon - room, 0.01)
        assert noise_for_one_round(below, 1e-5) >= sigma


def test_many_rounds_of_everybody_are_one_with_less_noise():
    """Gaussians compose: k rounds are one with σ/√k."""
    epsilon = epsilon_of(noise_multiplier=4.0, delta=1e-5, rounds=16)
    assert noise_for_one_round(epsilon, 1e-5) == pytest.approx(1.0, rel=0.01)


def test_fewer_rounds_smaller_shares_and_more_noise_spend_less():
    base = {"noise_multiplier": 1.0, "delta": 1e-5, "rounds": 50, "share": 0.1, "accountant": "rdp"}
    most = epsilon_of(**base)
    for less in ({"rounds": 10}, {"share": 0.02}, {"noise_multiplier": 2.0}, {"delta": 1e-3}):
        assert epsilon_of(**base | less) < most


@pytest.mark.filterwarnings("ignore:Optimal order")  # of the peer's own search
@pytest.mark.parametrize("accountant", ["rdp", "prv"])
def test_the_noise_is_opacus(accountant):
    ours = noise_for(epsilon=2.0, delta=1e-5, rounds=40, share=0.2, accountant=accountant)
    theirs = get_noise_multiplier(
        target_epsilon=2.0, target_delta=1e-5, sample_rate=0.2, steps=40, accountant=accountant
    )
    assert ours == pytest.approx(theirs, rel=0.01)
    spent = epsilon_of(
        noise_multiplier=ours, delta=1e-5, rounds=40, share=0.2, accountant=accountant
    )
    assert 1.99 <= spent <= 2.0


def test_without_opacus_it_says_what_to_do(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **named):
        if name.startswith("opacus"):
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=r"needs Opacus: pip install .*peers"):
        epsilon_of(noise_multiplier=1.0, delta=1e-5, rounds=1)
    assert noise_for_one_round(1.0, 1e-5) == pytest.approx(3.73, abs=0.01)


def test_what_is_wrong_is_refused():
    good = {"noise_multiplier": 1.0, "delta": 1e-5, "rounds": 1}
    for bad, message in [
        ({"delta": 0.0}, "delta 0.0"),
        ({"delta": 1.0}, "delta 1.0"),
        ({"rounds": 0}, "rounds 0"),
        ({"share": 0.0}, "share 0.0"),
        ({"share": 1.5}, "share 1.5"),
        ({"noise_multiplier": 0.0}, "without noise epsilon is infinite"),
        ({"accountant": "gdp"}, "accountant is 'gdp'"),
    ]:
        with pytest.raises(ValueError, match=message):
            epsilon_of(**good | bad)
    with pytest.raises(ValueError, match="epsilon 0"):
        noise_for(epsilon=0.0, delta=1e-5, rounds=1)
    with pytest.raises(ValueError, match="epsilon is -1"):
        delta_of_gaussian(-1.0, noise_multiplier=1.0)
    two = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"norm is 0\.0"):
        clipped(two, norm=0.0)
    two[1, 1] = np.nan
    with pytest.raises(ValueError, match="row 1 is not finite"):
        clipped(two, norm=1.0)
    with pytest.raises(ValueError, match="noise_multiplier is -1"):
        noisy_sum(np.ones((2, 3)), norm=1.0, noise_multiplier=-1.0, rng=np.random.default_rng(0))
