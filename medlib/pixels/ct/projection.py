"""A parallel-beam projector as one sparse matrix, differentiable, with its exact adjoint.

Ray i of view θ is a strip as wide as its detector cell; pixel j is a square. With
a_ij = area(pixel j ∩ strip i) / width(strip i), the line integrals of an image x are p = A x, the
exact mean over the cell. The shadow of a square is a trapezoid, so a_ij has a closed form. The same
numbers, transposed, are the adjoint: ⟨Ax, q⟩ = ⟨x, Aᵀq⟩ holds term by term, which is what gradients
and iterative reconstruction need.

The matrix is built once per geometry and kept; afterwards a projection is one sparse product.

Data that are made with the matrix which later inverts them hide what any grid leaves out (an
inverse crime). `fold` sets a finer grid before the same detector: a pixel is cut in fold × fold.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import scipy.sparse
import torch
from torch import Tensor


def cells_touched(fold: int) -> int:
    """How many cells the shadow of a pixel, or of a part of one, may touch at most.

    Example:
        >>> cells_touched(1), cells_touched(2)
        (4, 3)
    """
    return math.ceil(math.sqrt(2) / fold) + 2


#: A square's shadow is at most √2 pixels wide: it touches four detector cells at most.
CELLS_PER_PIXEL = cells_touched(1)


@dataclass(frozen=True)
class ParallelBeam:
    """A square image seen by parallel rays from views spread evenly over half a turn.

    The first view looks along the columns: its cells run in the direction of the column index. The
    axis of rotation is the image's centre. Detector cells are as wide as pixels and cover the
    image's diagonal.

    Args:
        size: pixels along each side of the image.
        n_views: views over 180 degrees.
        pixel_cm: side of a pixel, in cm.

    Raises:
        ValueError: if a size is not positive.

    Example:
        >>> beam = ParallelBeam(size=128, n_views=120, pixel_cm=0.18)
        >>> beam.n_bins, beam.sinogram_shape
        (187, (120, 187))
    """

    size: int = 128
    n_views: int = 180
    pixel_cm: float = 0.18

    def __post_init__(self) -> None:
        if self.size < 1 or self.n_views < 1 or not self.pixel_cm > 0:
            raise ValueError(f"{self}: size, n_views and pixel_cm must be positive")

    @property
    def n_bins(self) -> int:
        """Detector cells: an odd number, enough for the diagonal and a margin."""
        return 2 * (math.ceil(self.size / math.sqrt(2)) + 2) + 1

    @property
    def sinogram_shape(self) -> tuple[int, int]:
        """(views, cells)."""
        return self.n_views, self.n_bins

    @property
    def angles_deg(self) -> np.ndarray:
        """Angle of each view, in degrees."""
        return 180 * np.arange(self.n_views) / self.n_views


def project(image: Tensor, *, beam: ParallelBeam, fold: int = 1) -> Tensor:
    """Line integrals of an image: p = A x.

    Args:
        image: (..., fold * size, fold * size), in 1/cm, float32 or float64.
        beam: the geometry.
        fold: how many pixels of the image lie along each side of one of the beam's.

    Returns:
        Sinogram (..., views, cells), dimensionless; differentiable.

    Raises:
        ValueError: if the image does not have the size that geometry and fold state.

    Example:
        >>> beam = ParallelBeam(size=8, n_views=4, pixel_cm=0.5)
        >>> sinogram = project(torch.ones(8, 8), beam=beam)
        >>> bool(torch.allclose(sinogram.sum(1) * 0.5, torch.tensor(16.0)))  # each view sees 16 cm²
        True
    """
    side = _fine_side(beam, fold)
    if tuple(image.shape[-2:]) != (side, side):
        raise ValueError(
            f"image is {tuple(image.shape)}, but the beam expects (..., {side}, {side})"
        )
    return _apply(image, _Grid(beam, fold), False, beam.sinogram_shape)


def backproject(sinogram: Tensor, *, beam: ParallelBeam) -> Tensor:
    """The adjoint: x = Aᵀ q, each pixel collecting what its rays carry (no filter: see `fbp`).

    Args:
        sinogram: (..., views, cells).
        beam: the geometry.

    Returns:
        Image (..., size, size), in cm times the sinogram's unit; differentiable.

    Raises:
        ValueError: if the sinogram does not have the shape that the geometry states.

    Example:
        >>> beam = ParallelBeam(size=8, n_views=4, pixel_cm=0.5)
        >>> x, y = torch.ones(8, 8), torch.ones(beam.sinogram_shape)
        >>> left, right = (project(x, beam=beam) * y).sum(), (x * backproject(y, beam=beam)).sum()
        >>> bool(torch.isclose(left, right))
        True
    """
    check_sinogram(sinogram, beam=beam)
    return _apply(sinogram, _Grid(beam, 1), True, (beam.size, beam.size))


def check_sinogram(sinogram: Tensor, *, beam: ParallelBeam) -> None:
    """Raise a ValueError that says which axis is wrong, if one is.

    Example:
        >>> check_sinogram(torch.zeros(3, 13), beam=ParallelBeam(size=4, n_views=2))
        Traceback (most recent call last):
        ...
        ValueError: sinogram has 3 views of 13 cells, but the beam has 2 of 11; rows are views
    """
    if tuple(sinogram.shape[-2:]) != beam.sinogram_shape:
        views, cells = sinogram.shape[-2:] if sinogram.ndim >= 2 else (0, 0)
        raise ValueError(
            f"sinogram has {views} views of {cells} cells, but the beam has "
            f"{beam.n_views} of {beam.n_bins}; rows are views"
        )


def footprint(beam: ParallelBeam, *, view: int, fold: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Where the pixels' shadows fall in one view.

    A unit square turned by θ casts a trapezoid with a foot |cos θ| + |sin θ| wide and a flat top
    ||cos θ| - |sin θ|| wide; the share that lands in a cell is a difference of its integral.

    Args:
        beam: the geometry.
        view: index of the view.
        fold: each pixel is cut into fold × fold, before the same detector.

    Returns:
        First cell touched, (pixels,), and the shares of that cell and those that follow,
        (pixels, cells_touched(fold)), each row summing to one.

    Example:
        >>> first, share = footprint(ParallelBeam(size=4, n_views=3), view=1)
        >>> share.shape, bool(np.allclose(share.sum(1), 1))
        ((16, 4), True)
    """
    angle = math.radians(float(beam.angles_deg[view]))
    cosine, sine = math.cos(angle), math.sin(angle)
    side = _fine_side(beam, fold)
    axis = (np.arange(side) - (side - 1) / 2) / fold
    # x grows with the column, y against the row; s is the distance from the axis in pixels
    centre = (axis[None, :] * cosine - axis[:, None] * sine).ravel() + (beam.n_bins - 1) / 2
    foot = (abs(cosine) + abs(sine)) / 2 / fold
    top = abs(abs(cosine) - abs(sine)) / 2 / fold
    first = np.floor(centre - foot + 0.5).astype(np.int32)
    edges = first[:, None] + np.arange(cells_touched(fold) + 1) - 0.5 - centre[:, None]
    return first, np.diff(_shadow_integral(edges, foot=foot, top=top), axis=1)


