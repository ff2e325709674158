"""Pairs optimised one by one: known fields are found, no pair sees another, and it ends."""

import pytest
import torch

from medlib.translation.registration.field_model import FieldModel
from medlib.translation.registration.jacobian import folded_share
from medlib.translation.registration.pair_fit import fit_pairs
from medlib.translation.registration.similarity import LOSSES
from medlib.translation.registration.warp import warp
from tests.translation.registration.fields import faded, noise, smooth_field

LOSS = LOSSES["squared error"]


def pairs(*grid, n=1, size=1.5):
    """A rough image, smooth enough to follow, and what a known field makes of it."""
    images = torch.cat([smooth_field(*grid, seed=10 + s, coarse=6)[:, :1] for s in range(n)])
    truth = faded(smooth_field(*grid, batch=n, size=size), voxels=5)
    return warp(images, by_voxels=truth).float(), images.float(), truth.float()


@pytest.mark.parametrize(
    ("model", "grid"),
    [
        (FieldModel("displacement"), (24, 24)),
        (FieldModel("stationary velocity", squarings=3), (24, 24)),
        (FieldModel("time-dependent velocity", squarings=2, times=2), (24, 24)),
        (FieldModel("stationary velocity", squarings=2), (12, 12, 12)),
    ],
)
def test_a_known_field_is_found(model, grid):
    fixed, moving, truth = pairs(*grid, size=1.5 if len(grid) == 2 else 1.0)
    found = fit_pairs(fixed, moving, model=model, loss=LOSS, weight=1e-3, factors=(2, 1), steps=30)
    by = found.registered.by_voxels
    assert float(LOSS(warp(moving, by_voxels=by), fixed)) < 0.1 * float(LOSS(moving, fixed))
    if len(grid) == 2:  # where there is something to see everywhere
        assert float((by - truth).square().mean()) < 0.35 * float(truth.square().mean())
    assert float(folded_share(by)) <= (0.01 if model.kind == "displacement" else 0)
    assert len(found.losses) == 2


def test_no_pair_sees_another_while_all_take_the_same_steps():
    fixed, moving, _ = pairs(16, 16, n=2)
    options = {"model": FieldModel("displacement"), "loss": LOSS, "weight": 1e-2, "steps": 10}
    options["factors"] = (2, 1)
    both = fit_pairs(fixed, moving, **options)
    second = fit_pairs(fixed[1:], moving[1:], **options)
    torch.testing.assert_close(
        both.registered.by_voxels[1:], second.registered.by_voxels, rtol=0, atol=1e-4
    )
    assert both.loss.shape == (2,)


def test_it_ends_when_nothing_is_gained_and_says_when_it_did_not():
    fixed, moving, _ = pairs(16, 16)
    options = {"model": FieldModel("displacement"), "loss": LOSS, "weight": 1.0, "factors": (1,)}
    assert not fit_pairs(fixed, moving, steps=12, **options).ended
    long = fit_pairs(fixed, moving, steps=200, window=5, gain=1e-2, **options)
    assert long.ended
    assert 10 < len(long.losses[0]) < 200  # 10 steps are two windows
    much_longer = fit_pairs(fixed, moving, steps=200, window=5, gain=0.0, **options)
    assert long.losses[0][-1] < 1.1 * much_longer.losses[0][-1]


def test_a_loss_that_is_nan_stops_it():
    image = noise(1, 1, 8, 8).float()
    with pytest.raises(FloatingPointError, match="at step 0"):
        fit_pairs(
            image, torch.full_like(image, torch.nan), model=FieldModel("displacement"),
            loss=LOSS, weight=0.0, factors=(1,),
        )  # fmt: skip


def test_what_does_not_fit_is_refused():
    image = noise(1, 1, 16, 16).float()
    options = {"model": FieldModel("displacement"), "loss": LOSS}
    with pytest.raises(ValueError, match="weight=-1"):
        fit_pairs(image, image, weight=-1.0, **options)
    with pytest.raises(ValueError, match="steps=0"):
        fit_pairs(image, image, weight=1.0, steps=0, **options)
    with pytest.raises(ValueError, match="from coarse to fine"):
        fit_pairs(image, image, weight=1.0, factors=(4, 2), **options)
    with pytest.raises((ValueError, TypeError), match=r"differ|moving"):
        fit_pairs(image, image[..., 1:], weight=1.0, **options)
