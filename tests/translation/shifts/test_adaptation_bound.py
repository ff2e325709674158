"""The bound: true where everything can be counted, and its terms as in the paper."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.translation.shifts.adaptation_bound import (
    BoundTerms,
    complexity_term,
    images_needed,
    joint_mistakes,
)


@given(data=st.data())
@settings(max_examples=60)
def test_on_a_small_world_the_theorem_holds_for_every_hypothesis(data):
    """Five points, any two distributions and labels, any set of hypotheses: all terms exact."""
    weights = st.lists(st.integers(0, 9), min_size=5, max_size=5).filter(any)
    p_s, p_t = (np.array(data.draw(weights), float) for _ in range(2))
    p_s, p_t = p_s / p_s.sum(), p_t / p_t.sum()
    bits = st.lists(st.booleans(), min_size=5, max_size=5)
    y_s, y_t = (np.array(data.draw(bits)) for _ in range(2))
    hypotheses = [np.array(h) for h in data.draw(st.lists(bits, min_size=1, max_size=6))]
    error_s = [float(p_s @ (h != y_s)) for h in hypotheses]
    error_t = [float(p_t @ (h != y_t)) for h in hypotheses]
    pairs = itertools.product(hypotheses, repeat=2)
    d = 2 * max(abs(float((p_s - p_t) @ (a != b))) for a, b in pairs)
    joint = min(s + t for s, t in zip(error_s, error_t, strict=True))
    for own_s, own_t in zip(error_s, error_t, strict=True):
        bound = BoundTerms(min(own_s, 1.0), d, joint)
        assert own_t <= bound.value + 1e-9


def test_a_perfectly_seen_shift_makes_it_say_nothing():
    assert BoundTerms(0.0, 2.0, 0.0).vacuous
    assert not BoundTerms(0.1, 1.5, 0.1).vacuous
    assert BoundTerms(0.1, -0.3, 0.2).value == pytest.approx(0.3)  # noise below zero counts as zero


def test_joint_training_finds_the_hypothesis_that_serves_both():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2))
    home, away = (x[:200], x[200:] + np.array([0.0, 3.0]))
    labelled = [(part, (part[:, 0] > 0).astype(int)) for part in (home, away)]
    wrong = joint_mistakes(labelled, labelled, strength=10.0)
    assert [len(w) for w in wrong] == [200, 200]
    assert sum(w.mean() for w in wrong) < 0.05
    contradicting = [labelled[0], (home, 1 - labelled[0][1])]
    wrong = joint_mistakes(contradicting, contradicting, strength=10.0)
    assert sum(w.mean() for w in wrong) == pytest.approx(1.0)  # whoever pleases one fails the other


def test_the_complexity_term_is_the_paper_s():
    by_hand = 4 * math.sqrt((2 * 3 * math.log(2 * 5000) + math.log(2 / 0.1)) / 5000)
    assert complexity_term(vc_dimension=3, images=5000, delta=0.1) == pytest.approx(by_hand)


@given(vc_dimension=st.integers(1, 2000), at_most=st.floats(0.01, 50.0))
def test_the_images_needed_are_enough_and_half_of_them_are_not(vc_dimension, at_most):
    images = images_needed(vc_dimension=vc_dimension, at_most=at_most)
    assert complexity_term(vc_dimension=vc_dimension, images=images) <= at_most
    if images > 1:
        assert complexity_term(vc_dimension=vc_dimension, images=images // 2) > at_most


def test_errors_teach():
    with pytest.raises(ValueError, match="outside its range"):
        BoundTerms(1.2, 0.0, 0.0)
    with pytest.raises(ValueError, match="outside its range"):
        complexity_term(vc_dimension=0, images=10)
    with pytest.raises(ValueError, match="never reaches 0"):
        images_needed(vc_dimension=3, at_most=0.0)
    x, y = np.zeros((4, 1)), np.array([0, 1, 0, 1])
    with pytest.raises(ValueError, match="2 domains to learn from, but 1"):
        joint_mistakes([(x, y), (x, y)], [(x, y)])
