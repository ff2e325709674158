"""Known fields: of the size and smoothness that were asked for, and undone by their inverses."""

import numpy as np
import pytest
import torch

from medlib.translation.registration.composition import inverse_consistency_mm
from medlib.translation.registration.displacement import inside, length_mm
from medlib.translation.registration.jacobian import folded_share
from medlib.translation.registration.known_warp import known_warp, random_velocities
from medlib.translation.registration.stationary_velocity import flow


def draw(grid=(40, 32), n=3, seed=0, **options):
    options = {"spacing_mm": (2.0, 3.0, 2.0)[: len(grid)], "smoothness_mm": 12.0, **options}
    options = {"largest_mm": 8.0, "margin_mm": 12.0, **options}
    return random_velocities(n, grid=grid, rng=np.random.default_rng(seed), **options)


@pytest.mark.parametrize("grid", [(40, 32), (16, 14, 15)])
@pytest.mark.parametrize("times", [1, 2])
def test_the_greatest_speed_is_the_one_asked_for(grid, times):
    v = draw(grid, times=times)
    speeds = [length_mm(one, spacing_mm=(2.0, 3.0, 2.0)[: len(grid)]) for one in v]
    greatest = torch.stack(speeds).amax(dim=(0, *range(2, 2 + len(grid))))
    torch.testing.assert_close(greatest, torch.full((3,), 8.0))
    edges = [v.select(a, at) for a in range(3, v.ndim) for at in (0, -1)]
    assert not any(edge.any() for edge in edges)
    assert not draw(largest_mm=0.0).any()


def test_neighbours_move_alike_as_far_as_the_smoothness():
    """Gaussian noise smoothed by s has the correlation exp(-d²/4s²)."""
    v = draw((200, 200), n=4, spacing_mm=(1.0, 1.0), smoothness_mm=3.0, margin_mm=0.0)[0]
    inner = v[..., 20:-20, 20:-20]
    for d in (2, 4, 6):
        r = float((inner[..., d:, :] * inner[..., :-d, :]).mean() / inner.square().mean())
        assert r == pytest.approx(np.exp(-(d**2) / 36), abs=0.06)


@pytest.mark.parametrize("times", [1, 3])
def test_there_and_back_is_where_it_began_and_nothing_folds_or_leaves(times):
    found = known_warp(draw((64, 48), spacing_mm=(2.0, 2.0), times=times), steps=8)
    assert inside(found.by_voxels).all()
    assert float(folded_share(found.by_voxels).max()) == 0
    missed = inverse_consistency_mm(
        found.by_voxels, backward=found.back_voxels, spacing_mm=(2.0, 2.0)
    )
    assert float(missed.mean()) < 0.02 * 8.0
    if times > 1:
        unreversed = inverse_consistency_mm(
            found.by_voxels,
            backward=known_warp(-found.velocities, steps=8).by_voxels,
            spacing_mm=(2.0, 2.0),
        )
        assert float(missed.mean()) < 0.5 * float(unreversed.mean())
    assert float(length_mm(found.by_voxels, spacing_mm=(2.0, 2.0)).amax()) <= 8.0 + 1e-4


def test_one_interval_is_a_stationary_velocity():
    v = draw()
    torch.testing.assert_close(known_warp(v, steps=5).by_voxels, flow(v[0], steps=5))


def test_a_seed_is_a_field():
    assert torch.equal(draw(), draw())
    assert not torch.equal(draw(), draw(seed=1))


@pytest.mark.parametrize(
    "wrong", [{"smoothness_mm": 0.0}, {"largest_mm": -1.0}, {"n": 0}, {"times": 0}]
)
def test_no_size_is_refused(wrong):
    with pytest.raises(ValueError, match="positive"):
        draw(**wrong)
