"""Patients stay while they are scanned again: lesions, anatomy, and whoever else came."""

import numpy as np
import pytest

from data_fetch.tasks.scanned_again import PIXEL_MM2, Scanner, scanned_again

QUIET = Scanner(noise_sd=0.0, bias=0.0)


@pytest.fixture(scope="module")
def patients():
    return scanned_again(12, rng=np.random.default_rng(3))


def scan(patients, scanner, seed, **more):
    sample, masks = patients.scan(scanner, rng=np.random.default_rng(seed), **more)
    return sample.array, masks


def test_the_area_of_the_masks_is_that_of_the_lesions(patients):
    drawn = scan(patients, QUIET, 0)[1].sum(axis=(1, 2)) * PIXEL_MM2
    assert np.median(drawn / patients.area_mm2) == pytest.approx(1, abs=0.12)
    assert np.corrcoef(drawn, patients.area_mm2)[0, 1] > 0.9


def test_a_patient_who_did_not_move_is_the_same_image_but_for_noise(patients):
    first, second = (scan(patients, QUIET, seed, moved_mm=0.0)[0] for seed in (0, 1))
    assert np.allclose(first, second, atol=1e-6)
    moved = scan(patients, QUIET, 1)[0]
    assert np.abs(first - moved).max() > 0.05


def test_scanner_b_shows_lesions_paler(patients):
    masks = scan(patients, QUIET, 0, moved_mm=0.0)[1]
    bright = [
        scan(patients, Scanner(contrast=c, noise_sd=0, bias=0), 0, moved_mm=0.0)[0][masks].mean()
        for c in (1.0, 0.5, 0.0)
    ]
    assert bright[0] > bright[1] > bright[2]


def test_a_patient_does_not_depend_on_how_many_came(patients):
    few = scanned_again(2, rng=np.random.default_rng(3))
    assert np.array_equal(few.lesions, patients.lesions[:2])
    assert np.array_equal(scan(few, Scanner(), 7)[0], scan(patients, Scanner(), 7)[0][:2])


def test_it_says_that_it_is_simulated(patients):
    sample, _ = patients.scan(Scanner(), rng=np.random.default_rng(0))
    assert sample.kind == "simulated"
    assert "real anatomy" in sample.note


@pytest.mark.parametrize("wrong", [{"n": 0}, {"usual_lesions": 0.0}, {"spread": -1.0}])
def test_impossible_patients_are_refused(wrong):
    with pytest.raises(ValueError, match="n="):
        scanned_again(**({"n": 2} | wrong), rng=np.random.default_rng(0))


def test_impossible_scanners_are_refused(patients):
    with pytest.raises(ValueError, match="none is below 0"):
        patients.scan(Scanner(blur_mm=-1), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="bias"):
        patients.scan(Scanner(bias=0.9), rng=np.random.default_rng(0))
