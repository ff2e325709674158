"""Cuts, reports and scores count the same lesions."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import label as label_of_others

from medlib.diagnosis.scoring.lesions import match_lesions
from medlib.systems.clinic.bright_voxels import BrightVoxels
from medlib.systems.clinic.lesion_parts import parts_of
from medlib.systems.clinic.structured_report import measure
from medlib.systems.clinic.voxel_marks import Marking

CORNER = np.zeros((2, 6, 6), dtype=bool)
CORNER[0, 2, 2] = CORNER[1, 3, 3] = True


@settings(max_examples=30)
@given(mask=arrays(bool, (3, 6, 6), elements=st.booleans(), fill=st.booleans()))
def test_a_report_counts_what_scores_count(mask):
    _, sizes = parts_of(mask)
    assert sizes.sum() == mask.sum()
    found = match_lesions(mask, mask, least_iou=1.0).found
    assert len(sizes) - 1 == found == label_of_others(mask, connectivity=3).max()
    assert measure(mask, spacing_mm=(5, 2, 2), probability=0.5).lesions == found


def test_two_voxels_that_touch_at_a_corner_are_one_for_all():
    assert measure(CORNER, spacing_mm=(5, 2, 2), probability=0.5).lesions == 1
    assert np.array_equal(Marking(0.5, 2).mask(CORNER.astype(float)), CORNER)
    assert not Marking(0.5, 3).mask(CORNER.astype(float)).any()
    volume = np.where(CORNER, 900.0, 500.0)
    white = np.ones(CORNER.shape)
    assert np.array_equal(BrightVoxels(2.0, 0.5, 0.0, 2).mask(volume, white), CORNER)
    assert not BrightVoxels(2.0, 0.5, 0.0, 3).mask(volume, white).any()
