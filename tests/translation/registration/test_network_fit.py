"""Training on pairs: it learns, to the same bits twice, and says whether it had ended."""

import pytest
import torch

from medlib.translation.registration.field_model import FieldModel
from medlib.translation.registration.network_fit import fit_network, registration_loss
from medlib.translation.registration.registration_network import registration_network
from medlib.translation.registration.similarity import LOSSES
from medlib.translation.registration.smoothness import diffusion_energy
from medlib.translation.registration.warp import warp

LOSS = LOSSES["squared error"]
GRIDS = {2: (16, 16), 3: (8, 8, 8)}


def blobs(n, seed, grid=(16, 16)):
    """Pairs of blobs, each shifted by up to two voxels."""
    own = torch.Generator().manual_seed(seed)
    axes = torch.meshgrid(*[torch.arange(float(s)) - (s - 1) / 2 for s in grid], indexing="ij")
    x = torch.stack(axes)[None]
    places = torch.rand(2, n, len(grid), *[1] * len(grid), generator=own) * 2 - 1
    return tuple(torch.exp(-((x - p) ** 2).sum(1, keepdim=True) / 12) for p in places)


def slid(n, seed, grid=(16, 16)):
    """Pairs of blobs, all shifted by two voxels: what a short training can learn."""
    fixed, _ = blobs(n, seed, grid)
    return fixed, fixed.roll(2, 2)


def fitted(kind, *, steps, seed=0, weight=1e-3, dims=2, validation=None, pairs=blobs, **options):
    own, grid = torch.Generator().manual_seed(seed), GRIDS[dims]
    validation = validation or pairs(8, 2, grid)
    network = registration_network(FieldModel(kind, squarings=4), generator=own, width=8, dims=dims)
    options = {"steps": steps, "weight": weight, "every": 20, "peak_rate": 5e-3, **options}
    return fit_network(
        network, pairs(24, 1, grid), validation=validation, loss=LOSS, generator=own, **options
    )


@pytest.mark.parametrize(
    ("kind", "dims", "steps"),
    [("displacement", 2, 40), ("stationary velocity", 3, 20)],
)
def test_it_learns_to_register_pairs_that_it_never_saw(kind, dims, steps):
    found = fitted(kind, steps=steps, dims=dims, pairs=slid, peak_rate=1e-2)
    fixed, moving = slid(8, 3, GRIDS[dims])
    with torch.no_grad():
        by = found.network.model.displacement(found.network(fixed, moving))
        left = float(LOSS(warp(moving, by_voxels=by), fixed).mean())
    assert left < 0.8 * float(LOSS(moving, fixed).mean())
    assert 0 <= found.late_gain <= 1
    assert found.history.best_step in found.history.validation_steps


def test_twice_is_the_same_to_the_bit_and_another_seed_is_not():
    one, two, other = (fitted("stationary velocity", steps=4, seed=s) for s in (0, 0, 1))
    weights = [list(f.network.parameters()) for f in (one, two, other)]
    assert all(torch.equal(a, b) for a, b in zip(*weights[:2], strict=True))
    assert not torch.equal(weights[0][0], weights[2][0])


def test_a_training_that_was_cut_short_says_so():
    short = fitted("displacement", steps=20, every=3)
    assert short.late_gain > 0
    still = blobs(4, 2)[:1] * 2  # nothing can be gained where nothing moves
    stopped = fitted("displacement", steps=16, every=5, patience=1, validation=still)
    assert stopped.history.stopped_early
    assert stopped.late_gain == 0


def test_the_loss_is_likeness_and_weighted_penalty():
    fixed, moving = blobs(2, 0)
    own = torch.Generator().manual_seed(0)
    network = registration_network(FieldModel("displacement"), generator=own, width=4)
    with torch.no_grad():
        network.last.weight.mul_(1e4)
        numbers = network(fixed, moving)
        charged = [
            registration_loss(network, fixed, moving, loss=LOSS, weight=w) for w in (0.0, 0.5)
        ]
    torch.testing.assert_close(charged[1] - charged[0], 0.5 * diffusion_energy(numbers))
    torch.testing.assert_close(charged[0], LOSS(warp(moving, by_voxels=numbers), fixed))


def test_a_negative_weight_is_refused():
    with pytest.raises(ValueError, match="weight=-1"):
        fitted("displacement", steps=1, weight=-1)
