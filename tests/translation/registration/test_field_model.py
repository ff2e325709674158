"""The same numbers read in three ways."""

import pytest
import torch

from medlib.translation.registration.composition import compose, invert
from medlib.translation.registration.field_model import MODELS, FieldModel
from medlib.translation.registration.smoothness import diffusion_energy
from medlib.translation.registration.stationary_velocity import exponential
from medlib.translation.registration.time_dependent_velocity import chained_exponentials
from tests.translation.registration.fields import faded, smooth_field

DIRECT, STATIONARY = FieldModel(MODELS[0]), FieldModel(MODELS[1], squarings=6)
CHANGING = FieldModel(MODELS[2], squarings=5, times=2)


def numbers(model, *grid, size=1.5):
    fields = [
        faded(smooth_field(*grid, batch=2, size=size, seed=t), voxels=4) for t in range(model.times)
    ]
    return torch.cat(fields, dim=1)


def test_each_kind_is_what_it_says():
    x = numbers(DIRECT, 16, 18)
    assert torch.equal(DIRECT.displacement(x), x)
    assert torch.equal(DIRECT.way_back(x), invert(x).by_voxels)
    assert torch.equal(STATIONARY.displacement(x), exponential(x, squarings=6))
    assert torch.equal(STATIONARY.way_back(x), exponential(-x, squarings=6))
    y = numbers(CHANGING, 16, 18)
    both = torch.stack([y[:, :2], y[:, 2:]])
    assert torch.equal(CHANGING.displacement(y), chained_exponentials(both, squarings=5))
    assert not torch.equal(STATIONARY.displacement(x), x)


@pytest.mark.parametrize("model", [DIRECT, STATIONARY, CHANGING], ids=lambda m: m.kind)
@pytest.mark.parametrize("grid", [(20, 20), (12, 12, 12)])
def test_the_way_back_leads_back(model, grid):
    x = numbers(model, *grid, size=1.0)
    there, back = model.displacement(x), model.way_back(x)
    missed = compose(there, first=back).square().mean().sqrt()
    assert float(missed) < 0.12 * float(there.square().mean().sqrt()) + 1e-3


def test_the_way_back_is_reversed_in_time():
    x = numbers(CHANGING, 20, 20, size=3.0)
    there = CHANGING.displacement(x)
    missed = [
        float(compose(there, first=back).square().mean())
        for back in (CHANGING.way_back(x), CHANGING.displacement(-x))
    ]
    assert missed[0] < 0.5 * missed[1]


def test_the_penalty_is_the_mean_over_time():
    y = numbers(CHANGING, 16, 18)
    by_hand = (diffusion_energy(y[:, :2]) + diffusion_energy(y[:, 2:])) / 2
    torch.testing.assert_close(CHANGING.penalty(y), by_hand)
    x = numbers(DIRECT, 16, 18)
    assert torch.equal(DIRECT.penalty(x), STATIONARY.penalty(x))
    assert float(DIRECT.penalty(x, spacing_mm=(1.0, 3.0))[0]) != float(DIRECT.penalty(x)[0])


def test_what_no_model_has_is_refused():
    with pytest.raises(ValueError, match="one of displacement"):
        FieldModel("spline")
    with pytest.raises(ValueError, match="squarings=-1"):
        FieldModel("stationary velocity", squarings=-1)
    with pytest.raises(ValueError, match="times=2 of a displacement"):
        FieldModel("displacement", times=2)
    with pytest.raises(ValueError, match="4 channels"):
        DIRECT.displacement(torch.zeros(1, 4, 8, 8))
