"""What a channel of a layer is worth to a score: found by deletion, and as gradients predict it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["ChannelEffect", "channel_effect"]


@dataclass(frozen=True, eq=False)
class ChannelEffect:
    """What each channel adds to the scores of a batch, by deletion and by three predictions.

    Attributes:
        deleted: (B, K), the score less that with the channel flat.
        mean_gradient: (B, K), Grad-CAM's α_k = mean_ij g^k_ij.
        mean_gradient_times_map: (B, K), α_k Σ_ij (A^k_ij - r_k).
        gradient_times_map: (B, K), Σ_ij g^k_ij (A^k_ij - r_k).
    """

    deleted: Float[Tensor, "batch channels"]
    mean_gradient: Float[Tensor, "batch channels"]
    mean_gradient_times_map: Float[Tensor, "batch channels"]
    gradient_times_map: Float[Tensor, "batch channels"]


def channel_effect(
    above: Callable[[Tensor], Tensor],
    maps: Float[Tensor, "batch channels height width"],
    *,
    resting: Float[Tensor, " given"],
    target: int,
    at_once: int = 64,
) -> ChannelEffect:
    r"""Make one channel after another flat, and note what the score loses.

    With $A^k_{ij} = r_k$ everywhere, deletion is $y(A) - y(A \text{ without } k)$; to first order
    it is $\sum_{ij} g^k_{ij} (A^k_{ij} - r_k)$, and exactly so where all above is linear.

    Args:
        above: the rest of the network, from the layer's maps to scores (batch, classes).
        maps: the layer's output for a few images.
        resting: r_k, what a channel is replaced by: its mean over many images and places.
        target: the class whose score is asked.
        at_once: how many channels go through `above` in one pass.

    Raises:
        ValueError: `resting` has not one value a channel.

    Example:
        >>> maps = torch.tensor([[[[1.0, 3.0]], [[2.0, 2.0]]]])
        >>> found = channel_effect(lambda a: a.mean((2, 3)) @ torch.tensor([[2.0], [1.0]]), maps,
        ...                        resting=torch.zeros(2), target=0)
        >>> found.deleted.tolist(), found.mean_gradient.tolist()
        ([[4.0, 2.0]], [[1.0, 0.5]])
    """
    if resting.shape != maps.shape[1:2]:
        raise ValueError(
            f"resting has shape {tuple(resting.shape)}: one value for each of the"
            f" {maps.shape[1]} channels"
        )
    maps = maps.detach().requires_grad_()
    with torch.enable_grad():
        scores = above(maps)[:, target]
        (gradient,) = torch.autograd.grad(scores.sum(), maps)
    maps = maps.detach()
    away = maps - resting[:, None, None]
    with torch.no_grad():
        deleted = [
            score
            - torch.cat(
                [
                    above(_without(one, channels, resting))[:, target]
                    for channels in torch.arange(len(one), device=one.device).split(at_once)
                ]
            )
            for one, score in zip(maps, scores.detach(), strict=True)
        ]
    alpha = gradient.mean(dim=(2, 3))
    return ChannelEffect(
        deleted=torch.stack(deleted),
        mean_gradient=alpha,
        mean_gradient_times_map=alpha * away.sum(dim=(2, 3)),
        gradient_times_map=(gradient * away).sum(dim=(2, 3)),
    )


def _without(one: Tensor, channels: Tensor, resting: Tensor) -> Tensor:
    """Copies of one image's maps, in each of which another of `channels` is flat."""
    copies = one.repeat(len(channels), 1, 1, 1)
    copies[torch.arange(len(channels)), channels] = resting[channels][:, None, None]
    return copies
