"""From the variance of each ray to the variance of each pixel, without a simulation.

Filtered backprojection is linear and the rays are independent, so the variance of a pixel is a sum
of squares: Var μ_j = Σ_i r_ji² Var p_i with r_ji the weight of ray i in pixel j. In one view that
weight is the ramp kernel averaged over the pixel's shadow, which touches four cells at most; the
sum over rays is then four convolutions of the variance with products of shifted kernels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.sparse
import torch
from torch import Tensor

from medlib.pixels.ct.fbp import backprojection_scale, filter_kernel
from medlib.pixels.ct.projection import (
    CELLS_PER_PIXEL,
    ParallelBeam,
    check_sinogram,
    footprint,
    sparse_product,
    to_sparse_csr,
)


def fbp_variance(ray_variance: Tensor, *, beam: ParallelBeam, window: str = "ramp") -> Tensor:
    """Variance of every pixel of an FBP image whose rays have independent noise.

    Var μ_j = c² Σ_views Σ_i (Σ_s a_s h(i - b - s))² Var p_i, with a_s the shares of pixel j's
    shadow in cells b to b + 3, h the filter kernel and c = π/K. Exact for independent rays.

    Args:
        ray_variance: variance of each line integral, (..., views, cells), dimensionless.
        beam: the geometry.
        window: the window of the FBP.

    Returns:
        Variance (..., size, size), in 1/cm².

    Raises:
        ValueError: if the shape does not fit the geometry, a variance is negative, or the window
            is unknown.

    Example:
        >>> beam = ParallelBeam(size=16, n_views=20, pixel_cm=0.2)
        >>> ones = torch.ones(beam.sinogram_shape)
        >>> ratio = fbp_variance(4 * ones, beam=beam) / fbp_variance(ones, beam=beam)
        >>> bool(torch.allclose(ratio, torch.tensor(4.0)))
        True

    Source: Kak and Slaney 1988, section 5.2, doi:10.1137/1.9780898719277.
    """
    check_sinogram(ray_variance, beam=beam)
    if bool((ray_variance < 0).any()):
        raise ValueError("ray_variance has negative entries; pass variances, not residuals")
    batch = ray_variance.shape[:-2]
    matrix, spread = _matrices(beam, window, ray_variance.device)
    rays = ray_variance.detach().double().reshape(-1, *beam.sinogram_shape)
    filtered = rays[:, None] @ spread  # (image, lag, view, cell)
    total = sparse_product(matrix, filtered.flatten(1).T.contiguous()).T
    scale = backprojection_scale(beam) * beam.pixel_cm
    return (scale**2 * total).reshape(*batch, beam.size, beam.size).to(ray_variance)


@lru_cache(maxsize=4)
def _matrices(beam: ParallelBeam, window: str, device: torch.device) -> tuple[Tensor, Tensor]:
    return to_sparse_csr(_shares(beam), torch.float64, device), _spread(beam, window).to(device)


@lru_cache(maxsize=2)
def _shares(beam: ParallelBeam) -> scipy.sparse.csr_matrix:
    """Products a_s a_(s + lag) of the shares of a pixel's shadow: (pixel) by (lag, view, cell)."""
    pixel = np.arange(beam.size**2, dtype=np.int32)
    rows, columns, weights = [], [], []
    for view in range(beam.n_views):
        first, share = footprint(beam, view=view)
        for lag in range(CELLS_PER_PIXEL):
            for s in range(CELLS_PER_PIXEL - lag):
                weight = share[:, s] * share[:, s + lag] * (1 if lag == 0 else 2)
                seen = weight > 1e-9
                rows.append(pixel[seen])
                columns.append((lag * beam.n_views + view) * beam.n_bins + first[seen] + s)
                weights.append(weight[seen].astype(np.float32))
    shape = (beam.size**2, CELLS_PER_PIXEL * beam.n_views * beam.n_bins)
    triplets = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
    return scipy.sparse.coo_matrix(triplets, shape=shape).tocsr()


def _spread(beam: ParallelBeam, window: str) -> Tensor:
    """Products h(i - b) h(i - b - lag) as matrices from ray i to cell b: (lag, cell, cell)."""
    kernel = filter_kernel(beam, window=window).numpy()
    padded = np.pad(kernel, (CELLS_PER_PIXEL, 0))
    cell = np.arange(beam.n_bins)
    offset = cell[:, None] - cell[None, :] + beam.n_bins - 1 + CELLS_PER_PIXEL
    products = [padded[offset] * padded[offset - lag] for lag in range(CELLS_PER_PIXEL)]
    return torch.from_numpy(np.stack(products))
