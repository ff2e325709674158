"""The same slides, stained and scanned elsewhere."""

import numpy as np
import pytest

from data_fetch.simulated.laboratory import new_laboratory, reference_laboratory, scan
from data_fetch.simulated.other_scanner import through_scanners


def stains():
    grid = np.random.default_rng(0).uniform(0.05, 0.6, size=(1, 4, 4, 2)).astype(np.float32)
    return grid.repeat(8, axis=1).repeat(8, axis=2)


def test_the_reference_laboratory_changes_only_noise_and_sharpness():
    images = scan(stains(), laboratory=reference_laboratory())
    seen, _ = through_scanners(
        images, scanners=[reference_laboratory()], rng=np.random.default_rng(1)
    )
    inner = (seen.astype(float) - images).reshape(1, 4, 8, 4, 8, 3)[:, :, 2:6, :, 2:6]
    assert np.abs(inner.mean(axis=(2, 4))).max() < 2.0


def test_is_what_the_other_laboratory_itself_would_show():
    """Light that was absorbed by the two stains alone can be told apart and put together again."""
    there = new_laboratory(rng=np.random.default_rng(5))
    images = scan(stains(), laboratory=reference_laboratory())
    images = np.rint(images * (255 / 243)).clip(0, 255).astype(np.uint8)  # lamp as at the slide
    seen, _ = through_scanners(images, scanners=[there], rng=np.random.default_rng(1))
    strong = (stains() * np.asarray(there.strengths, dtype=np.float32)).astype(np.float32)
    direct = scan(strong, laboratory=there).astype(float) * 255 / 243
    apart = (seen - direct).reshape(1, 4, 8, 4, 8, 3)[:, :, 2:6, :, 2:6].mean(axis=(2, 4))
    assert np.abs(apart).max() < 4


def test_scanners_take_turns():
    images = np.full((5, 16, 16, 3), 180, dtype=np.uint8)
    places = [new_laboratory(rng=np.random.default_rng(i)) for i in range(2)]
    seen, which = through_scanners(images, scanners=places, rng=np.random.default_rng(0))
    assert which.tolist() == [0, 1, 0, 1, 0]
    means = seen.mean(axis=(1, 2))
    assert np.abs(means[0] - means[2]).max() < 1 < np.abs(means[0] - means[1]).max()
    with pytest.raises(ValueError, match="no scanners"):
        through_scanners(images, scanners=[], rng=np.random.default_rng(0))
