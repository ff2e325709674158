"""Penalised weighted least squares with a quadratic penalty: linear in the rays, so it has rows.

With ψ(t) = t²/2 the minimum of `pwls` solves (Aᵀ W A + β R) x = Aᵀ W p̂, R the Laplacian of the
pixel grid. Conjugate gradients find it in some tens of products. And what a template u sees of
the image is a plain sum over rays, ⟨u, x̂⟩ = ⟨W A (Aᵀ W A + β R)⁻¹ u, p̂⟩: one solution serves any
number of scans.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from medlib.pixels.ct.projection import ParallelBeam, backproject, check_sinogram, project


def quadratic_pwls(
    line_integrals: Float[Tensor, "*batch views cells"],
    *,
    weights: Float[Tensor, "*batch views cells"],
    beam: ParallelBeam,
    beta: Float[Tensor, "*batch"] | float,
    n_steps: int = 60,
) -> Float[Tensor, "*batch size size"]:
    """Reconstruct: argmin ½ Σ τ (p̂ - Ax)² + ½ β Σ (x_j - x_j')², in 1/cm.

    Args:
        line_integrals: p̂, dimensionless.
        weights: τ, zero or more, not all zero.
        beam: the geometry.
        beta: weight of the penalty, in cm²; one number, or one for each image.
        n_steps: steps of conjugate gradients.

    Raises:
        ValueError: shapes do not fit, a weight is negative or all are zero, beta is negative.

    Example:
        >>> beam = ParallelBeam(size=8, n_views=12, pixel_cm=0.5)
        >>> truth = torch.zeros(8, 8); truth[2:6, 2:6] = 0.2
        >>> p = project(truth, beam=beam)
        >>> found = quadratic_pwls(p, weights=torch.ones_like(p), beam=beam, beta=0.0)
        >>> bool((found - truth).abs().max() < 0.01)
        True

    Source: Fessler 1994, doi:10.1109/42.293921.
    """
    check_sinogram(line_integrals, beam=beam)
    _check_weights(weights, line_integrals.shape)
    right = backproject(weights * line_integrals, beam=beam)
    return _solve(right, weights, beam=beam, beta=beta, n_steps=n_steps)


def pwls_rows(
    templates: Float[Tensor, "templates size size"],
    *,
    weights: Float[Tensor, "views cells"],
    beam: ParallelBeam,
    beta: float,
    n_steps: int = 200,
) -> Float[Tensor, "templates views cells"]:
    """What each ray adds to a template's response to the image of `quadratic_pwls`.

    Args:
        templates: u, such as an observer's channels at their place in the image.
        weights: τ of all the scans.
        beam: the geometry.
        beta: weight of the penalty, in cm².
        n_steps: steps of conjugate gradients.

    Raises:
        ValueError: shapes do not fit, a weight is negative or all are zero, beta is negative.

    Example:
        >>> beam = ParallelBeam(size=8, n_views=12, pixel_cm=0.5)
        >>> p, u = torch.rand(beam.sinogram_shape), torch.rand(1, 8, 8)
        >>> options = {"weights": torch.ones_like(p), "beam": beam, "beta": 0.3}
        >>> seen = (quadratic_pwls(p, **options) * u).sum()
        >>> bool(torch.isclose(seen, (pwls_rows(u, **options) * p).sum(), rtol=1e-3))
        True
    """
    check_sinogram(weights, beam=beam)
    _check_weights(weights, weights.shape)
    all_weights = weights.expand(len(templates), *weights.shape)
    solved = _solve(templates, all_weights, beam=beam, beta=beta, n_steps=n_steps)
    return weights * project(solved, beam=beam)


def _check_weights(weights: Tensor, shape: torch.Size) -> None:
    if weights.shape != shape:
        raise ValueError(f"weights are {tuple(weights.shape)} but line_integrals {tuple(shape)}")
    if bool((weights < 0).any()) or not bool((weights > 0).any()):
        raise ValueError("weights must be zero or more, and not all zero")


def _solve(right: Tensor, weights: Tensor, *, beam: ParallelBeam, beta, n_steps: int) -> Tensor:
    """(Aᵀ W A + β R) x = right, by conjugate gradients on the system scaled by its diagonal."""
    beta = torch.as_tensor(beta, dtype=right.dtype, device=right.device)[..., None, None]
    if bool((beta < 0).any()):
        raise ValueError("beta must be zero or more")

    def system(x: Tensor) -> Tensor:
        return backproject(weights * project(x, beam=beam), beam=beam) + beta * _laplacian(x)

    # [Aᵀ W A 1]_j bounds the diagonal: a scale for each pixel that needs no look at the matrix
    scale = backproject(weights * project(torch.ones_like(right), beam=beam), beam=beam) + 8 * beta
    scale = scale.clamp(min=1e-12 * float(scale.max()))
    x, left = torch.zeros_like(right), right.clone()
    along = ahead = left / scale
    power = _dot(left, ahead)
    for _ in range(n_steps):
        moved = system(along)
        length = _ratio(power, _dot(along, moved))
        x, left = x + length * along, left - length * moved
        ahead = left / scale
        power, before = _dot(left, ahead), power
        along = ahead + _ratio(power, before) * along
    return x


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).sum((-1, -2), keepdim=True)


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    return torch.where(b > 0, a / b.clamp(min=torch.finfo(b.dtype).tiny), 0)


def _laplacian(x: Tensor) -> Tensor:
    """R x: the sum of a pixel's differences to its neighbours above, below, left and right."""
    pull = torch.zeros_like(x)
    for axis in (-1, -2):
        slope, n = x.diff(dim=axis), x.shape[axis] - 1
        pull.narrow(axis, 1, n).add_(slope)
        pull.narrow(axis, 0, n).sub_(slope)
    return pull
