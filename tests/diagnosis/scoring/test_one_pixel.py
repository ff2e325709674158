"""The Dice of discs, analytic and counted."""

import numpy as np
import pytest

from medlib.diagnosis.scoring.one_pixel import grown_dice, shifted_dice, shrunk_dice
from medlib.diagnosis.scoring.overlap import confusion


def disc(radius: float, *, shift: float = 0.0, fold: int = 40) -> np.ndarray:
    """A disc on a grid with `fold` cells along a pixel."""
    half = (np.arange(-12 * fold, 12 * fold) + 0.5) / fold
    return (half[:, None] ** 2 + (half[None] - shift) ** 2 <= radius**2)[None]


@pytest.mark.parametrize("radius", [1.5, 3.0, 8.0])
def test_the_formulas_agree_with_counting(radius):
    truth = disc(radius)
    for other, formula in (
        (disc(radius + 1), grown_dice),
        (disc(radius - 1), shrunk_dice),
        (disc(radius, shift=1.0), shifted_dice),
    ):
        assert confusion(other, truth).dice()[0] == pytest.approx(
            formula(np.array([radius]))[0], abs=2e-3
        )


def test_a_large_lesion_forgives_and_a_small_one_does_not():
    radii = np.array([0.3, 1.0, 3.0, 10.0, 100.0])
    for formula in (grown_dice, shrunk_dice, shifted_dice):
        values = formula(radii)
        assert (np.diff(values) > 0).all() or (formula is not grown_dice and values[0] == 0)
        assert values[-1] > 0.98
        assert formula(np.array([5.0]), by=0.0) == 1


@pytest.mark.parametrize("formula", [grown_dice, shrunk_dice, shifted_dice])
def test_bad_sizes_are_refused(formula):
    with pytest.raises(ValueError, match="must be positive"):
        formula(np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="not negative"):
        formula(np.array([1.0]), by=-1.0)
