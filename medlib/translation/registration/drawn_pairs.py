"""Pairs of three kinds, drawn from slices: no method is at home in all of them.

- "flow": both images are warped by velocities that change with time; a velocity model's home.
- "spline": by displacements of a cubic spline; the home of displacements and of B-splines.
- "levels": two slices some way apart, warped besides: other anatomy, and nobody knows the map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from medlib.translation.registration.known_warp import known_warp, random_velocities
from medlib.translation.registration.spline_warp import spline_warp
from medlib.translation.registration.warped_pairs import Pairs, joined, warped_pairs

__all__ = ["KINDS", "Bending", "drawn_pairs"]

KINDS = ("flow", "spline", "levels")


@dataclass(frozen=True)
class Bending:
    """How images are warped.

    Attributes:
        largest_mm: the greatest displacement of either image of a pair: of a spline exactly, unless
            it would be too steep; of a flow about, as its intervals partly cancel.
        smoothness_mm: of velocities, standard deviation of their Gaussian.
        lattice_mm: of splines, between control points.
        times: intervals of time of a flow.
        levels_apart: slices between the two of a pair of levels.
        noise: standard deviation, of images from 0 to 1.
    """

    largest_mm: float = 9.0
    smoothness_mm: float = 12.0
    lattice_mm: float = 21.0
    times: int = 4
    levels_apart: int = 2
    noise: float = 0.02


def drawn_pairs(
    blocks: Sequence[Float[Tensor, "levels 3 *grid"]],
    *,
    each: int,
    spacing_mm: Sequence[float],
    rng: np.random.Generator,
    bending: Bending | None = None,
    kinds: Sequence[str] = KINDS,
) -> Pairs:
    """Draw slices, fields and noise.

    Args:
        blocks: neighbouring slices, image and probabilities of grey and white matter; a pair of
            levels stays within its block.
        each: pairs of each kind.
        spacing_mm: the voxel's side along each axis of a slice.
        rng: draws everything, one kind after the other.
        bending: None stands for `Bending()`.
        kinds: some of `KINDS`.

    Raises:
        ValueError: an unknown kind, no pair, or no block with two levels that far apart.

    Example:
        >>> block = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
        >>> pairs = drawn_pairs([block], each=2, spacing_mm=(3.0, 3.0),
        ...                     rng=np.random.default_rng(0))
        >>> pairs.kind, bool(pairs.known[4:].isnan().all())
        (('flow', 'flow', 'spline', 'spline', 'levels', 'levels'), True)
    """
    bending = bending or Bending()
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise ValueError(f"kind {unknown[0]!r}: one of {', '.join(KINDS)}")
    if each < 1 or not kinds:
        raise ValueError(f"each={each} of kinds={tuple(kinds)}: one at least")
    parts = []
    for kind in kinds:
        apart = bending.levels_apart if kind == "levels" else 0
        anatomy, other = _two(blocks, each, apart, rng)
        a, b = (_fields(kind, anatomy, spacing_mm, bending, rng) for _ in range(2))
        parts.append(
            warped_pairs(
                anatomy,
                a=a,
                b=b,
                noise=bending.noise,
                rng=rng,
                kind=kind,
                other=other if kind == "levels" else None,
            )
        )
    return joined(parts)


def _two(blocks, each: int, apart: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Slices, and those some levels further; half of the time the other way round."""
    starts = [(i, j) for i, block in enumerate(blocks) for j in range(len(block) - apart)]
    if not starts:
        raise ValueError(f"no block has two slices that are {apart} apart")
    taken = [starts[k] for k in rng.integers(len(starts), size=each)]
    one = torch.stack([blocks[i][j] for i, j in taken])
    two = torch.stack([blocks[i][j + apart] for i, j in taken])
    swap = torch.from_numpy(rng.random(each) < 0.5).reshape(-1, *[1] * (one.ndim - 1))
    return torch.where(swap, two, one), torch.where(swap, one, two)


def _fields(kind, anatomy: Tensor, spacing_mm, bending: Bending, rng) -> tuple[Tensor, Tensor]:
    """A displacement and its inverse's, one for each slice."""
    n, grid = len(anatomy), anatomy.shape[2:]
    common = {"grid": grid, "spacing_mm": spacing_mm, "rng": rng}
    if kind == "spline":
        found = spline_warp(
            n, lattice_mm=bending.lattice_mm, largest_mm=bending.largest_mm, **common
        )
    else:
        found = known_warp(
            random_velocities(
                n,
                smoothness_mm=bending.smoothness_mm,
                largest_mm=bending.largest_mm * bending.times**0.5,
                times=bending.times,
                margin_mm=4 * max(spacing_mm),
                **common,
            ),
            steps=4,
        )
    return found.by_voxels, found.back_voxels
