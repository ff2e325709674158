"""False positives at 95 % true positives, against scikit-learn's ROC curve."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from medlib.diagnosis.novelty.separation import auc_by_group, fpr_at_tpr, passed_at_kept


@given(st.integers(0, 200), st.integers(2, 60), st.sampled_from([0.5, 0.8, 0.95, 1.0]))
def test_equals_scikit_learns_curve(seed, n, tpr):
    rng = np.random.default_rng(seed)
    out, known = rng.integers(0, 9, size=n) + 1.0, rng.integers(0, 9, size=37) * 1.0
    ours = fpr_at_tpr(out, known, tpr=tpr, rng=rng, n_resamples=2).value
    truth = np.repeat([1, 0], [n, 37])
    fpr, reached, _ = roc_curve(truth, np.concatenate([out, known]), drop_intermediate=False)
    assert ours == pytest.approx(fpr[reached >= tpr - 1e-9].min())


@given(st.integers(0, 200), st.sampled_from([0.5, 0.95, 1.0]))
def test_the_other_way_round_equals_scikit_learns_curve(seed, kept):
    rng = np.random.default_rng(seed)
    out, known = rng.integers(0, 9, size=20) + 1.0, rng.integers(0, 9, size=37) * 1.0
    ours = passed_at_kept(out, known, kept=kept, rng=rng, n_resamples=2).value
    fpr, reached, _ = roc_curve(
        np.repeat([1, 0], [37, 20]), -np.concatenate([known, out]), drop_intermediate=False
    )
    assert ours == pytest.approx(fpr[reached >= kept - 1e-9].min())


def test_the_interval_covers_the_truth():
    rng = np.random.default_rng(0)
    true = 0.05  # P(N(0, 1) > t) with t the 5 % quantile of N(2 * 1.645, 1)
    hits = 0
    for _ in range(60):
        found = fpr_at_tpr(
            rng.normal(2 * 1.6449, 1, 150), rng.normal(size=300), rng=rng, n_resamples=200
        )
        hits += found.low <= true <= found.high
    assert hits >= 50


def test_bad_input_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="out of range"):
        fpr_at_tpr(np.array([]), np.array([1.0]), rng=rng)
    with pytest.raises(ValueError, match="tpr"):
        fpr_at_tpr(np.ones(2), np.ones(2), rng=rng, tpr=0.0)


def test_groups_have_scikit_learns_auc_each():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(1)
    out, known, groups = (
        rng.integers(0, 9, 30) + 1.0,
        rng.integers(0, 9, 20),
        rng.integers(3, size=30),
    )
    ours = auc_by_group(out, known * 1.0, groups)
    for group in range(3):
        mine = out[groups == group]
        truth = np.repeat([1, 0], [len(mine), 20])
        assert ours[group] == pytest.approx(roc_auc_score(truth, np.concatenate([mine, known])))
    with pytest.raises(ValueError, match="groups of shape"):
        auc_by_group(out, known * 1.0, groups[:3])
