import pytest

from medlib.pixels.ct.air_kerma import air_kerma_mgy

SCAN = {"photons_per_ray": 1e5, "n_views": 180, "cell_cm2": 0.1}


def test_is_fluence_times_energy_times_absorption():
    by_hand = 1e5 * 180 / 0.1 * 70 * 1.602176634e-16 * 0.027 * 1e3 * 1e3
    assert air_kerma_mgy(**SCAN) == pytest.approx(by_hand)


def test_follows_the_photons_and_not_how_they_are_shared_out():
    half = SCAN | {"photons_per_ray": 5e4, "n_views": 360}
    assert air_kerma_mgy(**half) == pytest.approx(air_kerma_mgy(**SCAN))


def test_nothing_is_zero():
    with pytest.raises(ValueError, match="positive"):
        air_kerma_mgy(**(SCAN | {"cell_cm2": 0.0}))
