"""One map, estimated twice: by MRI with the same noise everywhere, and by PET with counts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Truth", "TwoEstimates"]


@dataclass(frozen=True, eq=False)
class TwoEstimates:
    """What was measured of a map.

    Attributes:
        mri, pet: the two estimates.
        variance: of the PET estimate, in each place.
        log_dose: natural logarithm of the counts, in each place.
    """

    mri: Float[Tensor, "n height width"]
    pet: Float[Tensor, "n height width"]
    variance: Float[Tensor, "n height width"]
    log_dose: Float[Tensor, "n height width"]


@dataclass(frozen=True, eq=False)
class Truth:
    r"""A map theta to be estimated, on known anatomy.

    MRI gives :math:`\theta + \sigma z`. PET counts :math:`k` with mean :math:`c\,h*(u + \theta)`
    and gives :math:`k / c - h * u`: without blur h an unbiased estimate with variance
    :math:`(u + \theta)/c`. That the healthy uptake u is known is what a simulation can do and a
    hospital cannot.

    Attributes:
        theta: the map.
        uptake: u, of healthy tissue.
        anatomy: what else is known of each place, such as probabilities of tissue.
        inside: the places that count.
        mri_sd: sigma.
    """

    theta: Float[Tensor, "n height width"]
    uptake: Float[Tensor, "n height width"]
    anatomy: Float[Tensor, "n maps height width"]
    inside: Bool[Tensor, "n height width"]
    mri_sd: float = 0.15

    def __len__(self) -> int:
        return len(self.theta)

    def some(self, chosen: Tensor) -> Truth:
        """The maps with these numbers."""
        parts = (self.theta, self.uptake, self.anatomy, self.inside)
        return Truth(*(part[chosen] for part in parts), mri_sd=self.mri_sd)

    def measure(
        self,
        counts: Float[Tensor, " n"],
        *,
        generator: torch.Generator,
        blur_sd: float = 0.0,
    ) -> TwoEstimates:
        """Measure each map once, at its own dose.

        Args:
            counts: expected counts where the uptake is one, > 0.
            generator: draws the noise; a CPU generator.
            blur_sd: standard deviation of the PET's blur, in pixels.

        Raises:
            ValueError: a dose that is not positive, or not one for each map.

        Example:
            >>> ones = torch.ones(2, 8, 8)
            >>> truth = Truth(0 * ones, ones, ones[:, None], ones > 0)
            >>> seen = truth.measure(torch.tensor([5.0, 500.0]),
            ...                      generator=torch.Generator().manual_seed(0))
            >>> (seen.pet[0].std() > 5 * seen.pet[1].std()).item()
            True
        """
        if counts.shape != (len(self),) or not bool((counts > 0).all()):
            raise ValueError(
                f"counts of shape {tuple(counts.shape)} for {len(self)} maps: give one number above"
                " 0 for each"
            )
        dose = counts[:, None, None]
        mean = _blurred(self.uptake + self.theta, blur_sd)
        pet = torch.poisson(dose * mean, generator=generator) / dose
        noise = torch.randn(self.theta.shape, generator=generator)
        return TwoEstimates(
            mri=self.theta + self.mri_sd * noise,
            pet=pet - _blurred(self.uptake, blur_sd),
            variance=mean / dose,
            log_dose=dose.log().expand_as(pet),
        )


def _blurred(maps: Float[Tensor, "n height width"], sd: float) -> Float[Tensor, "n height width"]:
    """Smoothed by a Gaussian; what lies outside is what lies at the border."""
    if sd == 0:
        return maps
    reach = int(4 * sd + 0.5)
    at = torch.arange(-reach, reach + 1, dtype=maps.dtype)
    kernel = torch.exp(-0.5 * (at / sd) ** 2)
    kernel = kernel / kernel.sum()
    wide = F.pad(maps[:, None], (reach,) * 4, mode="replicate")
    across = F.conv2d(wide, kernel.view(1, 1, 1, -1))
    return F.conv2d(across, kernel.view(1, 1, -1, 1))[:, 0]
