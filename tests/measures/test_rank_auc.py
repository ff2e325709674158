"""By ranks and by pairs the same numbers come, ties included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from medlib.measures.auc import auc_difference, auc_of
from medlib.measures.rank_auc import rank_auc, rank_auc_difference


def scores(seed, n=60, tied=False):
    rng = np.random.default_rng(seed)
    labels = np.r_[[0, 0, 1, 1], rng.integers(0, 2, n - 4)]
    made = rng.normal(size=(2, n)) + labels
    return (made.round(0) if tied else made), labels


@given(st.integers(0, 1000), st.booleans())
def test_it_equals_the_pairs(seed, tied):
    (first, second), labels = scores(seed, tied=tied)
    pairs, ranks = auc_of(first, labels), rank_auc(first, labels)
    np.testing.assert_allclose(
        [ranks.value, ranks.low, ranks.high, ranks.standard_error],
        [pairs.value, pairs.low, pairs.high, pairs.standard_error], atol=1e-12,
    )  # fmt: skip
    assert ranks.value == pytest.approx(roc_auc_score(labels, first), abs=1e-12)
    split = [(each[labels == 1], each[labels == 0]) for each in (first, second)]
    pairs, ranks = auc_difference(*split), rank_auc_difference(first, second, labels)
    np.testing.assert_allclose(
        [ranks.value, ranks.low, ranks.high], [pairs.value, pairs.low, pairs.high], atol=1e-12
    )


def test_ten_thousand_cases_take_no_matrix():
    (first, _), labels = scores(0, n=200_000)
    assert rank_auc(first, labels).n == 200_000


@pytest.mark.parametrize(
    ("labels", "says"),
    [([0, 0, 0, 1], "two or more"), ([0, 1, 2, 1], "0 or 1"), ([0, 1], "0 or 1")],
)
def test_bad_labels_are_refused(labels, says):
    with pytest.raises(ValueError, match=says):
        rank_auc(np.arange(4.0), np.array(labels))


def test_nan_has_no_rank():
    with pytest.raises(ValueError, match="nan"):
        rank_auc(np.array([0.1, np.nan, 0.3, 0.4]), np.array([0, 0, 1, 1]))
