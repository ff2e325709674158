"""Lesions on two scans: what pushes has moved tissue, what takes over has not."""

import numpy as np
import pytest
import torch

from medlib.translation.registration.grown_lesion import grown_lesions
from medlib.translation.registration.jacobian import volume_ratio
from medlib.translation.registration.similarity import squared_error
from medlib.translation.registration.warp import warp

WHITE = torch.ones(2, 3, 64, 64)
WHITE[:, :1] = 0.8 + 0.1 * torch.sin(torch.arange(64.0) / 3).expand(2, 1, 64, 64)


def lesions(ratio=1.5, **changes):
    options = {"n": 3, "spacing_mm": (1.0, 1.0), "noise": 0.0, "radius_mm": 6.0, "reach_mm": 16.0}
    rng = np.random.default_rng(1)
    return grown_lesions(WHITE, volume_ratio=ratio, rng=rng, **{**options, **changes})


def test_a_lesion_that_pushes_is_undone_by_its_map_and_its_jacobian_is_its_growth():
    one = lesions()
    left = squared_error(warp(one.late, by_voxels=one.known), one.early)
    assert (left < 0.1 * squared_error(one.late, one.early)).all()
    torch.testing.assert_close(
        volume_ratio(one.known, mask=one.before), torch.full((3,), 1.5), atol=0.08, rtol=0
    )
    assert one.volume_ratio == pytest.approx(1.5, abs=0.1)
    assert float(one.determinant[one.ring].max()) < 1


def test_a_lesion_that_takes_over_is_larger_and_has_moved_nothing():
    one = lesions(pushes=False)
    assert float(one.known.abs().max()) == 0
    assert float((one.determinant - 1).abs().max()) == 0
    outside = ~(one.before | one.after)[:, None]
    torch.testing.assert_close(one.late[outside], one.early[outside])
    assert float((one.late[one.after[:, None]] - 0.45).abs().max()) < 1e-6


def test_one_that_does_not_grow_differs_by_its_noise_alone():
    torch.testing.assert_close(lesions(1.0).late, lesions(1.0).early, atol=1e-5, rtol=0)
    noisy = lesions(1.0, noise=0.05)
    assert float((noisy.late - noisy.early).std()) == pytest.approx(0.05 * 2**0.5, rel=0.05)


def test_the_ring_is_tissue_on_both_scans():
    one = lesions()
    assert not (one.ring & (one.before | one.after)).any()
    assert (one.ring.flatten(1).sum(dim=1) > 100).all()


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="one lesion"):
        lesions(n=0)
    with pytest.raises(ValueError, match="no place"):
        grown_lesions(
            torch.zeros(1, 3, 32, 32), n=1, spacing_mm=(1.0, 1.0), volume_ratio=1.2,
            rng=np.random.default_rng(0),
        )  # fmt: skip
    with pytest.raises(ValueError, match="reach_mm"):
        lesions(9.0)
