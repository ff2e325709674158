"""A check by new labels: the binomial test as the outsider, its level, its power."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from medlib.translation.shifts.concept_shift import check_labels, detection_rate


@given(n=st.integers(1, 30), data=st.data())
def test_equal_halves_are_the_binomial_test(n, data):
    k = data.draw(st.integers(0, n))
    found = check_labels(np.full(n, 0.5), np.repeat([1, 0], [k, n - k]))
    assert found.p_value == pytest.approx(binomtest(k, n).pvalue)
    assert (found.observed, found.expected) == (k, n / 2)


def test_never_rings_more_often_than_its_level_while_the_rule_stands():
    rng = np.random.default_rng(0)
    p = rng.beta(0.5, 0.5, 20_000)
    y = (rng.random(20_000) < p).astype(int)
    for n in (5, 40):
        alarms = detection_rate(p, y, n_labels=n, rng=rng, n_draws=400)
        assert alarms <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    assert detection_rate(p, y, n_labels=40, rng=rng, n_draws=300) > 0.01


def test_power_grows_with_labels_and_with_asking_where_it_is_undecided():
    rng = np.random.default_rng(1)
    x = rng.normal(size=5000)
    p = 1 / (1 + np.exp(-4 * x))
    moved = (rng.random(5000) < 1 / (1 + np.exp(-4 * (x - 0.5)))).astype(int)
    power = [detection_rate(p, moved, n_labels=n, rng=rng) for n in (5, 20, 80)]
    assert power[0] < power[1] < power[2]
    undecided = (p > 0.2) & (p < 0.8)
    assert detection_rate(p[undecided], moved[undecided], n_labels=20, rng=rng) > power[1] + 0.1


def test_blind_to_an_observer_who_swaps_as_many_either_way():
    rng = np.random.default_rng(2)
    p = np.tile([0.3, 0.7], 500)
    swapped = (rng.random(1000) < 1 - p).astype(int)
    assert check_labels(p, swapped).p_value > 0.01


def test_certain_images_and_errors():
    assert check_labels(np.array([0.0, 1.0]), np.array([0, 1])).p_value == 1
    assert check_labels(np.array([0.0, 0.0]), np.array([0, 1])).p_value == 0
    with pytest.raises(ValueError, match=r"\(3,\) probabilities and \(2,\) labels"):
        check_labels(np.full(3, 0.5), np.array([0, 1]))
    with pytest.raises(ValueError, match="labels are 0 or 1"):
        check_labels(np.full(2, 0.5), np.array([0, 2]))
    with pytest.raises(ValueError, match="n_labels=0 from 2 images"):
        detection_rate(np.full(2, 0.5), np.array([0, 1]), n_labels=0, rng=np.random.default_rng())


def test_few_images_do_not_hide_false_alarms():
    # drawn without replacement, all 40 of 40 images would give one and the same sum in every draw
    p, y = np.full(40, 0.5), np.tile([0, 1], 20)
    rng = np.random.default_rng(3)
    assert 0.005 < detection_rate(p, y, n_labels=40, rng=rng, n_draws=1000) < 0.08


def test_unequal_coins_against_every_outcome_by_hand():
    p, labels = np.array([0.9, 0.05, 0.3, 0.6]), np.array([1, 1, 1, 0])
    outcomes = list(itertools.product((0, 1), repeat=4))
    chance = {o: np.prod(np.where(o, p, 1 - p)) for o in outcomes}
    below = sum(c for o, c in chance.items() if sum(o) <= 3)
    above = sum(c for o, c in chance.items() if sum(o) >= 3)
    assert check_labels(p, labels).p_value == pytest.approx(2 * min(below, above))
