"""Networks that find lesions in MRI and PET, joined at the first layer, in the middle, at the end.

All of them are small, keep the image's size, and see the PET's dose as a map of its own.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from medlib.nets.global_draws import global_draws_from

__all__ = ["FUSIONS", "KINDS", "Attention", "FusionNet", "parameter_count"]

FUSIONS = ("early", "middle", "late", "attention")
KINDS = ("MRI", "PET", *FUSIONS)
_WIDTH = 16
_DILATIONS = (1, 1, 2, 4)  # of the four layers: each answer sees 17 pixels


def _layers(inputs: int, which: slice, *, width: int = _WIDTH) -> nn.Sequential:
    """Some of the four layers, the first of them from `inputs` channels."""
    layers = []
    for place, dilation in enumerate(_DILATIONS[which]):
        channels = inputs if place == 0 else width
        layers += [
            nn.Conv2d(channels, width, 3, padding=dilation, dilation=dilation),
            nn.GroupNorm(4, width),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)


class Attention(nn.Module):
    r"""Two sets of features, weighed in each place: :math:`w f_p + (1 - w) f_m`.

    The weight of PET, :math:`w`, comes of both sets by a softmax of two logits.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.logits = nn.Conv2d(2 * width, 2, 1)

    def forward(
        self, mri: Float[Tensor, "n c h w"], pet: Float[Tensor, "n c h w"]
    ) -> tuple[Float[Tensor, "n c h w"], Float[Tensor, "n h w"]]:
        """The fused features and the weight of PET."""
        weights = self.logits(torch.cat([mri, pet], dim=1)).softmax(dim=1)
        return weights[:, :1] * mri + weights[:, 1:] * pet, weights[:, 1]


class FusionNet(nn.Module):
    """A logit in each pixel from (MRI, PET, dose).

    *early*: all three enter the first of four layers. *middle*: two layers for each modality, then
    two for both together. *late*: four layers for each, and the sum of two logits. *attention*: as
    *middle*, with the features weighed in each place and added, in place of laid side by side.
    *MRI* and *PET*: four layers that see nothing else; PET goes with its dose everywhere.

    Args:
        kind: one of `KINDS`.
        prevalence: share of pixels that are lesion; the first logits say so.
        generator: draws the first weights.

    Raises:
        ValueError: an unknown kind, or a prevalence outside 0..1.

    Example:
        >>> network = FusionNet("middle", generator=torch.Generator().manual_seed(0))
        >>> network(torch.zeros(2, 3, 32, 32)).shape
        torch.Size([2, 32, 32])

    Source: Baltrušaitis et al. 2019, doi:10.1109/TPAMI.2018.2798607, on early, late and hybrid
    fusion.
    """

    def __init__(self, kind: str, *, generator: torch.Generator, prevalence: float = 0.028) -> None:
        super().__init__()
        if kind not in KINDS or not 0 < prevalence < 1:
            raise ValueError(f"kind is {kind!r}, prevalence {prevalence}; choose one of {KINDS}")
        self.kind = kind
        with global_draws_from(generator):
            self._build(kind)
        first = torch.logit(torch.tensor(prevalence)).item()
        heads = [module for module in (self.head, getattr(self, "pet_head", None)) if module]
        for head in heads:
            nn.init.zeros_(head.weight)
            nn.init.constant_(head.bias, first / len(heads))

    def _build(self, kind: str) -> None:
        first, last, all_four = slice(0, 2), slice(2, 4), slice(0, 4)
        self.head = nn.Conv2d(_WIDTH, 1, 1)
        if kind in ("MRI", "PET", "early"):
            self.trunk = _layers({"MRI": 1, "PET": 2, "early": 3}[kind], all_four)
        elif kind == "late":
            self.mri, self.pet = _layers(1, all_four), _layers(2, all_four)
            self.pet_head = nn.Conv2d(_WIDTH, 1, 1)
        else:
            self.mri, self.pet = _layers(1, first), _layers(2, first)
            self.trunk = _layers(2 * _WIDTH if kind == "middle" else _WIDTH, last)
            if kind == "attention":
                self.attention = Attention(_WIDTH)

    def forward(self, images: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n h w"]:
        """Logits."""
        return self.with_weights(images)[0]

    def with_weights(
        self, images: Float[Tensor, "n 3 h w"]
    ) -> tuple[Float[Tensor, "n h w"], Float[Tensor, "n h w"] | None]:
        """Logits, and the weight of PET where there is attention."""
        mri, pet, weight = images[:, :1], images[:, 1:], None
        if self.kind in ("MRI", "PET", "early"):
            seen = {"MRI": mri, "PET": pet, "early": images}[self.kind]
            return self.head(self.trunk(seen))[:, 0], None
        a, b = self.mri(mri), self.pet(pet)
        if self.kind == "late":
            return (self.head(a) + self.pet_head(b))[:, 0], None
        if self.kind == "attention":
            both, weight = self.attention(a, b)
        else:
            both = torch.cat([a, b], dim=1)
        return self.head(self.trunk(both))[:, 0], weight


def parameter_count(network: nn.Module) -> int:
    """How many numbers are learned.

    Example:
        >>> generator = torch.Generator().manual_seed(0)
        >>> [parameter_count(FusionNet(kind, generator=generator)) for kind in ("MRI", "early")]
        [7265, 7553]
    """
    return sum(each.numel() for each in network.parameters() if each.requires_grad)
