"""Integrated gradients: share out a score over the pixels so that the shares add up to it."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from medlib.pixels.maps.attribution import Attribution
from medlib.pixels.maps.layer_gradient import class_scores

__all__ = ["integrated_gradients"]


def integrated_gradients(
    network: nn.Module,
    images: Float[Tensor, "batch channels height width"],
    *,
    baseline: Tensor,
    steps: int = 32,
    target: int | Int[Tensor, " batch"] | None = None,
) -> Attribution:
    """Add up the gradient on the straight way from a baseline x' to the image x.

    IG_i = (x_i - x'_i) ∫_0^1 ∂y^c/∂x_i (x' + t (x - x')) dt, by Gauss-Legendre quadrature;
    Σ_i IG_i = y^c(x) - y^c(x') if the integral is exact.

    Args:
        network: in evaluation mode.
        images: x, preprocessed.
        baseline: x', what "nothing there" looks like; broadcast over the images.
        steps: points of the quadrature; the passes that it costs.
        target: the class c; None = each image's winning class.

    Returns:
        Attribution at the pixels, summed over colours, signed: higher = speaks more for the class;
        `completeness_gap` = Σ_i IG_i - (y^c(x) - y^c(x')), the quadrature's own error.

    Raises:
        ValueError: steps below 1, training mode, or a baseline that does not broadcast.

    Example:
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).eval()
        >>> x = torch.rand(3, 1, 2, 2)
        >>> found = integrated_gradients(net, x, baseline=torch.zeros(1), steps=1)
        >>> bool(found.completeness_gap.abs().max() < 1e-6)  # one point is exact for a linear map
        True

    Source: Sundararajan, Taly and Yan (2017), doi:10.48550/arXiv.1703.01365.
    """
    if steps < 1:
        raise ValueError(f"steps={steps}: the quadrature needs at least 1 point")
    if network.training:
        raise ValueError("the network is in training mode: call network.eval() first")
    try:
        baseline = baseline.to(images).expand_as(images)
    except RuntimeError as error:
        raise ValueError(
            f"baseline of shape {tuple(baseline.shape)} does not broadcast to images of shape "
            f"{tuple(images.shape)}"
        ) from error
    with torch.no_grad():
        scores, target = class_scores(network(images), target)
        start, _ = class_scores(network(baseline), target)
    points, weights = np.polynomial.legendre.leggauss(steps)  # on [-1, 1]
    mean_gradient = torch.zeros_like(images)
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        at = (baseline + point * (images - baseline)).requires_grad_()
        with torch.enable_grad():
            score, _ = class_scores(network(at), target)
            (gradient,) = torch.autograd.grad(score.sum(), at)
        mean_gradient += weight * gradient
    shares = (images - baseline) * mean_gradient
    gap = shares.double().sum(dim=(1, 2, 3)) - (scores.double() - start.double())
    return Attribution(
        shares.sum(dim=1), signed=True, scores=scores, target=target, completeness_gap=gap.float()
    )
