"""Grad-CAM, Grad-CAM++ and HiResCAM: which places of a layer's maps spoke for a class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from medlib.pixels.maps.attribution import Attribution
from medlib.pixels.maps.layer_gradient import LayerGradient, layer_gradient, layer_gradients

__all__ = ["grad_cam", "grad_cam_at", "grad_cam_plus_plus", "hires_cam"]


def grad_cam(
    network: nn.Module,
    images: Float[Tensor, "batch channels height width"],
    *,
    layer: str,
    target: int | Int[Tensor, " batch"] | None = None,
    signed: bool = False,
) -> Attribution:
    """Weigh a layer's maps by their mean gradient, add them up, and keep what is positive.

    α_k = mean_ij ∂y^c/∂A^k_ij,   L = ReLU(Σ_k α_k A^k).

    Args:
        network: in evaluation mode.
        images: preprocessed.
        layer: the module's name, e.g. "stages.4".
        target: the class c to explain, one for all or one an image; None = the winning class.
        signed: leave out the ReLU and keep the evidence against the class.

    Returns:
        Attribution at the layer's resolution, higher = speaks more for the class. It promises no
        sum, so its `completeness_gap` is None.

    Raises:
        ValueError: as `layer_gradient`.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        ...                     nn.Flatten(), nn.Linear(4, 2)).eval()
        >>> grad_cam(net, torch.rand(5, 3, 8, 8), layer="1", target=0).map.shape
        torch.Size([5, 6, 6])

    Source: Selvaraju et al. (2017), doi:10.1109/ICCV.2017.74.
    """
    found = layer_gradient(network, images, layer=layer, target=target)
    return _averaged(found, signed=signed)


def grad_cam_at(
    network: nn.Module,
    images: Float[Tensor, "batch channels height width"],
    *,
    layers: Sequence[str],
    target: int | Int[Tensor, " batch"] | None = None,
    signed: bool = False,
) -> dict[str, Attribution]:
    """Return what `grad_cam` gives at each of the layers; the backward pass is walked but once.

    Args, Raises: as `grad_cam`, with the names of several modules.

    Returns:
        Layer -> Attribution at the layer's resolution, higher = speaks more for the class.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        ...                     nn.Flatten(), nn.Linear(4, 2)).eval()
        >>> found = grad_cam_at(net, torch.rand(5, 3, 8, 8), layers=("0", "1"), target=0)
        >>> {name: tuple(one.map.shape) for name, one in found.items()}
        {'0': (5, 6, 6), '1': (5, 6, 6)}
    """
    found = layer_gradients(network, images, layers=layers, target=target)
    return {layer: _averaged(one, signed=signed) for layer, one in found.items()}


def grad_cam_plus_plus(
    network: nn.Module,
    images: Float[Tensor, "batch channels height width"],
    *,
    layer: str,
    target: int | Int[Tensor, " batch"] | None = None,
) -> Attribution:
    """Weigh maps by their positive gradients only, place by place: Grad-CAM++.

    With g = ∂y^c/∂A^k_ij of the logit, and exp(y^c) as the score that is smooth enough,
    w_k = Σ_ij a^k_ij ReLU(g),   a^k_ij = g² / (2 g² + Σ_ab A^k_ab g³),   L = ReLU(Σ_k w_k A^k).

    Args, Raises: as `grad_cam`.

    Returns:
        Attribution at the layer's resolution, higher = speaks more for the class; w_k leaves out
        the common factor exp(y^c), which changes no map's shape and would overflow.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        ...                     nn.Flatten(), nn.Linear(4, 2)).eval()
        >>> bool((grad_cam_plus_plus(net, torch.rand(2, 3, 8, 8), layer="1").map >= 0).all())
        True

    Source: Chattopadhay et al. (2018), eq. 19, doi:10.1109/WACV.2018.00097.
    """
    found = layer_gradient(network, images, layer=layer, target=target)
    g = found.gradients
    denominator = 2 * g**2 + found.maps.sum(dim=(2, 3), keepdim=True) * g**3
    share = torch.where(denominator != 0, g**2 / denominator, torch.zeros_like(g))
    return _weighted(found, (share * g.clamp(min=0)).sum(dim=(2, 3)), signed=False)


def hires_cam(
    network: nn.Module,
    images: Float[Tensor, "batch channels height width"],
    *,
    layer: str,
    target: int | Int[Tensor, " batch"] | None = None,
    signed: bool = False,
) -> Attribution:
    """Multiply each place's maps by that place's own gradient, without averaging it first.

    L_ij = ReLU(Σ_k ∂y^c/∂A^k_ij A^k_ij). Grad-CAM's mean lends every place the gradient of the
    others; below a plain mean and a linear layer the two agree.

    Args, Raises: as `grad_cam`.

    Returns:
        Attribution at the layer's resolution, higher = speaks more for the class.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        ...                     nn.Flatten(), nn.Linear(4, 2)).eval()
        >>> x = torch.rand(2, 3, 8, 8)
        >>> mean_first = grad_cam(net, x, layer="1", target=0).map
        >>> bool(torch.allclose(hires_cam(net, x, layer="1", target=0).map, mean_first, atol=1e-6))
        True

    Source: Draelos and Carin (2020), doi:10.48550/arXiv.2011.08891.
    """
    found = layer_gradient(network, images, layer=layer, target=target)
    maps = (found.gradients * found.maps).sum(dim=1)
    maps = maps if signed else maps.clamp(min=0)
    return Attribution(maps, signed=signed, scores=found.scores, target=found.target)


def _averaged(found: LayerGradient, *, signed: bool) -> Attribution:
    return _weighted(found, found.gradients.mean(dim=(2, 3)), signed=signed)


def _weighted(
    found: LayerGradient, weights: Float[Tensor, "batch channels"], *, signed: bool
) -> Attribution:
    maps = torch.einsum("bk,bkij->bij", weights, found.maps)
    maps = maps if signed else maps.clamp(min=0)
    return Attribution(maps, signed=signed, scores=found.scores, target=found.target)
