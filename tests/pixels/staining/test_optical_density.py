import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medlib.pixels.staining.optical_density import optical_density, transmitted


@given(st.lists(st.floats(1 / 255, 1.5), min_size=1, max_size=20), st.floats(0.5, 300))
def test_light_and_density_are_inverse(shares, white):
    light = white * torch.tensor(shares, dtype=torch.float64)
    back = transmitted(optical_density(light, white=white), white=white)
    torch.testing.assert_close(back, light, rtol=1e-12, atol=0)


@given(st.floats(0, 2), st.floats(0, 2))
def test_two_layers_of_dye_add_in_density_and_multiply_in_light(a, b):
    layers = torch.tensor([a, b, a + b], dtype=torch.float64)
    light = transmitted(layers)
    assert float(light[0] * light[1]) == pytest.approx(float(light[2]))


def test_black_is_capped_at_the_darkest_share():
    black = optical_density(torch.zeros(1, dtype=torch.float64), darkest=0.001)
    assert float(black) == pytest.approx(3.0)


@pytest.mark.parametrize("light", [-0.1, float("nan"), float("inf")])
def test_what_is_no_intensity_is_refused(light):
    with pytest.raises(ValueError, match="intensity"):
        optical_density(torch.tensor([light]))


def test_a_dark_white_is_refused():
    with pytest.raises(ValueError, match="white"):
        optical_density(torch.ones(1), white=0.0)
