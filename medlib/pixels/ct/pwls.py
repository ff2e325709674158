"""Penalised weighted least squares: reconstruct by trusting each ray as much as it deserves.

FBP treats a ray that lost all its photons in bone like one that met only air. This instead finds
the image that explains the rays, each weighted by its inverse variance, and is smooth:

    x = argmin ½ Σ_i τ_i (p̂_i - [Ax]_i)² + β Σ_(neighbours j, j') ψ(x_j - x_j').

ψ(t) = t²/2 smooths everywhere. Huber's ψ is quadratic up to δ and linear beyond, so that an edge
costs no more than its height and is left standing. The minimum is found with separable quadratic
surrogates: a step for each pixel that can never overshoot, with Nesterov's momentum. Ordered
subsets take a step after every few views, as if they were all: as many times faster at first, and
in the end they circle the minimum at a small distance instead of reaching it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from medlib.pixels.ct.projection import (
    ParallelBeam,
    backproject,
    check_sinogram,
    project,
    sparse_product,
    system_matrices,
    to_sparse_csr,
)


@dataclass(frozen=True)
class Penalty:
    """How roughness is charged.

    Attributes:
        beta: weight of the penalty against the data term, in cm².
        delta_per_cm: differences larger than this count as edges (Huber); infinite = quadratic.
    """

    beta: float
    delta_per_cm: float = math.inf

    def __post_init__(self) -> None:
        if not (self.beta >= 0 and self.delta_per_cm > 0):
            raise ValueError(f"{self}: beta must be zero or more and delta_per_cm positive")


@dataclass(frozen=True)
class Reconstruction:
    """An image and the way to it.

    Attributes:
        image: (..., size, size), in 1/cm.
        objective: value of the objective before each step and after the last, summed over images.
    """

    image: Tensor
    objective: tuple[float, ...]


def pwls(
    line_integrals: Tensor,
    *,
    weights: Tensor,
    beam: ParallelBeam,
    penalty: Penalty,
    start: Tensor,
    n_steps: int = 40,
    n_subsets: int = 1,
    watch: bool = False,
) -> Reconstruction:
    """Reconstruct by penalised weighted least squares.

    Args:
        line_integrals: p̂, (..., views, cells), dimensionless.
        weights: τ, the same shape, zero or more; inverse variances make this maximum a posteriori
            estimation, ones make it ordinary penalised least squares, zero ignores a ray.
        beam: the geometry.
        penalty: what roughness costs.
        start: first guess (..., size, size), in 1/cm; an FBP image saves many steps.
        n_steps: passes over all rays.
        n_subsets: parts of the views, evenly spread, each of which makes one step of a pass; one
            converges, six come within some HU in a sixth of the passes.
        watch: also record the objective, for one more projection a pass.

    Returns:
        The image, and the objective if watched.

    Raises:
        ValueError: if shapes do not fit, a weight is negative or all are zero, or there are more
            subsets than views.

    Example:
        >>> beam = ParallelBeam(size=8, n_views=12, pixel_cm=0.5)
        >>> truth = torch.zeros(8, 8); truth[2:6, 2:6] = 0.2
        >>> p = project(truth, beam=beam)
        >>> fit = pwls(p, weights=torch.ones_like(p), beam=beam, penalty=Penalty(beta=0.0),
        ...            start=torch.zeros(8, 8), n_steps=200)
        >>> bool((fit.image - truth).abs().max() < 0.01)
        True

    Source: Fessler 1994, doi:10.1109/42.293921; Erdoğan and Fessler 1999,
    doi:10.1088/0031-9155/44/11/311; subsets with momentum: Kim, Ramani and Fessler 2015,
    doi:10.1109/TMI.2014.2350962.
    """
    check_sinogram(line_integrals, beam=beam)
    if weights.shape != line_integrals.shape:
        raise ValueError(
            f"weights are {tuple(weights.shape)} but line_integrals {tuple(line_integrals.shape)}"
        )
    if bool((weights < 0).any()) or not bool((weights > 0).any()):
        raise ValueError("weights must be zero or more, and not all zero")
    if not 1 <= n_subsets <= beam.n_views:
        raise ValueError(f"n_subsets is {n_subsets}, but there are {beam.n_views} views to share")

    ones = torch.ones_like(start)
    # [Aᵀ W A 1]_j bounds the data term's curvature; a pixel has 4 neighbours, each counted twice
    curvature = backproject(weights * project(ones, beam=beam), beam=beam) + 8 * penalty.beta
    step = 1 / curvature.clamp(min=1e-12 * float(curvature.max()))
    image, ahead, pace = start.clone(), start.clone(), 1.0
    objective = []
    subsets = _data_gradients(line_integrals, weights, beam, n_subsets)
    for _ in range(n_steps):
        if watch:
            objective.append(_objective(image, line_integrals, weights, beam, penalty))
        for part in subsets:
            gradient = part(ahead) + penalty.beta * _pull(ahead, penalty)
            moved = ahead - step * gradient
            faster = (1 + math.sqrt(1 + 4 * pace**2)) / 2
            ahead = moved + (pace - 1) / faster * (moved - image)
            image, pace = moved, faster
    if watch:
        objective.append(_objective(image, line_integrals, weights, beam, penalty))
    return Reconstruction(image, tuple(objective))


def _data_gradients(line_integrals: Tensor, weights: Tensor, beam: ParallelBeam, n_subsets: int):
    """Functions that give the data term's gradient, each from its own views, times their number."""
    if n_subsets == 1:
        return [
            lambda image: backproject(
                weights * (project(image, beam=beam) - line_integrals), beam=beam
            )
        ]

    def part(views: slice, a: Tensor, at: Tensor):
        rays, trust = (
            t[..., views, :].flatten(-2).reshape(-1, a.shape[0]).T.contiguous()
            for t in (line_integrals, n_subsets * weights)
        )

        def gradient(image: Tensor) -> Tensor:
            columns = image.reshape(-1, a.shape[1]).T.contiguous()
            pulled = sparse_product(at, trust * (sparse_product(a, columns) - rays))
            return pulled.T.reshape(image.shape)

        return gradient

    matrices = _subset_matrices(beam, n_subsets, line_integrals.dtype, line_integrals.device)
    return [part(slice(first, None, n_subsets), *matrices[first]) for first in far_apart(n_subsets)]


