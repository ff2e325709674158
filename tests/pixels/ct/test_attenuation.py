import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medlib.pixels.ct.attenuation import hu_to_mu, mu_to_hu

hounsfield = st.lists(st.floats(-1000, 3000, width=32), min_size=1, max_size=20)


@given(hounsfield, st.floats(0.1, 0.5))
def test_hu_survive_the_round_trip(values, water):
    hu = torch.tensor(values, dtype=torch.float64)
    back = mu_to_hu(hu_to_mu(hu, mu_water_per_cm=water), mu_water_per_cm=water)
    torch.testing.assert_close(back, hu, atol=1e-9, rtol=1e-9)


def test_padding_below_air_becomes_air_and_noise_keeps_its_sign():
    assert hu_to_mu(torch.tensor([-2000.0])).item() == 0
    assert mu_to_hu(torch.tensor([-0.01])).item() < -1000


def test_water_must_attenuate():
    with pytest.raises(ValueError, match="must be positive"):
        hu_to_mu(torch.zeros(1), mu_water_per_cm=0.0)
