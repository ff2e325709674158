"""Counts and ratios, held against scikit-learn and MONAI where these define them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from medlib.diagnosis.scoring.overlap import Confusion, confusion


@pytest.fixture(scope="module")
def masks():
    rng = np.random.default_rng(0)
    return rng.random((5, 12, 9)) < 0.3, rng.random((5, 12, 9)) < 0.4


def test_ratios_are_those_of_scikit_learn(masks):
    found = confusion(*masks)
    for n, (a, b) in enumerate(zip(*(m.reshape(5, -1) for m in masks), strict=True)):
        assert found.accuracy()[n] == pytest.approx(metrics.accuracy_score(b, a))
        assert found.precision()[n] == pytest.approx(metrics.precision_score(b, a))
        assert found.recall()[n] == pytest.approx(metrics.recall_score(b, a))
        assert found.iou()[n] == pytest.approx(metrics.jaccard_score(b, a))
        for beta in (0.5, 1, 2):
            assert found.f_beta(beta)[n] == pytest.approx(metrics.fbeta_score(b, a, beta=beta))


def test_dice_is_that_of_monai(masks):
    from monai.metrics import compute_dice

    a, b = (torch.from_numpy(m[:, None].astype(np.float32)) for m in masks)
    theirs = compute_dice(a, b, include_background=True)[:, 0].numpy()
    np.testing.assert_allclose(confusion(*masks).dice(), theirs, rtol=1e-6)


def test_pooled_counts_are_one_large_scan(masks):
    whole = confusion(*(m.reshape(1, -1) for m in masks))
    assert confusion(*masks).pooled().dice() == pytest.approx(whole.dice())


def test_what_emptiness_is_worth_is_said_by_the_caller():
    empty, full = np.zeros((1, 4), bool), np.array([[True, False, False, False]])
    both, invented, missed = (confusion(*pair) for pair in
                              ((empty, empty), (full, empty), (empty, full)))  # fmt: skip
    assert np.isnan(both.dice()[0])
    assert both.dice(empty=1.0)[0] == 1.0
    assert invented.dice(empty=1.0)[0] == missed.dice(empty=1.0)[0] == 0.0
    assert np.isnan(invented.recall()[0])
    assert np.isnan(missed.precision()[0])
    assert missed.recall()[0] == 0.0
    assert both.accuracy()[0] == 1.0


def test_monai_leaves_false_alarms_in_healthy_scans_out():
    """What the chapter warns of; should MONAI change it, the chapter must say so."""
    from monai.metrics import compute_dice

    alarm, healthy = torch.ones(1, 1, 4), torch.zeros(1, 1, 4)
    assert torch.isnan(compute_dice(alarm, healthy, include_background=True)).all()


@given(counts=st.tuples(*[st.integers(0, 50)] * 4))
def test_iou_follows_from_dice(counts):
    one = Confusion(*(np.array([n]) for n in counts))
    dice, iou = one.dice()[0], one.iou()[0]
    assert np.isnan(dice) == np.isnan(iou)
    assert np.isnan(dice) or iou == pytest.approx(dice / (2 - dice))


@given(counts=st.tuples(*[st.integers(1, 50)] * 4), beta=st.floats(0, 10))
def test_f_beta_lies_between_precision_and_recall(counts, beta):
    one = Confusion(*(np.array([n]) for n in counts))
    ends = sorted((one.precision()[0], one.recall()[0]))
    assert ends[0] - 1e-12 <= one.f_beta(beta)[0] <= ends[1] + 1e-12


@pytest.mark.parametrize(
    ("predicted", "truth", "error", "words"),
    [
        (np.zeros((2, 3), bool), np.zeros((2, 4), bool), ValueError, "one shape"),
        (np.zeros(3, bool), np.zeros(3, bool), ValueError, "scans first"),
        (np.zeros((2, 0), bool), np.zeros((2, 0), bool), ValueError, "pixels"),
    ],
)
def test_bad_masks_are_refused(predicted, truth, error, words):
    with pytest.raises(error, match=words):
        confusion(predicted, truth)


def test_a_negative_beta_is_refused(masks):
    with pytest.raises(ValueError, match="beta = -1"):
        confusion(*masks).f_beta(-1)
