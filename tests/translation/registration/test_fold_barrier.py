"""A displacement that pays for folds."""

import pytest
import torch

from medlib.translation.registration.field_model import FieldModel
from medlib.translation.registration.fold_barrier import BarredDisplacement
from medlib.translation.registration.jacobian import corner_determinants, folded_share
from medlib.translation.registration.pair_fit import fit_pairs
from medlib.translation.registration.similarity import LOSSES
from tests.translation.registration.fields import smooth_field


def test_only_what_is_short_of_the_least_determinant_is_charged():
    u = smooth_field(12, 14, size=4.0, seed=3).double()
    model = BarredDisplacement(barrier=7.0, least=0.4)
    short = torch.relu(0.4 - corner_determinants(u)) ** 2
    assert short.max() > 0
    assert short.min() == 0
    plain = FieldModel("displacement").penalty(u)
    assert torch.allclose(model.penalty(u), plain + 7.0 * short.flatten(1).mean(dim=1))


def test_no_barrier_is_the_plain_displacement():
    u = smooth_field(12, 14, size=4.0, seed=3)
    free = BarredDisplacement(barrier=0.0)
    assert torch.equal(free.penalty(u), FieldModel("displacement").penalty(u))
    assert torch.equal(free.displacement(u), u)


def test_the_price_is_felt_where_a_fit_would_fold():
    y, x = torch.meshgrid(*[torch.linspace(-1, 1, 24)] * 2, indexing="ij")
    own = torch.Generator().manual_seed(0)
    fixed, moving = (
        torch.exp(-6 * ((y - at) ** 2 + x**2))[None, None]
        + 0.3 * torch.rand(1, 1, 24, 24, generator=own)
        for at in (-0.2, 0.2)
    )
    folded = [
        float(
            folded_share(
                fit_pairs(
                    fixed, moving, model=model, loss=LOSSES["squared error"], weight=1e-4, steps=60
                ).registered.by_voxels
            )
        )
        for model in (FieldModel("displacement"), BarredDisplacement(barrier=1000.0))
    ]
    assert folded[0] > 0.05
    assert folded[1] < folded[0] / 4


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"kind": "stationary velocity"}, "need no barrier"),
        ({"barrier": -1.0}, "barrier=-1.0"),
        ({"barrier": float("nan")}, "barrier=nan"),
        ({"least": 1.0}, "least=1.0"),
    ],
)
def test_what_is_no_barrier_is_refused(options, what):
    with pytest.raises(ValueError, match=what):
        BarredDisplacement(**options)
