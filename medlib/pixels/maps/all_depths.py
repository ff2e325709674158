"""Grad-CAM of several layers of one network, by one forward and one backward pass for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Int
from torch import Tensor, nn

from medlib.pixels.maps.attribution import Attribution
from medlib.pixels.maps.layer_gradient import class_scores

__all__ = ["grad_cam_at"]


def grad_cam_at(
    network: nn.Module,
    images: Tensor,
    *,
    layers: Sequence[str],
    target: int | Int[Tensor, " batch"] | None = None,
) -> dict[str, Attribution]:
    """Return what `grad_cam` gives at each of the layers; the backward pass is walked but once.

    Args:
        network: in evaluation mode.
        images: (B, channels, height, width), preprocessed.
        layers: names of modules, e.g. ("stages.4", "stages.6"), each of which gives maps.
        target: the class c to explain, one for all or one an image; None = the winning class.

    Returns:
        Layer -> Attribution at the layer's resolution, higher = speaks more for the class.

    Raises:
        ValueError: no such layer, one that gives no map, or a network in training mode.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        ...                     nn.Flatten(), nn.Linear(4, 2)).eval()
        >>> found = grad_cam_at(net, torch.rand(5, 3, 8, 8), layers=("0", "1"), target=0)
        >>> {name: tuple(one.map.shape) for name, one in found.items()}
        {'0': (5, 6, 6), '1': (5, 6, 6)}

    Source: Selvaraju et al. (2017), doi:10.1109/ICCV.2017.74.
    """
    modules = dict(network.named_modules())
    if unknown := [layer for layer in layers if layer not in modules]:
        raise ValueError(
            f"the network has no layer {unknown[0]!r}; there are {', '.join(modules)[:300]}"
        )
    if network.training:
        raise ValueError("the network is in training mode: call network.eval() first")
    caught: dict[str, Tensor] = {}
    hooks = [modules[layer].register_forward_hook(_catcher(layer, caught)) for layer in layers]
    try:
        with torch.no_grad():  # up to the lowest layer; its hook turns gradients on
            scores, target = class_scores(network(images), target)
            if missing := [layer for layer in layers if layer not in caught]:
                raise ValueError(f"layer {missing[0]!r} was not used in the forward pass")
            gradients = torch.autograd.grad(scores.sum(), [caught[layer] for layer in layers])
    finally:
        for hook in hooks:
            hook.remove()
    scores = scores.detach()
    found = {}
    for layer, gradient in zip(layers, gradients, strict=True):
        alpha = gradient.mean(dim=(2, 3))
        maps = torch.einsum("bk,bkij->bij", alpha, caught[layer].detach()).clamp(min=0)
        found[layer] = Attribution(maps, signed=False, scores=scores, target=target)
    return found


def _catcher(layer: str, caught: dict[str, Tensor]) -> Callable:
    """A hook that keeps a layer's output, from which on gradients are taken; last call counts."""

    def catch(_module, _inputs, output):
        if not isinstance(output, Tensor) or output.ndim != 4:
            raise ValueError(f"layer {layer!r} does not give maps of shape (B, C, H, W)")
        caught[layer] = output if output.requires_grad else output.detach().requires_grad_()
        torch.set_grad_enabled(True)
        return caught[layer].clone()  # an activation in place must not overwrite what was caught

    return catch
