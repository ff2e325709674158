"""Slices of the template: the whole brain, the right way up, and blocks that do not touch."""

from itertools import pairwise

import numpy as np
import pytest

from data_fetch.packaged.brain_template import mni152
from data_fetch.tasks.brain_levels import LEVELS_MM, brain_levels


@pytest.mark.parametrize("resolution_mm", [2, 3])
def test_the_crop_holds_the_brain_and_its_sides_can_be_halved_three_times(resolution_mm):
    levels = brain_levels(resolution_mm=resolution_mm)
    rows, columns = levels.sample.array.shape[2:]
    assert rows % 8 == 0
    assert columns % 8 == 0
    whole = mni152("t1", resolution_mm=resolution_mm).array
    assert levels.sample.array[:, 0].sum() == pytest.approx(whole.sum(), rel=1e-4)


def test_rows_run_to_the_back():
    levels = brain_levels()
    slab = levels.sample.array[:, 0]
    template = mni152("t1", resolution_mm=3)
    x, y, z = 20, 60, 30  # in front of the middle
    assert slab[z, 70 - y, x - 4] == template.array[x, y, z]


def test_levels_of_splits_are_apart_and_where_they_say():
    levels = brain_levels()
    spans = sorted((low, high) for some in LEVELS_MM.values() for low, high in some)
    for (_, high), (low, _) in pairwise(spans):
        assert low - high >= levels.pixel_mm
    assert [len(block) for block in levels.blocks("training")] == [12, 6]
    assert np.diff(levels.z_mm) == pytest.approx(3.0)


def test_what_is_not_there_is_refused():
    with pytest.raises(ValueError, match="choose 2 or 3"):
        brain_levels(resolution_mm=1)
    with pytest.raises(ValueError, match="one of training"):
        brain_levels().blocks("lunch")
