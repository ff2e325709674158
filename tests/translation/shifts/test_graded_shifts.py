"""Graded shifts: nothing at zero, more with each degree, and each does what its name says."""

import jaxtyping
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlib.translation.shifts.graded_shifts import FAMILIES, lenient, shift_images

IMAGES = np.random.default_rng(0).integers(40, 220, (3, 24, 24, 3), dtype=np.uint8)


def shifted(family, severity, seed=0):
    rng = np.random.default_rng(seed)
    return shift_images(IMAGES, family=family, severity=severity, rng=rng)


@pytest.mark.parametrize("family", FAMILIES)
def test_zero_changes_nothing_and_each_degree_changes_more(family):
    assert np.array_equal(shifted(family, 0), IMAGES)
    gaps = [np.abs(shifted(family, s).astype(float) - IMAGES).mean() for s in range(6)]
    assert gaps == sorted(gaps)
    assert gaps[1] < gaps[3] < gaps[5]


def test_each_does_what_its_name_says():
    assert shifted("blur", 5).std() < shifted("blur", 2).std() < IMAGES.std()
    assert np.abs(shifted("blur", 5).mean() - IMAGES.mean()) < 1
    assert (shifted("noise", 3) - IMAGES.astype(float)).std() == pytest.approx(12, rel=0.05)
    np.testing.assert_allclose(shifted("dark", 2), IMAGES * 0.76, atol=0.51)
    mark = shifted("mark", 5)
    assert (mark[:, :2] == 255).all()
    assert np.array_equal(mark[:, 2:], IMAGES[:, 2:])


def test_blur_mixes_neither_images_nor_colours():
    image = np.zeros((2, 9, 9, 3), dtype=np.uint8)
    image[0, 4, 4, 1] = 255
    blurred = shift_images(image, family="blur", severity=5, rng=np.random.default_rng(0))
    assert blurred[0, :, :, 1].any()
    assert not blurred[1].any()
    assert not blurred[0, :, :, [0, 2]].any()


@given(share=st.floats(0, 1), n=st.integers(1, 200), seed=st.integers(0, 99))
def test_another_reader_moves_the_threshold_and_nothing_else(share, n, seed):
    labels, scores = np.arange(n) % 2, np.random.default_rng(seed).normal(size=n)
    other = lenient(labels, scores, share=share)
    assert (other >= labels).all()
    assert (other != labels).sum() == round(share * (labels == 0).sum())
    kept, turned = (scores[(labels == 0) & (other == y)] for y in (0, 1))
    if len(kept) and len(turned):
        assert kept.max() < turned.min()


def test_errors_teach():
    with pytest.raises(ValueError, match="no family 'fog'; there are blur"):
        shifted("fog", 1)
    with pytest.raises(ValueError, match="choose 0"):
        shifted("blur", 6)
    with pytest.raises(ValueError, match="between 0 and 1"):
        lenient(np.array([0]), np.array([0.0]), share=1.5)
    with pytest.raises((ValueError, jaxtyping.TypeCheckError)):
        lenient(np.array([0, 1]), np.array([0.0]), share=0.5)
