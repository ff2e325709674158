"""The network: the identity at first, one set of weights for all models, nothing hidden."""

import pytest
import torch

from medlib.translation.registration.field_model import FieldModel
from medlib.translation.registration.registration_network import register, registration_network
from tests.translation.registration.fields import noise


def network(model="displacement", *, seed=0, times=1, **options):
    own = torch.Generator().manual_seed(seed)
    options = {"width": 4, **options}
    return registration_network(FieldModel(model, times=times), generator=own, **options)


@pytest.mark.parametrize(
    ("dims", "grid", "times"), [(2, (16, 24), 1), (3, (8, 8, 16), 1), (2, (16, 16), 3)]
)
def test_it_starts_at_the_identity_and_every_weight_matters(dims, grid, times):
    own = network("time-dependent velocity", dims=dims, times=times)
    pair = noise(2, 1, *grid).float(), noise(2, 1, *grid, seed=1).float()
    found = own(*pair)
    assert found.shape == (2, dims * times, *grid)
    assert float(found.detach().abs().max()) < 1e-3
    found.square().sum().backward()
    assert all(float(p.grad.abs().max()) > 0 for p in own.parameters())


def test_models_of_equally_many_channels_start_with_the_same_weights():
    one, other = network("displacement"), network("stationary velocity")
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(one.first.weight, network(seed=1).first.weight)


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    network()
    assert torch.equal(torch.get_rng_state(), before)


def test_pairs_are_registered_each_by_itself_and_the_way_back_is_the_models():
    own = network("stationary velocity")
    with torch.no_grad():
        own.last.weight.mul_(2e4)
    fixed, moving = noise(5, 1, 16, 16).float(), noise(5, 1, 16, 16, seed=1).float()
    found = register(own, fixed, moving, batch_size=2)
    alone = register(own, fixed[3:4], moving[3:4])
    torch.testing.assert_close(found.by_voxels[3:4], alone.by_voxels, rtol=0, atol=1e-5)
    torch.testing.assert_close(found.back_voxels, own.model.way_back(found.numbers))
    assert float(found.by_voxels.abs().max()) > 0.02


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="multiples of 8"):
        network()(torch.zeros(1, 1, 12, 16), torch.zeros(1, 1, 12, 16))
    with pytest.raises((ValueError, TypeError), match=r"differ|moving"):
        network()(torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 16, 8))
    with pytest.raises(ValueError, match="2 or 3"):
        network(dims=1)
