"""A missing image guessed from the one that is there, by linear regression on its neighbourhood."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from medlib.diagnosis.fusion.missing import MODALITIES, without

__all__ = ["Filling", "fit_filling"]

_REACHES = (0, 1, 3, 6)  # means over squares with sides of 1, 3, 7 and 13 pixels
_POWERS = (1, 2, 3)  # fluid, grey and white matter do not lie on a line
_RIDGE = 1e-9  # times each feature's mean square: against rounding, no shrinkage


@dataclass(frozen=True, eq=False)
class Filling:
    """A rule that puts a guess where an image is missing.

    Attributes:
        missing: "MRI" or "PET".
        weights: of the constant and of the twelve features of the image that is there.
    """

    missing: str
    weights: Float[Tensor, " 13"]

    def __call__(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 3 h w"]:
        """The images with the missing one guessed; what was there of it is not read.

        A guessed PET has no dose of its own: its plane is put to the mean, zero.
        """
        left = without(images, self.missing)
        guess = _features(left, self.missing).double() @ self.weights
        left[:, MODALITIES[self.missing][0]] = guess.to(left.dtype)
        return left


def fit_filling(images: Float[Tensor, "n 3 h w"], missing: str) -> Filling:
    """Least squares of one image's pixels on the other image around them.

    Features are means over four squares around the pixel, with their second and third powers. A
    guess from a filling holds nothing that the other image does not; it only looks like a scan.

    Args:
        images: (MRI, PET, dose), standardised, both there; scans of training.
        missing: "MRI" or "PET", the image to be guessed.

    Raises:
        ValueError: an unknown modality.

    Example:
        >>> scans = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> scans[:, 1] = 2 * scans[:, 0]
        >>> filled = fit_filling(scans, "PET")(scans)
        >>> torch.allclose(filled[:, 1], scans[:, 1], atol=1e-3), float(filled[:, 2].abs().max())
        (True, 0.0)
    """
    if missing not in MODALITIES:
        raise ValueError(f"missing is {missing!r}; choose one of {tuple(MODALITIES)}")
    known = _features(images, missing).double().flatten(0, 2)
    wanted = images[:, MODALITIES[missing][0]].double().flatten()
    gram = known.T @ known
    ridge = torch.diag(_RIDGE * gram.diagonal().clamp_min(1e-12))
    return Filling(missing, torch.linalg.solve(gram + ridge, known.T @ wanted))


def _features(images: Float[Tensor, "n 3 h w"], missing: str) -> Float[Tensor, "n h w 13"]:
    """One, and powers of means of the image that is not missing."""
    (there,) = (channels[0] for name, channels in MODALITIES.items() if name != missing)
    image = images[:, there : there + 1]
    means = [
        F.avg_pool2d(image, 2 * r + 1, stride=1, padding=r, count_include_pad=False)[:, 0]
        for r in _REACHES
    ]
    columns = [mean**power for mean in means for power in _POWERS]
    return torch.stack([torch.ones_like(columns[0]), *columns], dim=-1)
