"""Average precision is scikit-learn's, scan by scan, ties and all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from medlib.diagnosis.fusion.scan_precision import (
    recall_of_scans,
    scan_precision,
    threshold_of_share,
)


@given(st.integers(0, 10**6), st.integers(2, 400))
def test_it_is_scikit_learns(seed, levels):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, size=(5, 6, 7)).astype(float)
    masks = rng.random((5, 6, 7)) < 0.2
    masks[:, 0, 0] = True
    theirs = [
        average_precision_score(m.ravel(), s.ravel()) for m, s in zip(masks, scores, strict=True)
    ]
    np.testing.assert_allclose(scan_precision(scores, masks), theirs, rtol=1e-12)


@given(st.integers(0, 10**6))
def test_any_rising_scale_gives_the_same(seed):
    rng = np.random.default_rng(seed)
    scores, masks = rng.normal(size=(3, 5, 5)), rng.random((3, 5, 5)) < 0.3
    masks[:, 2, 2] = True
    np.testing.assert_allclose(
        scan_precision(scores, masks), scan_precision(np.exp(scores), masks), rtol=1e-12
    )


def test_a_threshold_leaves_the_share_above():
    rng = np.random.default_rng(0)
    scores, masks = rng.normal(size=(50, 10, 10)), np.zeros((50, 10, 10), dtype=bool)
    masks[:, 0] = True
    threshold = threshold_of_share(scores, masks, share=0.02)
    assert (scores[~masks] > threshold).mean() == pytest.approx(0.02, abs=1e-3)


def test_recall_counts_inside_the_lesion():
    scores = np.arange(8.0).reshape(2, 2, 2)
    masks = np.array([[[True, False], [True, True]], [[True, True], [False, False]]])
    np.testing.assert_allclose(recall_of_scans(scores, masks, threshold=2.5), [1 / 3, 1.0])


def test_what_is_not_defined_is_refused():
    with pytest.raises(ValueError, match="no lesion"):
        scan_precision(np.zeros((1, 2, 2)), np.zeros((1, 2, 2), dtype=bool))
    with pytest.raises(ValueError, match="give"):
        scan_precision(np.zeros((1, 2, 2)), np.zeros((1, 2, 3), dtype=bool))
    with pytest.raises(ValueError, match="share"):
        threshold_of_share(np.zeros((1, 2, 2)), np.zeros((1, 2, 2), dtype=bool), share=0.0)
