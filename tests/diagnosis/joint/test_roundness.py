"""A disc is round, a streak is not, however it is turned and whatever else is marked."""

import numpy as np
import pytest

from medlib.diagnosis.joint.roundness import roundness


def ellipse(ratio, *, angle=0.0, middle=(24, 24), size=48, radius=4.0):
    """Scores of an ellipse of area pi radius^2: 1 inside, -1 outside."""
    down, across = np.indices((size, size)) - np.reshape(middle, (2, 1, 1))
    along = np.cos(angle) * down + np.sin(angle) * across
    beside = -np.sin(angle) * down + np.cos(angle) * across
    inside = np.hypot(along / np.sqrt(ratio), beside * np.sqrt(ratio)) < radius
    return np.where(inside, 1.0, -1.0)


def test_a_disc_has_one_and_an_ellipse_its_axes_ratio_squared():
    assert roundness(ellipse(1.0)) == pytest.approx(1.0, abs=0.01)
    assert roundness(ellipse(3.0, radius=9.0, size=64)) == pytest.approx(1 / 9, abs=0.01)


def test_turning_hardly_changes_it_and_smaller_spots_do_not():
    straight = ellipse(4.0)
    assert roundness(ellipse(4.0, angle=0.6)) == pytest.approx(roundness(straight), abs=0.03)
    spotted = straight.copy()
    spotted[2:5, 2:5] = 1.0
    assert roundness(spotted) == roundness(straight)


def test_where_too_little_is_marked_the_highest_pixels_are():
    faint = ellipse(1.0) - 3.0
    assert roundness(faint, least=12) == pytest.approx(1.0, abs=0.01)
    with pytest.raises(ValueError, match="least = 0"):
        roundness(faint, least=0)
