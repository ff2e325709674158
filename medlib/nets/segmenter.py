"""A U-Net that marks one thing in an image, fitted under the loss that a chapter asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from monai.losses import DiceCELoss, DiceLoss, TverskyLoss
from monai.networks.nets import UNet
from torch import Tensor, nn
from torch.nn import functional as F

from medlib.nets.batches import sampler
from medlib.nets.global_draws import global_draws_from
from medlib.nets.training import OneCycle, device_of, train

__all__ = ["PIXEL_LOSSES", "PixelLoss", "Segmenter", "fit_segmenter", "pixel_probabilities"]


@dataclass(frozen=True)
class PixelLoss:
    """A loss of masks, and the score at which a network under it should begin.

    Attributes:
        of: of (logits, masks), both (batch, 1, height, width), a scalar.
        first_logit: what the last layer adds to every pixel before the first step. Lesions fill few
            pixels in a thousand: cross-entropy wants a network that knows so, and an overlap one
            that marks something, or it never meets a lesion.
    """

    of: Callable[[Tensor, Tensor], Tensor]
    first_logit: float


@dataclass(frozen=True, eq=False)
class Segmenter:
    """A fitted network, which gives logits.

    Attributes:
        network: at the step that validated best.
        validation_loss: there.
        best_step: counted from 1.
    """

    network: nn.Module
    validation_loss: float
    best_step: int


# Overlaps are taken over the batch, not image by image: an image without a lesion has none.
PIXEL_LOSSES = {
    "cross-entropy": PixelLoss(F.binary_cross_entropy_with_logits, first_logit=-6.0),
    "Dice": PixelLoss(DiceLoss(sigmoid=True, batch=True), first_logit=-2.0),
    "Dice and cross-entropy": PixelLoss(DiceCELoss(sigmoid=True, batch=True), first_logit=-2.0),
    "Tversky": PixelLoss(
        TverskyLoss(sigmoid=True, batch=True, alpha=0.1, beta=0.9), first_logit=-2.0
    ),
}
"""Cross-entropy; 1 - 2 TP / (2 TP + FP + FN), after Milletari et al. (2016),
doi:10.1109/3DV.2016.79, who square the probabilities; the sum of both, as nnU-Net learns (Isensee
et al. 2021, doi:10.1038/s41592-020-01008-z); and 1 - TP / (TP + 0.1 FP + 0.9 FN), one less the F
measure of beta 3, to which a missed pixel is worth nine invented ones (Salehi et al. 2017,
doi:10.1007/978-3-319-67389-9_44). TP, FP and FN are sums of probabilities."""


def fit_segmenter(
    images: Float[Tensor, "n 1 height width"],
    masks: Bool[Tensor, "same_n 1 same_height same_width"],
    *,
    validation: tuple[Float[Tensor, "m 1 h w"], Bool[Tensor, "same_m 1 same_h same_w"]],
    loss: PixelLoss,
    steps: int,
    generator: torch.Generator,
    peak_rate: float = 2e-3,
    batch_size: int = 8,
    every: int = 100,
) -> Segmenter:
    """Fit MONAI's U-Net of three scales, and keep the weights whose validation loss is least.

    Every image of a batch is mirrored left to right with probability one half. AdamW under one
    cycle of the rate. Each network is validated by the loss that it learns.

    Args:
        images: of one channel, about zero mean and unit variance; sides are multiples of 4.
        masks: True where the thing is.
        validation: images and masks of others.
        loss: one of `PIXEL_LOSSES`, or your own.
        steps: optimiser steps.
        generator: draws first weights, batches and mirrors; a CPU generator.
        peak_rate: highest learning rate.
        batch_size: images a step; at most n.
        every: steps between validations.

    Raises:
        ValueError: images and masks differ in shape, or a side is no multiple of 4.

    Example:
        >>> images, masks = torch.zeros(2, 1, 8, 8), torch.ones(2, 1, 8, 8, dtype=torch.bool)
        >>> fitted = fit_segmenter(
        ...     images, masks, validation=(images, masks), loss=PIXEL_LOSSES["Dice"], steps=1,
        ...     batch_size=2, generator=torch.Generator().manual_seed(0))
        >>> fitted.network(images).shape, 0 < fitted.validation_loss < 1
        (torch.Size([2, 1, 8, 8]), True)

    Source: Ronneberger et al. (2015), doi:10.1007/978-3-319-24574-4_28.
    """
    for some, theirs in ((images, masks), validation):
        if some.shape != theirs.shape or some.ndim != 4 or some.shape[1] != 1:
            raise ValueError(
                f"images {tuple(some.shape)} and masks {tuple(theirs.shape)} must both be (n, 1,"
                " height, width)"
            )
        if any(side % 4 for side in some.shape[2:]):
            raise ValueError(f"sides {tuple(some.shape[2:])} must be multiples of 4: pad them")
    device = images.device
    with global_draws_from(generator):
        network = UNet(
            spatial_dims=2, in_channels=1, out_channels=1, channels=(16, 32, 64), strides=(2, 2)
        )
    nn.init.constant_(_last_bias(network), loss.first_logit)
    network = network.to(device)
    draw = sampler((images, masks), batch_size=batch_size, generator=generator)

    def mirrored(generator: torch.Generator) -> tuple[Tensor, Tensor]:
        x, y = draw()
        turn = (torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5).to(device)
        return torch.where(turn, x.flip(-1), x), torch.where(turn, y.flip(-1), y).float()

    def validate(network: nn.Module) -> float:
        logits = torch.cat([network(part.to(device)) for part in validation[0].split(32)])
        return float(loss.of(logits, validation[1].to(device).float()))

    optimizer, schedule = OneCycle(peak_rate=peak_rate).start(network.parameters(), steps=steps)
    history = train(
        network,
        lambda model, batch: loss.of(model(batch[0]), batch[1]),
        mirrored,
        steps=steps,
        optimizer=optimizer,
        schedule=schedule,
        generator=generator,
        validate=validate,
        every=every,
        progress="segmenter",
    )
    return Segmenter(network, min(history.validation_loss), history.best_step)


@torch.no_grad()
def pixel_probabilities(
    network: nn.Module, images: Float[Tensor, "n 1 height width"], *, batch_size: int = 32
) -> Float[Tensor, "n height width"]:
    """Return the probability of every pixel, on the CPU, in double precision.

    A network that is very sure has logits beyond 17, where single precision knows only one.

    Example:
        >>> pixel_probabilities(nn.Conv2d(1, 1, 1), torch.zeros(3, 1, 8, 8)).shape
        torch.Size([3, 8, 8])
    """
    device = device_of(network)
    parts = [network(part.to(device)).double().sigmoid().cpu() for part in images.split(batch_size)]
    return torch.cat(parts)[:, 0]


def _last_bias(network: nn.Module) -> Tensor:
    """The bias of the last layer that has one."""
    return [value for name, value in network.named_parameters() if name.endswith("bias")][-1]
