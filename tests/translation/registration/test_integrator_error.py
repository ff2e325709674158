"""More squarings: closer to the reference, fewer folds, a better way back."""

import numpy as np
import pytest
import torch

from medlib.translation.registration.integrator_error import integrator_error
from medlib.translation.registration.jacobian import folded_share
from medlib.translation.registration.stationary_velocity import exponential, flow
from tests.translation.registration.fields import faded, linear_field, smooth_field


def test_few_squarings_fold_and_many_do_not():
    v = faded(smooth_field(48, 48, batch=2, size=10.0, coarse=7), voxels=6)
    found = integrator_error(v, squarings=(0, 2, 7), spacing_mm=(1.0, 1.0), reference_steps=24)
    assert (np.diff(found.apart_mm, axis=0) < 0).all()
    assert (np.diff(found.inverse_mm, axis=0) < 0).all()
    assert (found.inverse_mm[2] < 0.5).all()  # of up to 10
    assert (found.folded[0] > 0.05).all()
    assert (found.folded[2] < found.folded[0] / 5).all()
    assert found.folded.shape == (3, 2)


def test_numbers_are_those_of_their_parts():
    v = faded(smooth_field(20, 22, batch=2, size=2.0), voxels=4)
    mask = torch.zeros(2, 20, 22, dtype=torch.bool)
    mask[:, 5:15, 5:15] = True
    found = integrator_error(v, squarings=(3,), spacing_mm=(2.0, 2.0), mask=mask, reference_steps=9)
    apart = 2 * (exponential(v, squarings=3) - flow(v, steps=9))
    by_hand = [(a[:, m] ** 2).sum(dim=0).mean().sqrt() for a, m in zip(apart, mask, strict=True)]
    np.testing.assert_allclose(found.apart_mm[0], by_hand, atol=1e-12)
    share = folded_share(exponential(v, squarings=3), mask=mask)
    np.testing.assert_allclose(found.folded[0], share)
    assert found.squarings == (3,)
    assert not found.reference_folded.any()


def test_of_a_turning_velocity_the_error_halves():
    turning = linear_field([[0.0, -0.5], [0.5, 0.0]], 31, 31)
    mask = torch.zeros(1, 31, 31, dtype=torch.bool)
    mask[:, 10:21, 10:21] = True
    found = integrator_error(
        turning, squarings=(4, 5, 6), spacing_mm=(1.0, 1.0), mask=mask, reference_steps=8
    )
    ratios = found.apart_mm[:-1] / found.apart_mm[1:]
    np.testing.assert_allclose(ratios, 2, atol=0.1)


def test_what_cannot_be_followed_is_refused():
    with pytest.raises(ValueError, match="squarings=-1"):
        integrator_error(
            smooth_field(6, 6), squarings=(-1,), spacing_mm=(1.0, 1.0), reference_steps=1
        )
