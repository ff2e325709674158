import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.data import shepp_logan_phantom
from skimage.transform import radon, resize

from medlib.pixels.ct.projection import (
    ParallelBeam,
    backproject,
    footprint,
    project,
    sum_in_order,
    system_matrices,
)

beams = st.builds(
    ParallelBeam,
    size=st.integers(1, 24),
    n_views=st.integers(1, 12),
    pixel_cm=st.floats(0.01, 2.0),
)


def disc(beam, *, centre_cm, radius_cm, oversample=8):
    """A disc of density one with partial volume at its edge."""
    n = beam.size * oversample
    axis = ((np.arange(n) + 0.5) / n - 0.5) * beam.size * beam.pixel_cm
    x, y = axis[None, :] - centre_cm[0], -axis[:, None] - centre_cm[1]
    inside = (np.hypot(x, y) <= radius_cm).astype(float)
    blocks = inside.reshape(beam.size, oversample, beam.size, oversample).mean((1, 3))
    return torch.from_numpy(blocks)


@settings(max_examples=40)
@given(beams, st.integers(0, 2**31))
def test_backprojection_is_the_exact_adjoint(beam, seed):
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(beam.size, beam.size, generator=g, dtype=torch.float64)
    y = torch.randn(beam.sinogram_shape, generator=g, dtype=torch.float64)
    left = (project(x, beam=beam) * y).sum()
    right = (x * backproject(y, beam=beam)).sum()
    scale = float(project(x.abs(), beam=beam).mul(y.abs()).sum()) + 1e-30
    assert abs(float(left - right)) / scale < 1e-13


@settings(max_examples=25)
@given(beams, st.integers(0, 2**31))
def test_every_view_sees_all_of_the_image(beam, seed):
    x = torch.rand(beam.size, beam.size, generator=torch.Generator().manual_seed(seed)).double()
    seen = project(x, beam=beam).sum(-1) * beam.pixel_cm
    torch.testing.assert_close(seen, (x.sum() * beam.pixel_cm**2).expand(beam.n_views))


@settings(max_examples=15)
@given(beams, st.integers(1, 4), st.integers(0, 2**31))
def test_a_pixel_cut_in_parts_casts_the_same_shadow(beam, fold, seed):
    x = torch.rand(beam.size, beam.size, generator=torch.Generator().manual_seed(seed)).double()
    parts = x.repeat_interleave(fold, 0).repeat_interleave(fold, 1)
    torch.testing.assert_close(
        project(parts, beam=beam, fold=fold), project(x, beam=beam), rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("fold", [2, 3])
def test_a_finer_disc_casts_its_chords_more_exactly(fold):
    beam = ParallelBeam(size=64, n_views=20, pixel_cm=0.3)
    fine = ParallelBeam(size=64 * fold, n_views=20, pixel_cm=0.3 / fold)
    angle = np.deg2rad(beam.angles_deg)[:, None]
    edges = (np.arange(beam.n_bins + 1) - beam.n_bins / 2) * beam.pixel_cm
    s = np.clip(edges - (3.0 * np.cos(angle) + 1.5 * np.sin(angle)), -5.0, 5.0)
    area = s * np.sqrt(25 - s**2) + 25 * np.arcsin(s / 5)  # of a disc, left of a chord
    exact = np.diff(area, axis=1) / beam.pixel_cm  # the mean chord in each cell
    off = []
    for world, cut in ((beam, 1), (fine, fold)):
        image = disc(world, centre_cm=(3.0, 1.5), radius_cm=5.0, oversample=16)
        off.append(np.abs(project(image, beam=beam, fold=cut).numpy() - exact).mean())
    assert off[1] < 0.6 * off[0]
    assert off[1] < 0.02


def test_a_finer_projection_has_its_adjoint_as_gradient():
    beam, g = ParallelBeam(size=6, n_views=5, pixel_cm=0.5), torch.Generator().manual_seed(0)
    x = torch.rand(12, 12, generator=g).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda image: project(image, beam=beam, fold=2), (x,))


def test_a_fold_is_one_or_more():
    with pytest.raises(ValueError, match="fold is 0"):
        project(torch.zeros(4, 4), beam=ParallelBeam(size=4, n_views=2), fold=0)


