"""Moves are means inside the lesion; a sum of two logits moves by the sum of both."""

import numpy as np
import pytest

from medlib.diagnosis.fusion.insertion import insertion_moves


def drawn(seed=0):
    rng = np.random.default_rng(seed)
    masks = np.zeros((4, 6, 6), dtype=bool)
    masks[:, 2:4, 2:5] = True
    plain, a, b = rng.normal(size=(3, 4, 6, 6))
    return plain, a, b, masks


def test_a_sum_of_logits_moves_by_the_sum():
    plain, a, b, masks = drawn()
    found = insertion_moves(plain, plain + a, plain + b, plain + a + b, masks=masks)
    np.testing.assert_allclose(found.beyond_the_sum, 0, atol=1e-12)
    np.testing.assert_allclose(found.mri, [x[m].mean() for x, m in zip(a, masks, strict=True)])


def test_what_is_taken_back_is_beyond_the_larger():
    plain, _, _, masks = drawn()
    agree = insertion_moves(plain, plain + 1, plain + 2, plain + 5, masks=masks)
    np.testing.assert_allclose(agree.beyond_the_larger, 3)
    before = [x[m].mean() for x, m in zip(plain, masks, strict=True)]
    np.testing.assert_allclose(agree.before, before)
    mixed = plain + np.array([3.0, 0.0, 3.0, 0.0])[:, None, None]
    other = plain + np.array([0.0, 3.0, 0.0, 3.0])[:, None, None]
    one = insertion_moves(plain, mixed, other, plain + 2, masks=masks)
    np.testing.assert_allclose(one.beyond_the_larger, -1)  # scan by scan, not of the means


def test_saturated_evidence_falls_short_of_the_sum_and_takes_nothing_back():
    plain, _, _, masks = drawn()
    plain = plain * 0
    found = insertion_moves(plain, plain + 10, plain + 10, plain + 11, masks=masks)
    assert (found.beyond_the_sum < -5).all()
    assert (found.beyond_the_larger > 0).all()


def test_what_lies_outside_does_not_count():
    plain, a, b, masks = drawn()
    far = np.where(masks, 0.0, 100.0)
    one = insertion_moves(plain, plain + a, plain + b, plain, masks=masks)
    other = insertion_moves(plain, plain + a + far, plain + b - far, plain + far, masks=masks)
    np.testing.assert_allclose(one.mri, other.mri)
    np.testing.assert_allclose(one.both, other.both)


def test_the_share_is_of_the_two_moves():
    plain, _, _, masks = drawn()
    found = insertion_moves(plain, plain + 3, plain + 1, plain + 4, masks=masks)
    assert found.pet_share == pytest.approx(0.25)
    still = insertion_moves(plain, plain, plain, plain, masks=masks)
    assert np.isnan(still.pet_share)


def test_what_does_not_fit_is_refused():
    plain, a, b, masks = drawn()
    with pytest.raises(ValueError, match="one shape"):
        insertion_moves(plain, a, b, a[:2], masks=masks)
    with pytest.raises(ValueError, match="empty"):
        insertion_moves(plain, a, b, a, masks=np.zeros_like(masks))
