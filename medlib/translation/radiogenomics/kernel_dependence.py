"""Hilbert-Schmidt independence criterion: dependence of any shape, not of means alone."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["gaussian_kernel", "unbiased_hsic"]


def gaussian_kernel(
    values: Float[Tensor, "*shape"], *, width: float | None = None
) -> Float[Tensor, "n n"]:
    r"""$k_{ij} = \exp(-|f_i - f_j|^2 / 2 w^2)$, with the median distance for width unless given.

    The median is taken out of the gradient: it is a scale, not a way to look independent.

    Args:
        values: one row a patient; a single column must keep its axis.
        width: w, > 0; None = the median distance between different patients.

    Raises:
        ValueError: another shape, or a width that is not positive.

    Example:
        >>> gaussian_kernel(torch.tensor([[0.0], [1.0]]), width=1.0)[0, 1].item()
        0.6065306663513184
    """
    if values.ndim != 2 or len(values) < 2:
        raise ValueError(f"values {tuple(values.shape)}: one row a patient, two at least")
    if width is not None and width <= 0:
        raise ValueError(f"width is {width}; it must be positive")
    squared = (values[:, None] - values[None]).square().sum(dim=2)
    if width is None:
        apart = squared.detach()[~torch.eye(len(values), dtype=torch.bool, device=values.device)]
        scale = apart.median().clamp_min(1e-12)
    else:
        scale = squared.new_tensor(width**2)
    return torch.exp(-squared / (2 * scale))


def unbiased_hsic(first: Float[Tensor, "n n"], second: Float[Tensor, "n n"]) -> Float[Tensor, ""]:
    r"""HSIC from two kernel matrices, with mean 0 where there is no dependence.

    With the diagonals of K and L set to 0,

    $$ \frac{1}{n(n-3)} \left[ \operatorname{tr} K L
       + \frac{\mathbf 1^\top K \mathbf 1\, \mathbf 1^\top L \mathbf 1}{(n-1)(n-2)}
       - \frac{2}{n-2} \mathbf 1^\top K L \mathbf 1 \right] . $$

    The usual $\operatorname{tr}(KHLH)/(n-1)^2$ is above 0 for independent features, more so the
    smaller the batch: as a penalty it would pay for shrinking what the features know of anything.

    Args:
        first, second: kernels of the same patients, four at least.

    Returns:
        May be a little below 0; higher = more dependent.

    Raises:
        ValueError: not two square matrices of one size, or fewer than four patients.

    Example:
        >>> site = torch.tensor([[0.0], [0.0], [1.0], [1.0], [0.0], [1.0]])
        >>> same = gaussian_kernel(site, width=1.0)
        >>> bool(unbiased_hsic(same, same) > 0)
        True

    Source: Song et al. (2012), JMLR 13:1393-1434, equation 5; Gretton et al. (2005),
    doi:10.1007/11564089_7.
    """
    n = len(first)
    if first.shape != (n, n) or second.shape != (n, n) or n < 4:
        raise ValueError(
            f"kernels {tuple(first.shape)} and {tuple(second.shape)}: square, of one size, with"
            " four patients at least"
        )
    off = 1 - torch.eye(n, dtype=first.dtype, device=first.device)
    k, other = first * off, second * off
    rows_k, rows_other = k.sum(dim=1), other.sum(dim=1)
    total = (k * other).sum()
    total = total + rows_k.sum() * rows_other.sum() / ((n - 1) * (n - 2))
    total = total - 2 / (n - 2) * (rows_k * rows_other).sum()
    return total / (n * (n - 3))
