import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates, uniform_filter1d

from medlib.pixels.staining.misregistration import displaced, displacement, expected_image


def images(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)).double()


def draw(n, size, misfit_px, seed=0):
    own = torch.Generator().manual_seed(seed)
    return displacement(n, height=size, width=size, misfit_px=misfit_px, generator=own)


def test_zero_displacement_changes_nothing():
    x = images(2, 3, 9, 12)
    zero = torch.zeros(2, 2, 9, 12).double()
    torch.testing.assert_close(displaced(x, by_px=zero), x, rtol=0, atol=1e-12)


@given(st.integers(-3, 3), st.integers(-3, 3))
def test_whole_pixels_are_a_roll_away_from_the_edge(down, across):
    x = images(1, 1, 12, 12)
    by = torch.tensor([down, across]).double().reshape(1, 2, 1, 1).expand(1, 2, 12, 12)
    moved = displaced(x, by_px=by)
    rolled = torch.roll(x, (-down, -across), (2, 3))
    torch.testing.assert_close(moved[..., 3:-3, 3:-3], rolled[..., 3:-3, 3:-3])


def test_it_is_scipys_linear_interpolation():
    x, by = images(1, 1, 16, 20), draw(1, 16, 2.0)
    by = torch.nn.functional.pad(by, (0, 4, 0, 0), mode="replicate").double()
    where = np.mgrid[:16, :20] + by[0].numpy()
    theirs = map_coordinates(x[0, 0].numpy(), where, order=1, mode="nearest")
    np.testing.assert_allclose(displaced(x, by_px=by)[0, 0].numpy(), theirs, atol=1e-10)


def test_displacements_are_bounded_centred_and_smooth_and_scale_with_the_misfit():
    u = draw(400, 24, 2.0)
    assert float(u.abs().max()) <= 3.0
    assert float(u.mean()) == pytest.approx(0, abs=0.1)
    # a shift of sd s/√3 and a deformation on top
    assert float(u.std()) == pytest.approx(2 * np.sqrt(1 / 3 + 0.25 / 3 * 0.5), rel=0.1)
    assert float((u[..., 1:] - u[..., :-1]).abs().max()) <= 2.0 / (23 / 4) + 1e-6
    torch.testing.assert_close(draw(3, 24, 4.0), 2 * draw(3, 24, 2.0))
    assert not draw(2, 8, 0.0).any()


def test_the_expected_image_is_the_box_blur_of_a_uniform_shift():
    """Far from edges, and for structure much coarser than the deformation, the law is a box's."""
    x = images(1, 1, 1, 64).expand(1, 1, 64, 64).contiguous()  # stripes along the rows
    own = torch.Generator().manual_seed(0)
    blurred = expected_image(x, misfit_px=3.0, generator=own, draws=400)
    box = uniform_filter1d(x[0, 0].numpy(), 7, axis=1)
    inner = (slice(8, -8), slice(8, -8))
    r = np.corrcoef(blurred[0, 0].numpy()[inner].ravel(), box[inner].ravel())[0, 1]
    assert r > 0.95
    torch.testing.assert_close(expected_image(x, misfit_px=0.0, generator=own, draws=2), x)


def test_least_squares_over_misfit_is_minimised_by_the_expected_image():
    x = images(1, 1, 20, 20)
    own = torch.Generator().manual_seed(0)
    aim = expected_image(x, misfit_px=2.0, generator=own, draws=300)

    def loss(guess):
        moved = [displaced(x, by_px=draw(1, 20, 2.0, seed=s).double()) for s in range(1, 200)]
        return float(((torch.cat(moved) - guess) ** 2).mean())

    assert loss(aim) < min(loss(x), loss(aim + 0.05), loss(0.8 * aim), loss(x.mean().expand_as(x)))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="misfit_px"):
        draw(1, 8, -1.0)
    with pytest.raises((ValueError, TypeError), match="by_px"):
        displaced(images(1, 1, 8, 8), by_px=torch.zeros(1, 2, 8, 7).double())
    with pytest.raises(ValueError, match="draws"):
        expected_image(images(1, 1, 8, 8), misfit_px=1.0, generator=torch.Generator(), draws=0)