def _shadow_integral(u: np.ndarray, *, foot: float, top: float) -> np.ndarray:
    """Integral from 0 to u of a trapezoid of area one with half-widths `foot` and `top`."""
    height = 1 / (foot + top)
    distance = np.minimum(np.abs(u), foot)
    slope = np.maximum(distance - top, 0)
    fall = slope**2 / (2 * (foot - top)) if foot - top > 1e-12 else 0.0
    return np.sign(u) * height * (distance - fall)


def system_matrices(
    beam: ParallelBeam, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """A and its stored transpose, as sparse CSR tensors; built once, then kept.

    Args:
        beam: the geometry.
        dtype: torch.float32 or torch.float64.
        device: where the products will run.

    Returns:
        A of shape (views * cells, pixels), in cm, and Aᵀ.

    Example:
        >>> beam = ParallelBeam(size=4, n_views=3)
        >>> a, at = system_matrices(beam, torch.float32, torch.device("cpu"))
        >>> a.shape, at.shape
        (torch.Size([33, 16]), torch.Size([16, 33]))
    """
    return tuple(_matrix(_Grid(beam, 1), adjoint, dtype, device) for adjoint in (False, True))


class _Grid(NamedTuple):
    """A geometry, and how finely its pixels are cut."""

    beam: ParallelBeam
    fold: int


def _fine_side(beam: ParallelBeam, fold: int) -> int:
    if fold < 1:
        raise ValueError(f"fold is {fold}; a pixel is cut into fold x fold, so it is 1 or more")
    return beam.size * fold


@lru_cache(maxsize=8)
def _matrix(grid: _Grid, adjoint: bool, dtype: torch.dtype, device: torch.device) -> Tensor:
    matrix = _build(grid.beam, grid.fold)
    return to_sparse_csr(matrix.T.tocsr() if adjoint else matrix, dtype, device)


@lru_cache(maxsize=2)
def _build(beam: ParallelBeam, fold: int = 1) -> scipy.sparse.csr_matrix:
    n_pixels, n_cells = (beam.size * fold) ** 2, cells_touched(fold)
    pixel = np.repeat(np.arange(n_pixels, dtype=np.int32), n_cells)
    blocks = []
    for view in range(beam.n_views):
        first, share = footprint(beam, view=view, fold=fold)
        cell = (first[:, None] + np.arange(n_cells, dtype=np.int32)).ravel()
        weight = share.ravel() * (beam.pixel_cm / fold**2)  # area of a pixel over width of a cell
        seen = weight > 1e-9 * beam.pixel_cm
        shape = (beam.n_bins, n_pixels)
        triplets = (weight[seen], (cell[seen], pixel[seen]))
        blocks.append(scipy.sparse.csr_matrix(triplets, shape=shape))
    return scipy.sparse.vstack(blocks, format="csr")


def to_sparse_csr(
    matrix: scipy.sparse.csr_matrix, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """A SciPy matrix as a torch one, checked once here so that no product has to check again.

    Example:
        >>> identity = scipy.sparse.eye(2, format="csr")
        >>> eye = to_sparse_csr(identity, torch.float32, torch.device("cpu"))
        >>> (eye @ torch.ones(2, 1)).flatten()
        tensor([1., 1.])
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        tensor = torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr),
            torch.from_numpy(matrix.indices),
            torch.from_numpy(matrix.data).to(dtype),
            size=matrix.shape,
            check_invariants=True,
        )
    return tensor.to(device)


def sparse_product(matrix: Tensor, columns: Tensor) -> Tensor:
    """M X, the same bits every time, on a GPU as well.

    CUDA's own product of a CSR matrix adds in an order that changes between runs, and no flag of
    torch forbids it. There each row's products are gathered and added from left to right.

    Args:
        matrix: sparse CSR, (rows, inner).
        columns: dense, (inner, batch).

    Returns:
        Dense, (rows, batch).

    Example:
        >>> identity = to_sparse_csr(scipy.sparse.eye(2, format="csr"), torch.float32,
        ...                          torch.device("cpu"))
        >>> sparse_product(identity, torch.ones(2, 1)).flatten()
        tensor([1., 1.])
    """
    return sum_in_order(matrix, columns) if columns.is_cuda else matrix @ columns


def sum_in_order(matrix: Tensor, columns: Tensor) -> Tensor:
    """M X with each row's products added from left to right; for the shapes see `sparse_product`.

    Some columns at a time, so that the products of one part need at most about a gigabyte.
    """
    lengths = matrix.crow_indices().diff().long()
    inner, weight = matrix.col_indices().long(), matrix.values()[:, None]
    at_once = max(1, int(1e9 / (max(1, len(inner)) * columns.element_size())))
    parts = [
        torch.segment_reduce(part[inner] * weight, "sum", lengths=lengths, unsafe=True, initial=0)
        for part in columns.split(at_once, dim=1)
    ]
    return torch.cat(parts, dim=1)


def _apply(x: Tensor, grid: _Grid, adjoint: bool, shape: tuple[int, int]) -> Tensor:
    batch = x.shape[:-2]
    columns = x.reshape(math.prod(batch), -1)
    return _SparseProduct.apply(columns, grid, adjoint).reshape(*batch, *shape)


class _SparseProduct(torch.autograd.Function):
    """rows ↦ rows Mᵀ with M = A or Aᵀ; the gradient is the product with the other one."""

    @staticmethod
    def forward(ctx, rows: Tensor, grid: _Grid, adjoint: bool) -> Tensor:
        ctx.grid, ctx.adjoint = grid, adjoint
        matrix = _matrix(grid, adjoint, rows.dtype, rows.device)
        return sparse_product(matrix, rows.T.contiguous()).T.contiguous()

    @staticmethod
    def backward(ctx, gradient: Tensor):
        return _SparseProduct.apply(gradient.contiguous(), ctx.grid, not ctx.adjoint), None, None