@pytest.mark.parametrize("centre_cm", [(0.0, 0.0), (3.0, 1.5)])
def test_a_disc_casts_its_chords(centre_cm):
    beam = ParallelBeam(size=128, n_views=60, pixel_cm=0.15)
    radius = 5.0
    got = project(disc(beam, centre_cm=centre_cm, radius_cm=radius), beam=beam).numpy()
    angle = np.deg2rad(beam.angles_deg)[:, None]
    axis = (np.arange(beam.n_bins) - (beam.n_bins - 1) / 2) * beam.pixel_cm
    s = axis - (centre_cm[0] * np.cos(angle) + centre_cm[1] * np.sin(angle))
    chord = 2 * np.sqrt(np.maximum(radius**2 - s**2, 0))
    assert np.abs(got - chord).mean() < 0.01 * radius
    well_inside = np.abs(s) < 0.9 * radius
    assert np.abs(got - chord)[well_inside].max() < 0.025 * radius


def test_agrees_with_scikit_image():
    phantom = resize(shepp_logan_phantom(), (129, 129), anti_aliasing=True)
    beam = ParallelBeam(size=129, n_views=90, pixel_cm=1.0)
    ours = project(torch.from_numpy(phantom), beam=beam).numpy()
    theirs = radon(phantom, beam.angles_deg, circle=False).T
    extra = (ours.shape[1] - theirs.shape[1]) // 2
    inner = ours[:, extra : extra + theirs.shape[1]]
    assert np.corrcoef(inner.ravel(), theirs.ravel())[0, 1] > 0.999
    assert np.abs(inner - theirs).mean() < 0.02 * theirs.max()


def test_the_gradient_is_the_backprojected_misfit():
    beam = ParallelBeam(size=6, n_views=5, pixel_cm=0.3)
    x = torch.rand(2, 6, 6, dtype=torch.float64, requires_grad=True)
    y = torch.rand(2, *beam.sinogram_shape, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: project(t, beam=beam), (x,))
    assert torch.autograd.gradcheck(lambda t: backproject(t, beam=beam), (y,))
    assert torch.autograd.gradgradcheck(lambda t: project(t, beam=beam).square(), (x,))


def test_batches_and_single_images_agree_in_every_bit_that_matters():
    beam = ParallelBeam(size=10, n_views=7)
    x = torch.rand(2, 3, 10, 10)
    batch = project(x, beam=beam)
    assert batch.shape == (2, 3, *beam.sinogram_shape)
    torch.testing.assert_close(batch[1, 2], project(x[1, 2], beam=beam))


def test_the_matrix_is_built_once():
    settings_ = (ParallelBeam(size=9, n_views=4), torch.float32, torch.device("cpu"))
    assert system_matrices(*settings_)[0] is system_matrices(*settings_)[0]


@given(beams, st.data())
def test_shadows_stay_on_the_detector(beam, data):
    first, share = footprint(beam, view=data.draw(st.integers(0, beam.n_views - 1)))
    last = first + np.where(share > 1e-9, np.arange(4), 0).max(1)
    assert first.min() >= 0
    assert last.max() < beam.n_bins
    assert share.min() >= -1e-12
    np.testing.assert_allclose(share.sum(1), 1, atol=1e-12)


def test_wrong_shapes_are_named():
    beam = ParallelBeam(size=8, n_views=4)
    with pytest.raises(ValueError, match=r"expects \(\.\.\., 8, 8\)"):
        project(torch.zeros(8, 7), beam=beam)
    with pytest.raises(ValueError, match="rows are views"):
        backproject(torch.zeros(beam.n_bins, 4), beam=beam)
    with pytest.raises(ValueError, match="must be positive"):
        ParallelBeam(size=0)


def test_shadow_of_a_pixel_at_45_degrees_is_a_triangle():
    beam = ParallelBeam(size=1, n_views=4, pixel_cm=1.0)
    _, share = footprint(beam, view=1)
    tail = (math.sqrt(2) / 2 - 0.5) ** 2  # area of the triangle beyond half a cell, on one side
    assert share[0].max() == pytest.approx(1 - 2 * tail, abs=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_product_in_a_fixed_order_is_the_product(dtype):
    """What a GPU computes, held to the CPU's product; some rows of the matrix are empty."""
    beam = ParallelBeam(size=12, n_views=5)
    columns = torch.rand(144, 7, dtype=dtype, generator=torch.Generator().manual_seed(0))
    for matrix in system_matrices(beam, dtype, torch.device("cpu")):
        x = (
            columns
            if matrix.shape[1] == 144
            else torch.ones(matrix.shape[1], 7, dtype=dtype).cumsum(1)
        )
        torch.testing.assert_close(sum_in_order(matrix, x), matrix @ x)