@lru_cache(maxsize=2)
def _subset_matrices(
    beam: ParallelBeam, n_subsets: int, dtype: torch.dtype, device: torch.device
) -> list[tuple[Tensor, Tensor]]:
    """A and Aᵀ for every n-th view, from each of the first n on."""
    whole = system_matrices(beam, dtype, torch.device("cpu"))[0]
    parts = (whole.values(), whole.col_indices(), whole.crow_indices())
    csr = scipy.sparse.csr_matrix(tuple(t.numpy() for t in parts), shape=tuple(whole.shape))
    ray = np.arange(whole.shape[0]).reshape(beam.sinogram_shape)
    rows = [csr[ray[first::n_subsets].ravel()] for first in range(n_subsets)]
    return [
        tuple(to_sparse_csr(m, dtype, device) for m in (matrix, matrix.T.tocsr()))
        for matrix in rows
    ]


def far_apart(n: int) -> list[int]:
    """0 ... n - 1 in an order in which neighbours lie far apart: by steps near the golden section.

    Example:
        >>> far_apart(6)
        [0, 2, 4, 1, 3, 5]
    """
    step, order, at = max(1, round(0.381966 * n)), [], 0
    while len(order) < n:
        while at in order:
            at = (at + 1) % n
        order.append(at)
        at = (at + step) % n
    return order


def _pull(image: Tensor, penalty: Penalty) -> Tensor:
    """Gradient of Σ ψ over horizontal and vertical neighbours: ψ'(t) is t, cut off at ±δ."""
    pull = torch.zeros_like(image)
    for axis in (-1, -2):
        slope = image.diff(dim=axis).clamp(-penalty.delta_per_cm, penalty.delta_per_cm)
        pull.narrow(axis, 1, image.shape[axis] - 1).add_(slope)
        pull.narrow(axis, 0, image.shape[axis] - 1).sub_(slope)
    return pull


def _objective(image, line_integrals, weights, beam, penalty) -> float:
    misfit = weights * (project(image, beam=beam) - line_integrals).square()
    roughness = 0.0
    for axis in (-1, -2):
        step = image.diff(dim=axis).abs().double()
        small = step.clamp(max=penalty.delta_per_cm)
        roughness += float((small * (step - small / 2)).sum())  # t²/2 below δ, δ(|t| - δ/2) above
    return float(misfit.double().sum()) / 2 + penalty.beta * roughness
