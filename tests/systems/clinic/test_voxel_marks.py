"""The cut and the least size are those that mark best."""

import numpy as np
import pytest

from medlib.systems.clinic.voxel_marks import Marking, best_marking


def test_small_spots_are_dropped_where_they_are_noise():
    truth = np.zeros((2, 12, 12), dtype=bool)
    truth[0, 2:6, 2:6] = True
    p = np.where(truth, 0.5, 0.0)
    p[1, 9, 1] = p[1, 9, 9] = 0.9  # noise that is surer than the lesion
    found = best_marking([p], [truth])
    assert found.least_voxels > 1
    assert np.array_equal(found.mask(p), truth)
    p[1, 9, 1] = p[1, 9, 9] = 0.3
    assert np.array_equal(best_marking([p], [truth]).mask(p), truth)


def test_with_one_voxel_all_above_the_cut_is_marked():
    p = np.random.default_rng(0).random((2, 5, 5))
    assert np.array_equal(Marking(0.6, 1).mask(p), p > 0.6)
    assert not Marking(0.6, 60).mask(p).any()


def test_no_lesion_is_told():
    with pytest.raises(ValueError, match="none of the studies"):
        best_marking([np.zeros((1, 2, 2))], [np.zeros((1, 2, 2), bool)])
