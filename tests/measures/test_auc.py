import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from medlib.measures.auc import auc, auc_difference, auc_of

scores = st.lists(st.integers(-5, 5), min_size=2, max_size=30).map(np.array)


@given(scores, scores)
def test_auc_agrees_with_scikit_learn_ties_included(present, absent):
    labels = np.r_[np.ones(len(present)), np.zeros(len(absent))]
    theirs = roc_auc_score(labels, np.r_[present, absent])
    assert auc(present, absent).value == pytest.approx(theirs)


def test_of_labelled_cases_it_is_scikit_learns_too():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 80)
    scores = rng.normal(size=80) + labels
    assert auc_of(scores, labels).value == pytest.approx(roc_auc_score(labels, scores))


@given(scores, scores)
def test_swapping_the_classes_mirrors_the_area(present, absent):
    one, other = auc(present, absent), auc(absent, present)
    assert one.value + other.value == pytest.approx(1)
    assert one.standard_error == pytest.approx(other.standard_error)


@given(scores, scores)
def test_only_the_order_counts(present, absent):
    assert auc(np.exp(present), np.exp(absent)) == auc(present, absent)


def test_hanley_and_mcneils_radiologist_has_the_published_interval():
    """109 CT heads rated 1 to 5 (Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747).

    Stata's manual prints DeLong's interval of them ([R] roctab): 0.8932, 0.83295 to 0.95339. With
    n instead of n - 1 in the variances it would be .0006 shorter at each end.
    """
    normal = np.repeat([1, 2, 3, 4, 5], [33, 6, 6, 11, 2])
    abnormal = np.repeat([1, 2, 3, 4, 5], [3, 2, 2, 11, 33])
    area = auc(abnormal, normal)
    assert area.value == pytest.approx(0.8932, abs=5e-5)
    assert (area.low, area.high) == pytest.approx((0.83295, 0.95339), abs=5e-6)
    assert area.n == 109


def test_two_cases_of_each_class_by_hand():
    """Present 1 and 3 outrank 1/2 and 1 of the absent; absent 0 and 2 are outranked by 1 and 1/2.

    Each pair of shares has the variance ((1/4)² + (1/4)²) / (2 - 1) = 1/8, so the area 3/4 has the
    variance 1/8 / 2 + 1/8 / 2 = 1/8.
    """
    area = auc(np.array([1.0, 3.0]), np.array([0.0, 2.0]))
    assert (area.value, area.standard_error) == pytest.approx((3 / 4, 8**-0.5))
    other = np.array([3.0, 1.0]), np.array([0.0, 2.0])  # the same area, the cases turned round
    change = auc_difference((np.array([1.0, 3.0]), np.array([0.0, 2.0])), other)
    assert (change.value, change.standard_error) == pytest.approx((0.0, 0.5))


def covariance_of_two_areas(first, second):
    """DeLong's S₁₀/m + S₀₁/n, element by element as the paper's equations 4 to 7 write it."""

    def outranks(x, y):
        return 1.0 if x > y else 0.5 if x == y else 0.0

    m, n = len(first[0]), len(first[1])
    tests = (first, second)
    theta = [sum(outranks(x, y) for x in p for y in a) / (m * n) for p, a in tests]
    v10 = [[sum(outranks(x, y) for y in a) / n for x in p] for p, a in tests]
    v01 = [[sum(outranks(x, y) for x in p) / m for y in a] for p, a in tests]
    r, s = theta
    s10 = sum((a - r) * (b - s) for a, b in zip(*v10, strict=True)) / (m - 1)
    s01 = sum((a - r) * (b - s) for a, b in zip(*v01, strict=True)) / (n - 1)
    return s10 / m + s01 / n


@given(st.integers(2, 7), st.integers(2, 7), st.integers(0, 10_000))
def test_small_samples_have_the_papers_variances(m, n, seed):
    rng = np.random.default_rng(seed)
    one, two = ((rng.integers(0, 6, m), rng.integers(0, 5, n)) for _ in range(2))
    assert auc(*one).standard_error ** 2 == pytest.approx(covariance_of_two_areas(one, one))
    parts = [covariance_of_two_areas(a, b) for a, b in ((one, one), (two, two), (one, two))]
    of_difference = parts[0] + parts[1] - 2 * parts[2]
    found = auc_difference(one, two).standard_error ** 2
    assert found == pytest.approx(of_difference, abs=1e-12)


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
