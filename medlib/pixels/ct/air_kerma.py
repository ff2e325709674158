"""Dose in grays: the air kerma of the photons that a simulated scan sends out.

K = Φ E (μ_en/ρ): Φ photons cross each cm², each carries E, and a gram of air takes up the share
μ_en/ρ. It is the kerma free in air, without a patient, of a beam of one energy and of a detector
that counts every photon. Real scanners state a CTDI, measured in a phantom, which includes scatter.
"""

from __future__ import annotations

#: Joules in a kilo-electronvolt.
JOULE_PER_KEV = 1.602176634e-16

#: Energy absorption of dry air at 70 keV, in cm²/g: between 0.0304 at 60 keV and 0.0241 at 80 keV.
AIR_ABSORPTION_CM2_PER_G = 0.027


def air_kerma_mgy(
    *,
    photons_per_ray: float,
    n_views: int,
    cell_cm2: float,
    energy_kev: float = 70.0,
    absorption_cm2_per_g: float = AIR_ABSORPTION_CM2_PER_G,
) -> float:
    """Air kerma of a scan, in mGy.

    Args:
        photons_per_ray: photons that reach a detector cell through air, in one view.
        n_views: views.
        cell_cm2: area of a detector cell, seen from the axis: its width times the slice's.
        energy_kev: of every photon.
        absorption_cm2_per_g: mass energy-absorption coefficient of air at that energy.

    Raises:
        ValueError: an argument is not positive.

    Example:
        >>> round(air_kerma_mgy(photons_per_ray=1e5, n_views=180, cell_cm2=0.1), 4)
        0.0545

    Source of the coefficient: Hubbell and Seltzer, NIST Standard Reference Database 126.
    """
    given = (photons_per_ray, n_views, cell_cm2, energy_kev, absorption_cm2_per_g)
    if not min(given) > 0:
        raise ValueError(f"air_kerma_mgy got {given}: all must be positive")
    per_cm2 = photons_per_ray * n_views / cell_cm2
    gray = per_cm2 * energy_kev * JOULE_PER_KEV * absorption_cm2_per_g * 1000  # J/g to J/kg
    return 1000 * gray
