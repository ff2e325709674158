"""Photon counts, the logarithm that turns them into line integrals, and the noise of the result.

A detector cell behind a line integral p sees N ~ Poisson(N0 exp(-p)) photons and adds the noise of
its electronics, Normal(0, σ_e²). Reconstruction wants p̂ = -ln(N/N0). All that a low-dose image
suffers is in these two lines: the counts are noisy, and the logarithm of a small noisy number is
worse than noisy, it is biased, and at zero it does not exist.

Draws come from a NumPy generator, whatever the device of the tensors, so that a GPU sees the very
photons that a CPU sees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class LogCounts:
    """Estimated line integrals, and where there was too little light to estimate them.

    Attributes:
        line_integrals: p̂ = -ln(max(N, floor)/N0), dimensionless.
        starved: True where the count lay below the floor, so that p̂ is only a lower bound.
    """

    line_integrals: Tensor
    starved: Tensor

    @property
    def starved_fraction(self) -> float:
        """Share of measurements that the floor replaced."""
        return float(self.starved.double().mean())


def draw_photons(line_integrals: Tensor, *, n0: float, rng: np.random.Generator) -> Tensor:
    """Draw the photons that arrive: Poisson(N0 exp(-p)).

    Args:
        line_integrals: p, dimensionless, any shape.
        n0: photons per detector cell that would arrive through air.
        rng: source of randomness.

    Returns:
        Whole numbers as floats, same shape, dtype and device as `line_integrals`.

    Raises:
        ValueError: if `n0` is not positive.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> photons = draw_photons(torch.full((10_000,), 2.0), n0=1000, rng=rng)
        >>> bool(abs(photons.mean() - 1000 * np.exp(-2)) < 0.5)
        True
    """
    _check_n0(n0)
    mean = n0 * np.exp(-line_integrals.detach().double().cpu().numpy())
    photons = torch.from_numpy(np.asarray(rng.poisson(mean), dtype=np.float64))
    return photons.to(line_integrals)


def read_out(photons: Tensor, *, sigma_e: float, rng: np.random.Generator) -> Tensor:
    """Add the noise of the detector's electronics: N = photons + Normal(0, σ_e²).

    Args:
        photons: photon numbers, any shape.
        sigma_e: standard deviation of the electronic noise, in photons.
        rng: source of randomness.

    Returns:
        Counts, same shape; where photons are few they may be negative.

    Raises:
        ValueError: if `sigma_e` is negative.

    Example:
        >>> read_out(torch.tensor([3.0]), sigma_e=0.0, rng=np.random.default_rng(0))
        tensor([3.])
    """
    _check_sigma(sigma_e)
    if sigma_e == 0:
        return photons.clone()
    noise = rng.standard_normal(tuple(photons.shape), dtype=np.float32)
    return photons + sigma_e * torch.from_numpy(np.asarray(noise)).to(photons)


def simulate_counts(
    line_integrals: Tensor, *, n0: float, sigma_e: float, rng: np.random.Generator
) -> Tensor:
    """Simulate a scan: Poisson(N0 exp(-p)) + Normal(0, σ_e²).

    Args:
        line_integrals: p, dimensionless, any shape.
        n0: photons per detector cell through air.
        sigma_e: electronic noise, in photons.
        rng: source of randomness.

    Returns:
        Counts, same shape and device.

    Raises:
        ValueError: if `n0` is not positive or `sigma_e` is negative.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> counts = simulate_counts(torch.zeros(20_000), n0=100, sigma_e=10, rng=rng)
        >>> round(float(counts.var()) / (100 + 10**2), 1)
        1.0
    """
    return read_out(draw_photons(line_integrals, n0=n0, rng=rng), sigma_e=sigma_e, rng=rng)


def log_transform(counts: Tensor, *, n0: float, floor: float = 0.5) -> LogCounts:
    """Estimate line integrals from counts: p̂ = -ln(max(N, floor)/N0).

    The logarithm of zero or of a negative count does not exist. Counts below `floor` are replaced
    by it and reported, never passed over in silence: there p̂ is no more than a lower bound.

    Args:
        counts: N, any shape.
        n0: photons per detector cell through air.
        floor: smallest count taken at its word; half a photon leaves every whole photon untouched.

    Returns:
        Line integrals and the mask of starved measurements.

    Raises:
        ValueError: if `n0` or `floor` is not positive.

    Example:
        >>> logged = log_transform(torch.tensor([100.0, 0.0, -3.0]), n0=100)
        >>> logged.starved.tolist(), logged.line_integrals.round(decimals=2).tolist()[0] == 0
        ([False, True, True], True)
    """
    _check_n0(n0)
    if not floor > 0:
        raise ValueError(f"floor is {floor}; it must be positive, for ln 0 does not exist")
    starved = counts < floor
    return LogCounts(-(counts.clamp(min=floor) / n0).log(), starved)


def log_variance(line_integrals: Tensor, *, n0: float, sigma_e: float = 0.0) -> Tensor:
    """Variance of p̂ to first order (the delta method).

    Var p̂ ≈ Var N / N² = (e^p/N0) (1 + σ_e² e^p/N0), because dp̂/dN = -1/N and Var N = N + σ_e².

    Good to a few per cent while N = N0 e^-p stays above about a hundred photons and well above
    σ_e; below, the curvature of the logarithm and the floor take over.

    Args:
        line_integrals: p, dimensionless, any shape.
        n0: photons per detector cell through air.
        sigma_e: electronic noise, in photons.

    Returns:
        Variance, dimensionless, same shape.

    Raises:
        ValueError: if `n0` is not positive or `sigma_e` is negative.

    Example:
        >>> log_variance(torch.zeros(1), n0=100.0, sigma_e=10.0)
        tensor([0.0200])

    Source: Thibault et al. 2006, doi:10.1117/12.660281.
    """
    _check_n0(n0)
    _check_sigma(sigma_e)
    per_photon = line_integrals.exp() / n0  # 1/N
    return per_photon * (1 + sigma_e**2 * per_photon)


def _check_n0(n0: float) -> None:
    if not n0 > 0:
        raise ValueError(f"n0 is {n0}; a scan needs photons: n0 > 0")


def _check_sigma(sigma_e: float) -> None:
    if not sigma_e >= 0:
        raise ValueError(f"sigma_e is {sigma_e}; a standard deviation is zero or more")
