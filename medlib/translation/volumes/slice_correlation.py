"""How alike neighbouring slices are, and what that does to the variance of a sum along depth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

__all__ = [
    "decaying_correlations",
    "depth_correlations",
    "depth_sum_ratio",
    "equal_correlations",
    "variance_ratio",
]


def equal_correlations(rho: float, *, depth: int) -> Float[np.ndarray, " lags"]:
    """Return ρ_h = ρ for every lag h = 1..depth-1: each slice resembles all others alike.

    Raises:
        ValueError: ρ outside (-1/(depth-1), 1]: no such slices exist; or a depth below 1.

    Example:
        >>> equal_correlations(0.5, depth=3)
        array([0.5, 0.5])
    """
    _check_depth(depth)
    lowest = -1.0 if depth == 1 else -1.0 / (depth - 1)
    if not lowest <= rho <= 1:
        raise ValueError(
            f"rho={rho}: {depth} slices can share one correlation between {lowest:.3g} and 1"
        )
    return np.full(depth - 1, float(rho))


def decaying_correlations(rho: float, *, depth: int) -> Float[np.ndarray, " lags"]:
    """Return ρ_h = ρ^h for h = 1..depth-1: a first-order autoregression along depth.

    Raises:
        ValueError: ρ outside [-1, 1], or a depth below 1.

    Example:
        >>> decaying_correlations(0.5, depth=4)
        array([0.5  , 0.25 , 0.125])
    """
    _check_depth(depth)
    if not -1 <= rho <= 1:
        raise ValueError(f"rho={rho}: a correlation lies between -1 and 1")
    return float(rho) ** np.arange(1, depth)


def variance_ratio(
    correlations: Float[np.ndarray, "*channels lags"] | Sequence[float], *, divisor: float = 1.0
) -> Float[np.ndarray, "*channels"] | float:
    """Return the variance of (u_1 + ... + u_k)/s over that of one u, k = lags + 1.

    Var / σ² = (k + 2 Σ_{h=1}^{k-1} (k - h) ρ_h) / s²

    Equal correlations give (k + k (k-1) ρ)/s²; independent slices k/s²; equal slices k²/s².

    Args:
        correlations: ρ_1..ρ_{k-1} along the last axis; none for k = 1.
        divisor: s, above 0.

    Returns:
        The ratio, >= 0; a float for one set of correlations.

    Raises:
        ValueError: a divisor that is not positive.

    Example:
        >>> variance_ratio([0.5, 0.5], divisor=3)
        0.6666666666666666
    """
    if not divisor > 0:
        raise ValueError(f"divisor={divisor}: divide by a number above 0")
    lags = np.asarray(correlations, dtype=np.float64)
    k = lags.shape[-1] + 1
    ratio = (k + 2 * (lags * np.arange(k - 1, 0, -1)).sum(axis=-1)) / divisor**2
    return float(ratio) if ratio.ndim == 0 else ratio


def depth_correlations(
    maps: Float[Tensor, "channels slices height width"], *, depth: int, pooled: bool = False
) -> Float[np.ndarray, "channels lags"] | Float[np.ndarray, " lags"]:
    """Measure ρ_1..ρ_{depth-1} of a volume's maps: correlation of places h slices apart.

    ρ_h is the covariance of the slices z and z+h over all places and all z that have a neighbour,
    about the channel's mean, divided by the channel's variance over the whole volume.

    Args:
        maps: one volume's answers, slice by slice.
        depth: k, the number of slices that will be added up.
        pooled: one set for all channels: covariances and variances are added before dividing.

    Returns:
        (channels, lags), or (lags,) if pooled. A channel that never changes gets ρ = 1: adding it
        up k times multiplies it by k.

    Raises:
        ValueError: no more slices than the longest lag.

    Example:
        >>> ramp = torch.arange(4.0).reshape(1, 1, 2, 2).repeat(1, 5, 1, 1)
        >>> depth_correlations(ramp, depth=3)
        array([[1., 1.]])
    """
    _check_depth(depth)
    if maps.shape[1] < depth:
        raise ValueError(
            f"{maps.shape[1]} slices: lags up to {depth - 1} need at least {depth} slices"
        )
    off = maps - maps.mean(dim=(1, 2, 3), keepdim=True)
    variance = (off**2).mean(dim=(1, 2, 3))
    covariance = [(off[:, :-h] * off[:, h:]).mean(dim=(1, 2, 3)) for h in range(1, depth)]
    lags = torch.stack(covariance, dim=-1) if covariance else off.new_zeros(len(maps), 0)
    if pooled:
        lags, variance = lags.sum(dim=0), variance.sum()
    # Below this, a difference of single-precision numbers of the maps' own size is rounding.
    silent = variance <= 1e-12 * (maps**2).mean() + 1e-30
    safe = torch.where(silent, torch.ones_like(variance), variance)
    found = torch.where(silent[..., None], torch.ones_like(lags), lags / safe[..., None])
    return found.double().cpu().numpy()


def depth_sum_ratio(
    maps: Float[Tensor, "channels slices height width"], *, depth: int, divisor: float = 1.0
) -> float:
    """Measure what `variance_ratio` predicts: add up `depth` slices, divide, compare variances.

    Both variances are sums over channels, about each channel's own mean. Only windows that lie
    wholly inside the volume count.

    Example:
        >>> ramp = torch.arange(4.0).reshape(1, 1, 2, 2).repeat(1, 5, 1, 1)
        >>> depth_sum_ratio(ramp, depth=3, divisor=3)
        1.0
    """
    if maps.shape[1] < depth:
        raise ValueError(f"{maps.shape[1]} slices: a window needs {depth}")
    count = maps.shape[1] - depth + 1
    windows = sum(maps[:, start : start + count] for start in range(depth))
    return float(_variance(windows) / _variance(maps)) / divisor**2


def _variance(maps: Tensor) -> Tensor:
    off = maps - maps.mean(dim=(1, 2, 3), keepdim=True)
    return (off**2).mean(dim=(1, 2, 3)).sum()


def _check_depth(depth: int) -> None:
    if depth < 1:
        raise ValueError(f"depth={depth}: a kernel covers at least 1 slice")
