"""Hounsfield units and linear attenuation coefficients, and the Beer-Lambert law between them.

A CT image is a map of the linear attenuation coefficient μ, in 1/cm. Radiology prints it on a scale
of its own on which air is -1000 and water is 0, so that scanners of different beam energies agree.
"""

from __future__ import annotations

from torch import Tensor

#: Water at 70 keV, about the mean energy of a 120 kV beam (NIST XCOM, doi:10.18434/T48G6X).
MU_WATER_PER_CM = 0.1928

#: Air holds practically nothing that attenuates: -1000 HU.
AIR_HU = -1000.0


def hu_to_mu(hu: Tensor, *, mu_water_per_cm: float = MU_WATER_PER_CM) -> Tensor:
    """Turn Hounsfield units into linear attenuation coefficients.

    μ = μ_water (1 + HU/1000), with values below air set to air (μ = 0): scanners pad the corners
    of a slice with numbers such as -2000 that no material has.

    Args:
        hu: image of any shape, in HU.
        mu_water_per_cm: attenuation of water at the beam's effective energy, in 1/cm.

    Returns:
        Attenuation in 1/cm, same shape, never negative.

    Raises:
        ValueError: if `mu_water_per_cm` is not positive.

    Example:
        >>> import torch
        >>> hu_to_mu(torch.tensor([-2000.0, -1000.0, 0.0, 1000.0]), mu_water_per_cm=0.2)
        tensor([0.0000, 0.0000, 0.2000, 0.4000])
    """
    _check_water(mu_water_per_cm)
    return mu_water_per_cm * (1 + hu.clamp(min=AIR_HU) / 1000)


def mu_to_hu(mu_per_cm: Tensor, *, mu_water_per_cm: float = MU_WATER_PER_CM) -> Tensor:
    """Turn linear attenuation coefficients into Hounsfield units: HU = 1000 (μ/μ_water - 1).

    Args:
        mu_per_cm: attenuation of any shape, in 1/cm. Negative values, which noise produces in a
            reconstruction, are kept: clipping them would bias the mean of dark regions upwards.
        mu_water_per_cm: attenuation of water at the beam's effective energy, in 1/cm.

    Returns:
        Image in HU, same shape.

    Raises:
        ValueError: if `mu_water_per_cm` is not positive.

    Example:
        >>> import torch
        >>> mu_to_hu(torch.tensor([0.0, 0.2]), mu_water_per_cm=0.2)
        tensor([-1000.,     0.])
    """
    _check_water(mu_water_per_cm)
    return 1000 * (mu_per_cm / mu_water_per_cm - 1)


def _check_water(mu_water_per_cm: float) -> None:
    if not mu_water_per_cm > 0:
        raise ValueError(
            f"mu_water_per_cm is {mu_water_per_cm}; water attenuates, so it must be positive "
            f"(about {MU_WATER_PER_CM} per cm at 70 keV)"
        )
