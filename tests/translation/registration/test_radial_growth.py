"""A lesion that grows: its volume, its Jacobian, its way back."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.translation.registration.composition import inverse_consistency_mm
from medlib.translation.registration.jacobian import (
    folded_share,
    jacobian_determinant,
    volume_ratio,
)
from medlib.translation.registration.radial_growth import radial_growth
from medlib.translation.registration.warp import warp_labels


def grown(ratio=1.5, *, grid=(81, 81), side=0.5, radius=5.0, reach=16.0):
    centre = [(n - 1) / 2 * side for n in grid]
    return radial_growth(
        grid=grid, spacing_mm=[side] * len(grid), centre_mm=centre, radius_mm=radius,
        reach_mm=reach, volume_ratio=ratio,
    )  # fmt: skip


@settings(max_examples=6)
@given(st.floats(0.3, 2.5))
def test_determinants_of_differences_are_the_closed_form_away_from_both_rims(ratio):
    one = grown(ratio)
    r = 0.5 * np.linalg.norm(np.indices((81, 81)) - 40.0, axis=0)
    kept = (np.abs(r - 5.0) > 1.0) & (np.abs(r - 16.0) > 1.0)
    found = jacobian_determinant(one.by_voxels)[0].numpy()
    np.testing.assert_allclose(found[kept], one.determinant[0].numpy()[kept], atol=0.03)
    assert float(folded_share(one.by_voxels)) == 0


@pytest.mark.parametrize(("grid", "reach"), [((81, 81), 16.0), ((41, 41, 41), 9.5)])
def test_the_lesion_has_the_volume_that_it_should_have(grid, reach):
    one = grown(1.7, grid=grid, reach=reach)
    counted = float(one.after.sum() / one.before.sum())
    assert counted == pytest.approx(1.7, rel=0.02)
    inner = grown(1.7, grid=grid, radius=4.0, reach=reach).before
    by = one.by_voxels
    assert float(volume_ratio(by, mask=inner)) == pytest.approx(1.7, rel=1e-6)


def test_what_grows_inside_is_compressed_outside():
    """Volumes within R add up to what they were."""
    one = grown(2.0, reach=15.0)
    within = one.determinant[0] != 1
    assert float(one.determinant[0][within].mean()) == pytest.approx(1, abs=0.01)
    assert float(one.determinant.min()) == pytest.approx((15**2 - 50) / (15**2 - 25))


def test_the_way_back_leads_back_and_labels_follow():
    one = grown(1.8)
    missed = inverse_consistency_mm(one.by_voxels, backward=one.back_voxels, spacing_mm=(0.5, 0.5))
    assert float(missed.nan_to_num().max()) < 0.1
    later = warp_labels(one.before[:, None].to(torch.uint8), by_voxels=one.back_voxels)
    wrong = float((later[:, 0].bool() ^ one.after).sum() / one.after.sum())
    unmoved = float((one.before ^ one.after).sum() / one.after.sum())
    assert wrong < 0.1 < 0.4 < unmoved


def test_no_growth_is_the_identity():
    one = grown(1.0)
    assert float(one.by_voxels.abs().max()) < 1e-12
    assert torch.equal(one.before, one.after)


def test_voxels_may_be_long():
    one = radial_growth(
        grid=(41, 21), spacing_mm=(1.0, 2.0), centre_mm=(20.0, 20.0), radius_mm=5.0,
        reach_mm=18.0, volume_ratio=1.44,
    )  # fmt: skip
    assert float(one.by_voxels[0, 0, 25, 10]) == pytest.approx(1.0)
    assert float(one.by_voxels[0, 1, 20, 12]) == pytest.approx(0.4)  # 4 to 4.8 mm, in voxels of 2


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"ratio": 0.0}, "positive"), ({"radius": -1.0}, "positive"), ({"reach": 5.5}, "more than")],
)
def test_a_lesion_that_does_not_fit_is_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        grown(**wrong)
