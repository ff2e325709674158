"""Does a map lie where the morphology is? Three measures that need no threshold of one's own.

All take a batch of maps and the truth at the same places, and give one number an image: average
them over patients, not over tiles, with `patient_bootstrap`.
"""

from __future__ import annotations

import numpy as np
import scipy.stats
from jaxtyping import Bool, Float, Shaped

__all__ = [
    "block_mean",
    "iou_at_equal_area",
    "pointing_game",
    "rank_correlation",
    "rank_correlation_elsewhere",
]


def block_mean(
    images: Float[np.ndarray, "batch height width"], *, grid: int
) -> Float[np.ndarray, "batch grid grid"]:
    """Average the truth over the cells of a coarse map, grid x grid of them.

    Raises:
        ValueError: the image's sides are no multiples of `grid`.

    Example:
        >>> block_mean(np.arange(16.0).reshape(1, 4, 4), grid=2)[0].tolist()
        [[2.5, 4.5], [10.5, 12.5]]
    """
    n, height, width = images.shape
    if height % grid or width % grid:
        raise ValueError(f"images of {height}x{width} do not divide into {grid}x{grid} equal cells")
    cells = images.reshape(n, grid, height // grid, grid, width // grid)
    return cells.mean(axis=(2, 4))


def rank_correlation(
    maps: Float[np.ndarray, "batch height width"], truth: Float[np.ndarray, "batch height width"]
) -> Float[np.ndarray, " batch"]:
    """Spearman's ρ over the places of each image: do higher values lie where the truth is higher?

    ρ = the correlation of the ranks, ties sharing their mean rank. A map (or a truth) that is
    constant orders nothing: its ρ is set to 0, so that an empty map counts as one and is not lost.

    Returns:
        ρ from -1 to 1, one an image.

    Raises:
        ValueError: shapes differ.

    Example:
        >>> ramp = np.arange(4.0).reshape(1, 2, 2)
        >>> rank_correlation(ramp**3, ramp).tolist(), rank_correlation(0 * ramp, ramp).tolist()
        ([1.0], [0.0])
    """
    _same_shape(maps, truth)
    return np.clip((_unit_ranks(maps) * _unit_ranks(truth)).sum(axis=1), -1.0, 1.0)


def rank_correlation_elsewhere(
    maps: Float[np.ndarray, "batch height width"],
    truth: Float[np.ndarray, "batch height width"],
    *,
    patients: Shaped[np.ndarray, " batch"],
) -> Float[np.ndarray, " batch"]:
    """The size of Spearman's ρ with the truth of *other* patients: what agreement is by chance.

    A map knows nothing of another patient's tissue, but it is as smooth as it was. So this is the
    null that a map has to beat; maps of white noise are rougher, and easier to beat.

    Returns:
        |ρ| from 0 to 1, one an image, the mean over all images of other patients.

    Raises:
        ValueError: shapes differ, or all images are of one patient.

    Example:
        >>> ramp = np.arange(4.0).reshape(1, 2, 2)
        >>> maps, patients = np.concatenate([ramp, ramp, -ramp]), np.array([0, 0, 1])
        >>> rank_correlation_elsewhere(maps, maps, patients=patients).round(3).tolist()
        [1.0, 1.0, 1.0]
    """
    _same_shape(maps, truth)
    others = patients[:, None] != patients[None, :]
    if not others.any(axis=1).all():
        raise ValueError("all images are of one patient; another is needed to compare with")
    sizes = np.clip(np.abs(_unit_ranks(maps) @ _unit_ranks(truth).T), 0.0, 1.0)
    return np.where(others, sizes, 0.0).sum(axis=1) / others.sum(axis=1)


def pointing_game(
    maps: Float[np.ndarray, "batch height width"], region: Bool[np.ndarray, "batch height width"]
) -> Float[np.ndarray, " batch"]:
    """Is the map's highest place inside the region? 1 = hit, 0 = miss; ties share one point.

    Chance level: the share of the image that the region covers.

    Raises:
        ValueError: shapes differ.

    Example:
        >>> peak = np.array([[[0.0, 9.0], [1.0, 2.0]]])
        >>> pointing_game(peak, peak > 5).tolist(), pointing_game(0 * peak, peak > 5).tolist()
        ([1.0], [0.25])

    Source: Zhang et al. (2018), doi:10.1007/s11263-017-1059-x.
    """
    _same_shape(maps, region)
    highest = maps == maps.max(axis=(1, 2), keepdims=True)
    return (highest & region).sum(axis=(1, 2)) / highest.sum(axis=(1, 2))


def iou_at_equal_area(
    maps: Float[np.ndarray, "batch height width"], region: Bool[np.ndarray, "batch height width"]
) -> Float[np.ndarray, " batch"]:
    """Overlap of the region with the map's highest places, as many as the region has.

    IoU = I / (2 k - I), k = the region's area, I = how many of the map's k highest lie inside. With
    both areas equal no threshold is left to choose. Where a tie straddles the k-th place, I is its
    mean over all ways to break it.

    Returns:
        0 (apart) to 1 (the same); NaN for an empty region, of which there is nothing to find.

    Raises:
        ValueError: shapes differ.

    Example:
        >>> region = np.array([[[True, True], [False, False]]])
        >>> iou_at_equal_area(np.array([[[4.0, 1.0], [3.0, 2.0]]]), region).round(3).tolist()
        [0.333]
    """
    _same_shape(maps, region)
    out = np.full(len(maps), np.nan)
    for index, (values, inside) in enumerate(zip(maps, region, strict=True)):
        if k := int(inside.sum()):
            cut = np.partition(values.ravel(), -k)[-k]
            above, tied = values > cut, values == cut
            share = (k - above.sum()) / tied.sum()
            hits = (above & inside).sum() + share * (tied & inside).sum()
            out[index] = hits / (2 * k - hits)
    return out


def _unit_ranks(images) -> Float[np.ndarray, "batch places"]:
    """Ranks of each image's places, less their mean and of length one; zeros where all are tied."""
    ranks = scipy.stats.rankdata(images.reshape(len(images), -1), axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    length = np.sqrt((ranks**2).sum(axis=1, keepdims=True))
    return np.divide(ranks, length, out=np.zeros_like(ranks), where=length > 0)


def _same_shape(maps, truth) -> None:
    if maps.shape != truth.shape:
        raise ValueError(
            f"maps have shape {maps.shape}, the truth {truth.shape}: bring both to one grid first, "
            "by block_mean (truth) or upsample (maps)"
        )
