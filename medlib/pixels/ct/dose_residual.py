"""How far a low-dose scan lies from the full-dose scan of the same object, ray by ray.

Two experiments give pairs to learn from. The patient may be scanned twice, so that the two scans
share the anatomy and nothing else. Or the low dose may be made from the full-dose scan by keeping
each photon with probability α (thinning), so that the two share photons as well. The residual
p̂_low - p̂_full has a smaller variance in the second case, and a noise that is not independent of
the input: a difference that a training loss must know.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from medlib.pixels.ct.photon_noise import log_variance


def thin(photons: Tensor, *, dose_fraction: float, rng: np.random.Generator) -> Tensor:
    """Keep each photon with probability α: Binomial(photons, α).

    A thinned Poisson variable is Poisson again, with mean αN, so this is an exact low-dose scan.

    Args:
        photons: whole photon numbers, before electronic noise, any shape.
        dose_fraction: α, 0 < α <= 1.
        rng: source of randomness.

    Returns:
        Photons kept, same shape, dtype and device.

    Raises:
        ValueError: if α is outside (0, 1], or `photons` holds negative or broken numbers (counts
            with electronic noise cannot be thinned: thin first, read out afterwards).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> kept = thin(torch.full((10_000,), 100.0), dose_fraction=0.25, rng=rng)
        >>> bool(abs(kept.mean() - 25) < 0.2)
        True
    """
    _check_fraction(dose_fraction)
    numbers = photons.detach().double().cpu().numpy()
    if (numbers < 0).any() or (numbers != np.round(numbers)).any():
        raise ValueError(
            "photons must be whole numbers, zero or more; thin the photons first and add the "
            "electronic noise afterwards with read_out"
        )
    kept = rng.binomial(numbers.astype(np.int64), dose_fraction)
    return torch.from_numpy(np.asarray(kept, dtype=np.float64)).to(photons)


def independent_variance(
    line_integrals: Tensor, *, n0: float, dose_fraction: float, sigma_e: float = 0.0
) -> Tensor:
    """Variance of p̂_low - p̂_full for two independent scans.

    Variances of independent quantities add:
    (e^p/N0) [(1/α + 1) + σ_e² (e^p/N0) (1/α² + 1)].

    Args:
        line_integrals: p, dimensionless, any shape.
        n0: photons per detector cell through air at full dose.
        dose_fraction: α, 0 < α <= 1.
        sigma_e: electronic noise of either scan, in photons.

    Returns:
        Variance, dimensionless, same shape.

    Raises:
        ValueError: if α is outside (0, 1], `n0` not positive or `sigma_e` negative.

    Example:
        >>> independent_variance(torch.zeros(1), n0=100.0, dose_fraction=0.25)
        tensor([0.0500])
    """
    _check_fraction(dose_fraction)
    low = log_variance(line_integrals, n0=dose_fraction * n0, sigma_e=sigma_e)
    return low + log_variance(line_integrals, n0=n0, sigma_e=sigma_e)


def thinned_variance(
    line_integrals: Tensor, *, n0: float, dose_fraction: float, sigma_e: float = 0.0
) -> Tensor:
    """Variance of p̂_low - p̂_full when the low dose is thinned from the same photons.

    Cov(N_low, N_full) = αN, so Cov(p̂_low, p̂_full) = αN/(αN·N) = e^p/N0, and twice that comes off:
    (e^p/N0) [(1/α - 1) + σ_e² (e^p/N0) (1/α² + 1)]. The two read-outs are separate, so the
    electronic terms add as before.

    Args:
        line_integrals: p, dimensionless, any shape.
        n0: photons per detector cell through air at full dose.
        dose_fraction: α, 0 < α <= 1.
        sigma_e: electronic noise of either read-out, in photons.

    Returns:
        Variance, dimensionless, same shape; zero at α = 1 without electronic noise.

    Raises:
        ValueError: if α is outside (0, 1], `n0` not positive or `sigma_e` negative.

    Example:
        >>> thinned_variance(torch.zeros(1), n0=100.0, dose_fraction=0.25)
        tensor([0.0300])
    """
    independent = independent_variance(
        line_integrals, n0=n0, dose_fraction=dose_fraction, sigma_e=sigma_e
    )
    return independent - 2 * line_integrals.exp() / n0


def _check_fraction(dose_fraction: float) -> None:
    if not 0 < dose_fraction <= 1:
        raise ValueError(f"dose_fraction is {dose_fraction}; it is the share kept, 0 < α <= 1")
