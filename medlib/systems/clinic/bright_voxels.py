"""The rival of a network that marks lesions: what is brighter than white matter should be.

Two cuts, no learning: a voxel is marked where the map of white matter is high enough and the image,
smoothed a little, brighter than a threshold in units of its own brain. Both cuts, the smoothing and
the size below which a spot is noise are tuned as a network is, on studies whose lesions are known.
Whether there is a lesion follows from two numbers, as a network's decision does.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import gaussian_filter

from medlib.systems.clinic.decision import fit_decision
from medlib.systems.clinic.lesion_parts import parts_of

__all__ = [
    "NUMBERS", "BrightVoxels", "Example", "dice_of", "in_units_of_brain", "tune_bright_voxels",
]  # fmt: skip

Volume = Float[np.ndarray, "slices rows columns"]
Mask = Bool[np.ndarray, "slices rows columns"]
Example = tuple[Volume, Volume, Mask]
"""Volume, map of white matter, lesions."""

NUMBERS = ("brightest voxels", "marked size")
_BRIGHTEST = 5
_SMOOTHING = (0.0, 0.5, 1.0)  # pixels
_LEAST_WHITE = (0.1, 0.3, 0.5, 0.7, 0.85)
_THRESHOLDS = tuple(np.arange(0.4, 2.21, 0.3).round(2))
_LEAST_VOXELS = (1, 4, 8)
_AIR = -3.0  # nothing is darker than so many spreads below the mean


def in_units_of_brain(volume: Volume) -> Volume:
    """Subtract the mean of the brain and divide by its spread; what is darker than -3 becomes -3.

    What is brighter than a third of the brightest percent counts as brain. A scanner's scale drops
    out. Dividing by the mean alone would not do: a lesion a third brighter than white matter is
    then .3 in a range of 1, and here several units.

    Example:
        >>> in_units_of_brain(np.array([[[0.0, 90, 100, 110]]])).round(1)
        array([[[-3. , -1.2,  0. ,  1.2]]], dtype=float32)
    """
    volume = np.asarray(volume, dtype=np.float32)
    brain = volume[volume > np.percentile(volume, 99) / 3]
    middle, spread = (float(brain.mean()), float(brain.std())) if brain.size else (0.0, 0.0)
    return np.clip((volume - middle) / max(spread, 1e-6), _AIR, None).astype(np.float32)


def dice_of(marked: Mask, truth: Mask) -> float:
    """2 |A ∩ B| / (|A| + |B|); 1 if both are empty.

    Example:
        >>> dice_of(np.array([[[True, True]]]), np.array([[[True, False]]])).round(2)
        np.float64(0.67)
    """
    whole = marked.sum() + truth.sum()
    return np.float64(1.0) if not whole else 2 * (marked & truth).sum() / whole


@dataclass(frozen=True)
class BrightVoxels:
    """The two cuts.

    Attributes:
        threshold: in spreads of the brain above its mean.
        least_white: share of white matter from which on a voxel may be marked.
        smoothing_px: standard deviation of the Gaussian within slices.
        least_voxels: smaller spots are dropped.
    """

    threshold: float
    least_white: float
    smoothing_px: float
    least_voxels: int

    def mask(self, volume: Volume, white: Volume) -> Mask:
        """Voxels that are bright and in white matter."""
        smooth = _smoothed(in_units_of_brain(volume), self.smoothing_px)
        parts, sizes = _parts(smooth, white, self.threshold, self.least_white)
        return (sizes >= self.least_voxels)[parts]

    def brightness(self, volume: Volume, white: Volume) -> Volume:
        """Of what may be marked, smoothed, in spreads of the brain above its mean; -3 elsewhere."""
        smooth = _smoothed(in_units_of_brain(volume), self.smoothing_px)
        return np.where(white >= self.least_white, smooth, np.float32(_AIR))

    def numbers(self, volume: Volume, white: Volume) -> Float[np.ndarray, " 2"]:
        """The numbers of `NUMBERS`: of what is bright, and of how much of it there is.

        Mean of the five brightest voxels of white matter, smoothed, in spreads of the brain above
        its mean, for one bright spot is enough; and the logarithm of 1 + the voxels marked.
        """
        smooth = _smoothed(in_units_of_brain(volume), self.smoothing_px)
        _, sizes = _parts(smooth, white, self.threshold, self.least_white)
        return _numbers(smooth, white, self.least_white, sizes[sizes >= self.least_voxels])


def tune_bright_voxels(examples: Sequence[Example], *, by: str) -> BrightVoxels:
    """The best of a grid of thresholds, shares of white matter, smoothings and sizes.

    Args:
        examples: volumes, maps of white matter and lesions.
        by: "Dice", its mean over examples with lesions; or "cost", that of the probability of a
            lesion in nats, of a decision by the two numbers that is fitted to these examples. One
            in which more, or brighter, speaks against a lesion is taken only if there is no other.

    Raises:
        ValueError: an unknown `by`, or examples that are all of one kind.

    Example:
        >>> flat = np.tile(np.array([0.0, 90, 100, 110, 100, 90]), (1, 6, 1))
        >>> lesion = np.zeros(flat.shape, bool); lesion[0, 2:4, 2:4] = True
        >>> pair = [(flat + 60 * one, np.ones(flat.shape), one) for one in (lesion, lesion < 0)]
        >>> found = tune_bright_voxels(pair, by="Dice")
        >>> bool((found.mask(*pair[0][:2]) == lesion).all())
        True
    """
    if by not in ("Dice", "cost"):
        raise ValueError(f"by is {by!r}; 'Dice' or 'cost'")
    has = np.array([bool(mask.any()) for *_, mask in examples])
    if has.all() or not has.any():
        raise ValueError("examples with a lesion and without are needed")
    used = [one for one, any_ in zip(examples, has, strict=True) if any_ or by == "cost"]
    best, best_value = None, (False, -np.inf)
    worth: dict[bytes, tuple[bool, float]] = {}  # many cuts give few studies the same numbers
    units = [in_units_of_brain(volume) for volume, *_ in used]
    boxes = [_box_of(white >= _LEAST_WHITE[0]) for _, white, _ in used]
    whites = [white[box] for (_, white, _), box in zip(used, boxes, strict=True)]
    for smoothing in _SMOOTHING:
        smooth = [_smoothed(each, smoothing)[box] for each, box in zip(units, boxes, strict=True)]
        for threshold, least_white in itertools.product(_THRESHOLDS, _LEAST_WHITE):
            marked = [
                _parts(each, white, threshold, least_white)
                for each, white in zip(smooth, whites, strict=True)
            ]
            for least in _LEAST_VOXELS:
                if by == "cost":
                    numbers = np.stack(
                        [
                            _numbers(each, white, least_white, sizes[sizes >= least])
                            for each, white, (_, sizes) in zip(smooth, whites, marked, strict=True)
                        ]
                    )
                    if (known := numbers.tobytes()) not in worth:
                        worth[known] = _worth(numbers, has)
                    value = worth[known]
                else:
                    dice = np.mean(
                        [
                            _dice(sizes >= least, parts, sizes, mask[box], int(mask.sum()))
                            for (parts, sizes), (*_, mask), box in zip(
                                marked, used, boxes, strict=True
                            )
                        ]
                    )
                    value = (True, float(dice))
                if value > best_value:
                    best = BrightVoxels(float(threshold), least_white, smoothing, least)
                    best_value = value
    return best


def _numbers(
    smooth: Volume, white: Volume, least_white: float, kept: Int[np.ndarray, " parts"]
) -> Float[np.ndarray, " 2"]:
    inside = smooth[white >= least_white]
    most = np.partition(inside, -_BRIGHTEST)[-_BRIGHTEST:] if inside.size > _BRIGHTEST else inside
    return np.array([most.mean() if most.size else _AIR, np.log1p(kept.sum())], dtype=float)


def _worth(numbers: Float[np.ndarray, "n 2"], has: Bool[np.ndarray, " n"]) -> tuple[bool, float]:
    """Whether both speak for a lesion, and less what a decision by them costs where it was fitted.

    Among so many cuts some tell a few studies apart by a size that is the smaller for a lesion.
    """
    decision = fit_decision(numbers, has.astype(int), names=NUMBERS)
    p = np.array([decision.probability(row) for row in numbers])
    cost = float(-np.log(np.where(has, p, 1 - p)).mean())
    return bool((decision.weights >= 0).all()), -cost


def _box_of(inside: Mask) -> tuple[slice, ...]:
    """The smallest box that holds all; nothing is marked outside of it."""
    places = np.argwhere(inside) if inside.any() else np.zeros((1, 3), dtype=int)
    low, high = places.min(axis=0), places.max(axis=0) + 1
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def _dice(kept: np.ndarray, parts: np.ndarray, sizes: np.ndarray, mask: Mask, n: int) -> float:
    """As `dice_of`, of the parts that are kept and a mask of n voxels in all."""
    return 2 * kept[parts[mask]].sum() / (sizes[kept].sum() + n)


def _parts(
    smooth: Volume, white: Volume, threshold: float, least_white: float
) -> tuple[np.ndarray, np.ndarray]:
    """Connected parts, numbered from 1; and the size of each, that of 0 being nothing."""
    return parts_of((smooth > threshold) & (white >= least_white))


def _smoothed(volume: Volume, sd_px: float) -> Volume:
    return gaussian_filter(volume, (0, sd_px, sd_px)) if sd_px else volume
