"""Contrast and noise on a disc, against what was put into the images."""

import pytest
import torch

from medlib.pixels.ct.disc_signal import disc_signal

SPOT = torch.zeros(9, 9, dtype=torch.bool)
SPOT[3:6, 3:6] = True


def scans(n, *, lift=0.0, seed=0):
    images = 8.0 * torch.randn(n, 9, 9, generator=torch.Generator().manual_seed(seed)).double()
    images[:, SPOT] += lift
    return images


def test_white_noise_averages_over_the_disc_and_contrast_stays():
    found = disc_signal(scans(4000, lift=5.0), scans(4000, seed=1), spot=SPOT)
    assert found.contrast == pytest.approx(5.0, abs=4 * 8 / 3 * (2 / 4000) ** 0.5)
    assert found.noise == pytest.approx(8 / 3, rel=0.05)
    assert found.ratio == found.contrast / found.noise


def test_what_lies_outside_the_disc_does_not_count():
    sick, well = scans(6, lift=5.0), scans(6)
    outside = sick.clone()
    outside[:, ~SPOT] = 1e6
    assert disc_signal(outside, well, spot=SPOT) == disc_signal(sick, well, spot=SPOT)


def test_a_gain_changes_both_and_not_their_ratio():
    one = disc_signal(scans(20, lift=5.0), scans(20, seed=1), spot=SPOT)
    half = disc_signal(0.5 * scans(20, lift=5.0), 0.5 * scans(20, seed=1), spot=SPOT)
    assert half.contrast == pytest.approx(one.contrast / 2)
    assert half.ratio == pytest.approx(one.ratio)


def test_without_noise_the_ratio_is_infinite():
    quiet = torch.zeros(2, 9, 9)
    assert disc_signal(quiet + 1, quiet, spot=SPOT).ratio == float("inf")


def test_an_empty_disc_and_a_single_scan_are_refused():
    with pytest.raises(ValueError, match="spot marks no pixel"):
        disc_signal(scans(3), scans(3), spot=torch.zeros_like(SPOT))
    with pytest.raises(ValueError, match="3 scans with and 1 without"):
        disc_signal(scans(3), scans(1), spot=SPOT)
