import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from medlib.measures.auc import auc, auc_difference

scores = st.lists(st.integers(-5, 5), min_size=2, max_size=30).map(np.array)


@given(scores, scores)
def test_auc_agrees_with_scikit_learn_ties_included(present, absent):
    labels = np.r_[np.ones(len(present)), np.zeros(len(absent))]
    theirs = roc_auc_score(labels, np.r_[present, absent])
    assert auc(present, absent).value == pytest.approx(theirs)


@given(scores, scores)
def test_swapping_the_classes_mirrors_the_area(present, absent):
    one, other = auc(present, absent), auc(absent, present)
    assert one.value + other.value == pytest.approx(1)
    assert one.standard_error == pytest.approx(other.standard_error)


@given(scores, scores)
def test_only_the_order_counts(present, absent):
    assert auc(np.exp(present), np.exp(absent)) == auc(present, absent)


def test_delong_intervals_cover():
    rng = np.random.default_rng(0)
    truth = norm.cdf(1 / np.sqrt(2))
    trials = [auc(rng.normal(1, 1, 150), rng.normal(0, 1, 150)) for _ in range(600)]
    covered = np.mean([t.low <= truth <= t.high for t in trials])
    assert 0.92 < covered < 0.98
    spread = np.std([t.value for t in trials])
    assert np.mean([t.standard_error for t in trials]) == pytest.approx(spread, rel=0.08)


def test_paired_differences_cover_and_are_sharper_than_unpaired_ones():
    rng = np.random.default_rng(1)
    covered, widths = [], []
    truth = norm.cdf(1 / np.sqrt(2)) - norm.cdf(1 / np.sqrt(2 * 1.25))
    for _ in range(400):
        present, absent = rng.normal(1, 1, 80), rng.normal(0, 1, 80)
        worse = present + rng.normal(0, 0.5, 80), absent + rng.normal(0, 0.5, 80)
        d = auc_difference((present, absent), worse)
        covered.append(d.low <= truth <= d.high)
        alone = auc(present, absent).standard_error, auc(*worse).standard_error
        widths.append(d.standard_error / np.hypot(*alone))
    assert 0.92 < np.mean(covered) < 0.985
    assert np.mean(widths) < 0.6


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="two or more"):
        auc(np.array([1.0]), np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match="same cases"):
        auc_difference((np.zeros(3), np.zeros(3)), (np.zeros(2), np.zeros(3)))
