"""Patches of five slices, every second one with a brighter square in its middle slice."""

import numpy as np

from medlib.translation.volumes.volume_study import Patches, prepare


def patches(n: int, seed: int, *, brighter: int = 60) -> Patches:
    """`n` preprocessed patches of 12 x 12 pixels; the square is `brighter` grey levels brighter."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    images = rng.integers(90, 140, size=(n, 5, 12, 12))
    images[:, 2, 4:8, 4:8] += brighter * labels[:, None, None]
    return prepare(images.astype(np.uint8), labels)
