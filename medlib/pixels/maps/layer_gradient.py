"""A layer's maps A and the gradient of a class score with respect to them, caught by a hook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

__all__ = ["LayerGradient", "class_scores", "layer_gradient", "layer_gradients"]


@dataclass(frozen=True, eq=False)
class LayerGradient:
    """One forward and the upper part of one backward pass.

    Attributes:
        maps: A, what the layer gave.
        gradients: ∂y^c/∂A, of the same shape.
        scores: y^c, one logit an image.
        target: c, one class an image.
    """

    maps: Float[Tensor, "batch channels height width"]
    gradients: Float[Tensor, "batch channels height width"]
    scores: Float[Tensor, " batch"]
    target: Int[Tensor, " batch"]


def class_scores(
    logits: Float[Tensor, "batch classes"], target: int | Int[Tensor, " batch"] | None
) -> tuple[Float[Tensor, " batch"], Int[Tensor, " batch"]]:
    """Return each image's logit of its target class, and the target; None = the winning class.

    Raises:
        ValueError: a class that the network does not have.

    Example:
        >>> scores, target = class_scores(torch.tensor([[1.0, 3.0], [5.0, 2.0]]), None)
        >>> scores.tolist(), target.tolist()
        ([3.0, 5.0], [1, 0])
    """
    if target is None:
        target = logits.argmax(dim=1)
    target = torch.as_tensor(target, device=logits.device).expand(len(logits))
    if bool((target < 0).any() | (target >= logits.shape[1]).any()):
        wrong = sorted(set(target.tolist()) - set(range(logits.shape[1])))
        raise ValueError(
            f"target class {wrong[0]}; the network has classes 0..{logits.shape[1] - 1}"
        )
    return logits.gather(1, target[:, None])[:, 0], target


def layer_gradient(
    network: nn.Module,
    images: Float[Tensor, "batch channels height width"],
    *,
    layer: str,
    target: int | Int[Tensor, " batch"] | None = None,
) -> LayerGradient:
    """Return a layer's output A^k_ij and ∂y^c/∂A^k_ij for every image of the batch.

    Nothing below the layer is differentiated, and no parameter's gradient is touched. Where a
    module is called several times in a forward pass, its last call counts.

    Args:
        network: in evaluation mode, in which images do not influence each other.
        images: preprocessed.
        layer: the module's name in `network.named_modules()`, e.g. "stages.4".
        target: c, one for all or one an image; None = each image's winning class.

    Raises:
        ValueError: no such layer, training mode, or a layer whose output is not a map.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(8, 3)).eval()
        >>> found = layer_gradient(net, torch.zeros(1, 1, 2, 2), layer="0", target=2)
        >>> torch.equal(found.gradients.flatten(), net[2].weight[2])
        True
    """
    return layer_gradients(network, images, layers=(layer,), target=target)[layer]


def layer_gradients(
    network: nn.Module,
    images: Float[Tensor, "batch channels height width"],
    *,
    layers: Sequence[str],
    target: int | Int[Tensor, " batch"] | None = None,
) -> dict[str, LayerGradient]:
    """Return what `layer_gradient` gives of each layer; the backward pass is walked but once.

    Args, Raises: as `layer_gradient`, with the names of several modules.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)).eval()
        >>> found = layer_gradients(net, torch.ones(1, 1, 2, 2), layers=("0", "1"), target=2)
        >>> torch.equal(found["1"].gradients.flatten(), net[3].weight[2])
        True
    """
    modules = dict(network.named_modules())
    if unknown := [layer for layer in layers if layer not in modules]:
        raise ValueError(
            f"the network has no layer {unknown[0]!r}; there are {', '.join(modules)[:300]}"
        )
    if network.training:
        raise ValueError(
            "the network is in training mode, where batch normalisation mixes the images of a "
            "batch: call network.eval() first"
        )
    caught: dict[str, Tensor] = {}
    hooks = [modules[layer].register_forward_hook(_catcher(layer, caught)) for layer in layers]
    try:
        with torch.no_grad():  # up to the lowest layer; its hook turns gradients on
            logits = network(images)
            if missing := [layer for layer in layers if layer not in caught]:
                raise ValueError(f"layer {missing[0]!r} was not used in the forward pass")
            scores, target = class_scores(logits, target)
            # images do not mix, so the gradient of the sum holds each image's own
            gradients = torch.autograd.grad(scores.sum(), [caught[layer] for layer in layers])
    finally:
        for hook in hooks:
            hook.remove()
    return {
        layer: LayerGradient(caught[layer].detach(), gradient, scores.detach(), target)
        for layer, gradient in zip(layers, gradients, strict=True)
    }


def _catcher(layer: str, caught: dict[str, Tensor]) -> Callable:
    """A hook that keeps a layer's output, from which on gradients are taken; last call counts."""

    def catch(_module, _inputs, output):
        if not isinstance(output, Tensor) or output.ndim != 4:
            raise ValueError(f"layer {layer!r} does not give maps of shape (B, C, H, W)")
        caught[layer] = output if output.requires_grad else output.detach().requires_grad_()
        torch.set_grad_enabled(True)
        return caught[layer].clone()  # an activation in place must not overwrite what was caught

    return catch
