"""Slices are sorted along their normal, and what is not even, straight or known is told."""

import numpy as np
import pytest

from medlib.systems.clinic.slice_geometry import has_spacing, in_order, normal_of, place_of
from tests.systems.clinic.conftest import study


def ordered(images, **kinds):
    told = []
    rules = {"tolerance_mm": 0.1, "spacing_mm": (5, 2, 2), "tolerance": 0.1, **kinds}
    found = in_order(images, **rules, refuse=lambda fault, text: told.append(fault))
    return found, told


def test_order_is_that_of_places():
    images = study()
    assert np.allclose(normal_of(images[0]), (0, 0, 1))
    assert place_of(images[0])[2] == "-6.000"
    found, told = ordered(images[::-1])
    assert found == images
    assert told == []


@pytest.mark.parametrize(
    ("kinds", "fault"), [({"spacing_mm": (5, 1, 1)}, "another size"), ({"tolerance": 0.0}, None)]
)
def test_sizes_are_those_that_are_known(kinds, fault):
    assert ordered(study(), **kinds)[1] == ([fault] if fault else [])


def test_every_second_slice_contradicts_its_header():
    assert ordered(study()[::2])[1] == ["missing slices", "another size"]


def test_pixels_without_a_size_are_told():
    images, told = study(), []
    del images[1].PixelSpacing
    has_spacing(images, refuse=lambda fault, text: told.append((fault, text[:6])))
    assert told == [("missing spacing", "1 of 8")]
