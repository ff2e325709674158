"""The loss of two answers, from the probability of both: a weighted sum of two cross-entropies."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

__all__ = ["TwoLosses", "two_losses"]


@dataclass(frozen=True, eq=False)
class TwoLosses:
    """Negative log-likelihoods of a batch, in nats: means over images.

    Attributes:
        of_class: -ln p(y | x).
        of_mask: -ln p(S | x), the sum over the image's pixels.
        n_pixels: of an image.
    """

    of_class: Float[Tensor, ""]
    of_mask: Float[Tensor, ""]
    n_pixels: int

    @property
    def of_pixel(self) -> Float[Tensor, ""]:
        """The mask's loss as a *mean* over pixels, as libraries give it."""
        return self.of_mask / self.n_pixels

    def joint(self) -> Float[Tensor, ""]:
        r"""-ln p(S, y | x) of an image: the sum of the two, each with weight one.

        $p(S, y \mid x) = p(S \mid x)\,p(y \mid x)$ holds if, given the image, mask and class are
        independent, and $p(S \mid x) = \prod_i p(S_i \mid x)$ if pixels are.
        """
        return self.of_class + self.of_mask

    def weighted(self, weight: float | Tensor) -> Float[Tensor, ""]:
        """The class's loss and `weight` times that of a pixel.

        The joint likelihood is the weight `n_pixels`; what libraries do by default is 1.
        """
        return self.of_class + weight * self.of_pixel


def two_losses(
    class_scores: Float[Tensor, "batch classes"],
    pixel_scores: Float[Tensor, "batch 1 height width"],
    *,
    labels: Int[Tensor, " images"],
    masks: Bool[Tensor, "with_masks 1 height width"],
) -> TwoLosses:
    """Both losses of a batch.

    Args:
        class_scores: before the softmax.
        pixel_scores: before the sigmoid.
        labels: of each image.
        masks: of each image.

    Raises:
        ValueError: as many scores, labels and masks are needed.

    Example:
        >>> import torch
        >>> even = two_losses(torch.zeros(1, 2), torch.zeros(1, 1, 2, 2), labels=torch.tensor([0]),
        ...                   masks=torch.ones(1, 1, 2, 2, dtype=torch.bool))
        >>> round(even.of_class.item(), 4), round(even.of_mask.item(), 4)
        (0.6931, 2.7726)
    """
    if not len(class_scores) == len(pixel_scores) == len(labels) == len(masks):
        raise ValueError(
            f"{len(class_scores)} scores of classes, {len(pixel_scores)} of pixels, {len(labels)}"
            f" labels and {len(masks)} masks: one of each an image"
        )
    pixels = F.binary_cross_entropy_with_logits(pixel_scores, masks.float(), reduction="sum")
    n_pixels = pixel_scores[0].numel()
    return TwoLosses(F.cross_entropy(class_scores, labels), pixels / len(masks), n_pixels)
