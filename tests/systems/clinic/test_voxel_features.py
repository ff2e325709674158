"""Features mean what they are called."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medlib.systems.clinic.voxel_features import NAMES, _blurred, brain_of, voxel_features


def plate(*, spot=False, ribbon=False):
    volume = np.zeros((3, 41, 41))
    volume[:, 5:36, 5:36] = 500 + np.random.default_rng(0).normal(0, 20, (3, 31, 31))
    r, c = np.indices((41, 41)) - 20
    if spot:
        volume[1] += 300 * np.exp(-(r**2 + c**2) / 8)
    if ribbon:
        volume[1, 5:36] += 300 * np.exp(-(c[5:36] ** 2) / 8) * (np.abs(c[5:36]) < 15)
    return volume


def of(volume, name, at=(1, 20, 20)):
    return voxel_features(volume)[(*at, NAMES.index(name))]


def test_a_spot_is_curved_in_two_directions_and_a_ribbon_in_one():
    spot, ribbon = plate(spot=True), plate(ribbon=True)
    less, greater = "less curvature at 2.0", "greater curvature at 2.0"
    assert of(spot, less) < -1
    assert of(spot, greater) < -1
    assert of(ribbon, less) < -1
    assert abs(of(ribbon, greater)) < 0.3


def test_neighbours_and_depth():
    volume = plate(spot=True)
    blurred = voxel_features(volume)[..., NAMES.index("blurred above")]
    assert of(volume, "blurred above", (2, 20, 20)) > of(volume, "blurred above") + 1
    assert of(volume, "blurred below", (0, 20, 20)) > of(volume, "blurred below") + 1
    assert np.isfinite(blurred).all()
    assert of(volume, "depth") > of(volume, "depth", (1, 20, 8)) > 0
    assert of(volume, "depth", (1, 1, 1)) == 0


def test_scale_does_not_matter_and_air_is_no_brain():
    volume = plate()
    assert np.allclose(voxel_features(volume), voxel_features(volume * 7), atol=1e-3)
    brain = brain_of(voxel_features(volume)[..., 0])
    assert (brain == (volume > 0)).mean() > 0.99
    assert not brain[volume == 0].any()


@pytest.mark.parametrize("width", [0.7, 2.0, 6.0])
@pytest.mark.parametrize("order", [(0, 0), (2, 0), (0, 2), (1, 1)])
def test_slices_are_blurred_as_scipy_does_it(width, order):
    volume = np.random.default_rng(0).normal(size=(3, 31, 22)).astype(np.float32)
    there = gaussian_filter(volume, (0, width, width), order=(0, *order), truncate=3.0)
    assert _blurred(volume, width, order=order) == pytest.approx(there, abs=2e-6)
