"""Scores of masks whose errors are known."""

import numpy as np
import pytest

from medlib.systems.clinic.reading_scores import reading_scores

TRUTH = np.zeros((2, 12, 12), dtype=bool)
TRUTH[0, 1:4, 1:4] = TRUTH[1, 7:9, 7:9] = True
NONE = TRUTH & ~TRUTH


def test_a_lesion_missed_and_a_region_invented():
    marked = TRUTH.copy()
    marked[1] = False
    marked[0, 10, 10] = True
    found = reading_scores([marked, NONE], [TRUTH, NONE], voxel_ml=0.5)
    assert found.dice == pytest.approx([2 * 9 / (10 + 13)])
    assert found.found == pytest.approx([0.5])
    assert found.volume_error_ml == pytest.approx([-1.5])
    assert found.invented.tolist() == [1.0, 0.0]


def test_one_large_mark_finds_nothing():
    found = reading_scores([~NONE], [TRUTH], voxel_ml=1.0)
    assert found.found.tolist() == [0.0]
    assert found.invented.tolist() == [1.0]


def test_nothing_to_find_is_told():
    with pytest.raises(ValueError, match="nothing to find"):
        reading_scores([NONE], [NONE], voxel_ml=1.0)
    with pytest.raises(ValueError, match="1 masks for 2 studies"):
        reading_scores([NONE], [NONE, TRUTH], voxel_ml=1.0)
