"""The rival: units that no scanner changes, and cuts that are tuned and not guessed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlib.systems.clinic.bright_voxels import (
    NUMBERS,
    BrightVoxels,
    dice_of,
    in_units_of_brain,
    tune_bright_voxels,
)

RNG = np.random.default_rng(0)
BRAIN = np.pad(RNG.normal(500, 50, (2, 12, 12)), ((0, 0), (4, 4), (4, 4)))
WHITE = (BRAIN > 0).astype(float)


def example(lesion: bool):
    mask = np.zeros(BRAIN.shape, dtype=bool)
    mask[0, 8:11, 8:11] = lesion
    return BRAIN + 400 * mask, WHITE, mask


@given(st.floats(0.01, 1000))
def test_the_scale_of_a_scanner_drops_out(scale):
    one, other = in_units_of_brain(BRAIN), in_units_of_brain(BRAIN * scale)
    assert np.allclose(one, other, atol=1e-3)
    assert one.min() == -3.0
    inside = one[BRAIN > 0]
    assert abs(inside.mean()) < 0.01
    assert abs(inside.std() - 1) < 0.01


def test_dice_is_the_f1_of_voxels_and_one_for_two_empty_masks():
    from sklearn.metrics import f1_score

    a, b = RNG.random((2, 5, 5)) > 0.5, RNG.random((2, 5, 5)) > 0.5
    assert dice_of(a, b) == pytest.approx(f1_score(b.ravel(), a.ravel()))
    assert dice_of(a & ~a, b & ~b) == 1.0
    assert dice_of(a, a & ~a) == 0.0


def test_tuning_finds_the_lesion_and_nothing_else():
    pair = [example(True), example(False)]
    for by in ("Dice", "cost"):
        rule = tune_bright_voxels(pair, by=by)
        assert rule.mask(*pair[0][:2]).sum() > rule.mask(*pair[1][:2]).sum()
    assert dice_of(tune_bright_voxels(pair, by="Dice").mask(*pair[0][:2]), pair[0][2]) > 0.9


def test_two_numbers_say_how_bright_and_how_much():
    volume, white, mask = example(True)
    rule = BrightVoxels(3.0, 0.5, 0.0, 4)
    brightest, size = rule.numbers(volume, white)
    assert len(NUMBERS) == 2
    assert size == pytest.approx(np.log1p(rule.mask(volume, white).sum()))
    most = np.sort(in_units_of_brain(volume)[white >= 0.5])[-5:]
    assert brightest == pytest.approx(most.mean(), rel=1e-6)
    hidden = rule.numbers(volume, white * ~mask)  # what is no white matter is not looked at
    assert hidden[0] < brightest
    assert hidden[1] == 0
    assert np.isfinite(rule.numbers(volume, white * 0)).all()


def test_cuts_are_those_whose_two_numbers_tell_best_and_both_are_looked_at():
    """A lesion of one size in all, brighter in those that have one: size alone could not tell."""
    faint = BRAIN + 250 * example(True)[2]
    strong = BRAIN + 400 * example(True)[2]
    known = [(strong, WHITE, example(True)[2]), (faint, WHITE, example(False)[2])] * 4
    rule = tune_bright_voxels(known, by="cost")
    (bright, _), (dim, _) = (rule.numbers(*one[:2]) for one in known[:2])
    assert bright > dim


def test_spots_that_are_too_small_and_places_that_are_not_white_are_dropped():
    volume, white, mask = example(True)
    assert BrightVoxels(3.0, 0.5, 0.0, 9).mask(volume, white).sum() == 9
    assert not BrightVoxels(3.0, 0.5, 0.0, 10).mask(volume, white).any()
    assert not BrightVoxels(3.0, 0.5, 0.0, 1).mask(volume, white * ~mask).any()


def test_what_cannot_be_tuned_is_told():
    with pytest.raises(ValueError, match="'Dice' or 'cost'"):
        tune_bright_voxels([example(True), example(False)], by="luck")
    with pytest.raises(ValueError, match="with a lesion and without"):
        tune_bright_voxels([example(True)], by="Dice")
