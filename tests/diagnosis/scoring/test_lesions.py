"""Lesions are matched one to one; the curve is MONAI's."""

import numpy as np
import pytest

from medlib.diagnosis.scoring.lesions import (
    Candidates,
    candidates,
    match_lesions,
    recall_at,
    threshold_at,
    touched,
)


def line(*lengths: int) -> np.ndarray:
    """Regions of given lengths on one line, a pixel apart."""
    cells = [cell for n in lengths for cell in [False, *[True] * n]]
    return np.array([[*cells, False]])


def test_a_blob_does_not_find_every_lesion():
    truth = line(3, 3, 3)
    everything = np.ones_like(truth)
    assert match_lesions(everything, truth, least_iou=0.3).found == 0
    assert match_lesions(truth, truth, least_iou=1.0).found == 3


@pytest.mark.parametrize("allowed", [0.0, 0.3, 1.0, 5.0])
def test_a_threshold_keeps_within_the_alarms_and_no_lower_one_does(allowed):
    rng = np.random.default_rng(0)
    scores = rng.integers(1, 15, size=60) / 15  # with ties
    found = Candidates(scores, rng.random(60) < scores, 50, 10)
    threshold = threshold_at(found, allowed)
    recall, alarms = found.at(threshold)
    assert alarms <= allowed
    assert recall == pytest.approx(recall_at(found, [allowed])[0])
    lower = scores[scores < threshold]
    if len(lower):
        assert found.at(lower.max())[1] > allowed


def test_no_threshold_is_low_enough_where_the_best_candidate_is_an_alarm():
    found = Candidates(np.array([0.9, 0.8]), np.array([False, True]), 1, 1)
    assert threshold_at(found, 0.0) == np.inf
    assert found.at(np.inf) == (0.0, 0.0)
    with pytest.raises(ValueError, match="must not be negative"):
        threshold_at(found, -1.0)


def test_everything_touches_every_lesion_and_nothing_none():
    truth = line(3, 3, 3)
    assert touched(np.ones_like(truth), truth) == (3, 3)
    assert touched(np.zeros_like(truth), truth) == (0, 3)
    assert touched(~truth, truth) == (0, 3)


def test_two_marks_on_one_lesion_are_a_hit_and_a_false_alarm():
    truth, split = line(7), line(3, 3)
    found = match_lesions(split, truth, least_iou=0.2)
    assert (found.found, found.missed, found.invented) == (1, 0, 1)


def test_pairs_are_chosen_so_that_most_lesions_are_found():
    """The best single pair, taken first, would leave the other lesion without a partner."""
    truth = np.zeros((1, 20), bool)
    truth[0, 0:6] = truth[0, 8:12] = True
    wide = np.zeros((1, 20), bool)
    wide[0, 0:3] = wide[0, 4:12] = True
    assert match_lesions(wide, truth, least_iou=0.25).found == 2


def test_nothing_finds_nothing():
    empty, truth = np.zeros((3, 3), bool), np.eye(3, dtype=bool)
    assert match_lesions(empty, truth, least_iou=0.1).missed == 1
    assert match_lesions(truth, empty, least_iou=0.1).invented == 1
    assert match_lesions(empty, empty, least_iou=0.1).found == 0


def test_the_curve_is_that_of_monai():
    from monai.metrics import compute_froc_curve_data

    rng = np.random.default_rng(3)
    scores, hits = rng.random(60), rng.random(60) < 0.4
    ours = Candidates(scores, hits, n_lesions=40, n_scans=12)
    alarms, recall = compute_froc_curve_data(scores[~hits], scores[hits], 40, 12)
    mine = ours.curve()
    at = [0.25, 0.5, 1.0, 2.0]
    theirs = [max(r for a, r in zip(alarms, recall, strict=True) if a <= x + 1e-9) for x in at]
    np.testing.assert_allclose(recall_at(ours, at), theirs)
    assert (np.diff(mine[0]) >= 0).all()
    assert (np.diff(mine[1]) >= 0).all()


def test_candidates_of_one_score_come_together():
    tied = Candidates(np.array([0.5, 0.5]), np.array([True, False]), n_lesions=1, n_scans=1)
    assert recall_at(tied, [0.0, 1.0]).tolist() == [0.0, 1.0]


def test_a_scan_without_candidates_still_counts():
    p, y = np.zeros((2, 1, 5)), np.zeros((2, 1, 5), bool)
    p[0, 0, 1], y[0, 0, 1], y[1, 0, 3] = 0.9, True, True
    found = candidates(p, y, floor=0.5, least_iou=0.5)
    assert (len(found.scores), found.n_lesions, found.n_scans) == (1, 2, 2)
    assert recall_at(found, [0.0]).tolist() == [0.5]


@pytest.mark.parametrize("least_iou", [0.0, 1.1, -1.0])
def test_an_overlap_out_of_range_is_refused(least_iou):
    with pytest.raises(ValueError, match="least_iou"):
        match_lesions(line(2), line(2), least_iou=least_iou)


def test_other_bad_input_is_refused():
    with pytest.raises(ValueError, match="differ in shape"):
        match_lesions(line(2), line(3), least_iou=0.5)
    with pytest.raises(ValueError, match="differ in shape"):
        candidates(np.zeros((1, 3)), np.zeros((1, 4), bool), floor=0.5, least_iou=0.5)
    with pytest.raises(ValueError, match="no lesion"):
        candidates(np.zeros((1, 3)), np.zeros((1, 3), bool), floor=0.5, least_iou=0.5)
    with pytest.raises(ValueError, match="negative"):
        recall_at(Candidates(np.empty(0), np.empty(0, bool), 1, 1), [-1.0])
