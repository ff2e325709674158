"""A patient's image out of a gradient, by search: which image would have given this gradient?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

__all__ = ["Reconstruction", "gradient_of", "match_gradient", "parted"]

DISTANCES = ("cosine", "squared")

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """The image whose gradient came nearest.

    Attributes:
        images: as asked for, in `box` where one was given.
        mismatch: distance of its gradient from the observed one; 0 = the same, and for "cosine"
            1 = nothing in common.
        steps: that were taken.
        objective: the mismatch and the penalty on roughness together: of several starts of one
            search the one with the least counts.
    """

    images: Float[Tensor, "batch channels height width"]
    mismatch: float
    steps: int
    objective: float


def gradient_of(
    model: nn.Module,
    loss: Loss,
    images: Float[Tensor, "batch channels height width"],
    labels: Int[Tensor, " batch"],
    *,
    differentiable: bool = False,
) -> tuple[Tensor, ...]:
    """The gradient of a loss after the model's parameters: what a hospital would send.

    Args:
        model: any; its own state stays as it is.
        loss: of (logits, labels), giving one number.
        images: its input.
        labels: classes.
        differentiable: keep the way back to the images.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    return torch.autograd.grad(loss(model(images), labels), parameters, create_graph=differentiable)


def parted(vector: Float[Tensor, " n"], *, like: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """A long vector cut into the shapes of parameters: an update as the server holds it.

    Raises:
        ValueError: another number of values.

    Example:
        >>> [tuple(p.shape) for p in parted(torch.zeros(5), like=[torch.ones(2, 2), torch.ones(1)])]
        [(2, 2), (1,)]
    """
    sizes = [one.numel() for one in like]
    if sum(sizes) != len(vector):
        raise ValueError(f"{len(vector)} values; the parameters hold {sum(sizes)}")
    pieces = vector.split(sizes)
    return tuple(piece.reshape(one.shape) for piece, one in zip(pieces, like, strict=True))


def match_gradient(
    observed: Sequence[Tensor],
    *,
    model: nn.Module,
    loss: Loss,
    labels: Int[Tensor, " batch"],
    shape: tuple[int, int, int],
    steps: int,
    generator: torch.Generator,
    distance: str = "cosine",
    smoothness: float = 0.0,
    rate: float = 0.1,
    box: tuple[float, float] | None = None,
) -> Reconstruction:
    """Search the images whose gradient is nearest to an observed one.

        minimise over x:   d(∇L(x, labels), observed) + smoothness · TV(x)

    "cosine", with Adam on the gradient's signs, is Geiping et al.'s; "squared", with L-BFGS, is the
    first of these attacks, by Zhu et al. The search knows nothing but what it is given: pointed at
    a masked update it minimises as well, and finds an image of nobody. Give it double floats: near
    its end the cosine's distance falls below what single ones resolve, and an early image would be
    kept.

    Args:
        observed: a gradient for each parameter of the model that is trained.
        model: as it was when the gradient was taken; smooth activations help.
        loss: of (logits, labels).
        labels: of the images; for one image `inversion.label_of` reads it.
        shape: (channels, height, width) of one image.
        steps: of the optimiser, at least 1.
        generator: draws where the search starts; a CPU generator.
        distance: "cosine" or "squared".
        smoothness: weight of the total variation, the mean absolute difference of neighbours.
        rate: of the optimiser's steps: about 0.1 for "cosine", 1 for "squared".
        box: least and largest value of a pixel, if known.

    Returns:
        The image with the least objective on the way.

    Raises:
        ValueError: gradients that do not fit the model or are not finite, an unknown distance, or
            no steps.

    Source: Geiping et al. 2020, doi:10.48550/arXiv.2003.14053; Zhu, Liu and Han 2019,
        doi:10.48550/arXiv.1906.08935.
    """
    trained = [p for p in model.parameters() if p.requires_grad]
    if [tuple(o.shape) for o in observed] != [tuple(p.shape) for p in trained]:
        raise ValueError(
            f"{len(observed)} gradients of {sum(o.numel() for o in observed)} values; the model "
            f"has {len(trained)} trained parameters of {sum(p.numel() for p in trained)}"
        )
    if not all(o.isfinite().all() for o in observed):
        raise ValueError("an observed gradient is not finite")
    if distance not in DISTANCES or steps < 1:
        raise ValueError(f"distance {distance!r}, steps {steps}; one of {DISTANCES}, at least 1")
    target = [o.detach() for o in observed]
    start = torch.randn(len(labels), *shape, generator=generator, dtype=target[0].dtype)
    if box is not None:
        start = start.clamp(*box)
    images = start.to(target[0].device).requires_grad_()
    best = (float("inf"), float("inf"), images.detach().clone())  # objective, mismatch, images

    def objective() -> Tensor:
        nonlocal best
        images.grad = None
        found = gradient_of(model, loss, images, labels, differentiable=True)
        mismatch = _distance(found, target, distance)
        value = mismatch + smoothness * _total_variation(images)
        if float(value.detach()) < best[0]:
            best = (float(value.detach()), float(mismatch.detach()), images.detach().clone())
        (images.grad,) = torch.autograd.grad(value, images)
        if distance == "cosine":
            images.grad.sign_()
        return value.detach()

    if distance == "cosine":
        optimiser: torch.optim.Optimizer = torch.optim.Adam([images], lr=rate)
        # Geiping's schedule: a tenth of the rate after 3/8, 5/8 and 7/8 of the way
        milestones = [steps * k // 8 for k in (3, 5, 7)]
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, milestones)
    else:
        optimiser = torch.optim.LBFGS([images], lr=rate, max_iter=1, history_size=50)
        schedule = torch.optim.lr_scheduler.ConstantLR(optimiser, factor=1.0)
    for _ in range(steps):
        optimiser.step(objective)
        schedule.step()
        if box is not None:
            with torch.no_grad():
                images.clamp_(*box)
    objective()
    return Reconstruction(best[2], best[1], steps, best[0])


def _distance(found: Sequence[Tensor], target: Sequence[Tensor], distance: str) -> Tensor:
    """Of two gradients, over all parameters together."""
    if distance == "squared":
        return sum(((f - t) ** 2).sum() for f, t in zip(found, target, strict=True))
    inner = sum((f * t).sum() for f, t in zip(found, target, strict=True))
    lengths = sum((f * f).sum() for f in found) * sum((t * t).sum() for t in target)
    return 1 - inner / lengths.clamp_min(1e-30).sqrt()


def _total_variation(images: Tensor) -> Tensor:
    """Mean absolute difference of neighbours, along rows and along columns."""
    down = (images[..., 1:, :] - images[..., :-1, :]).abs().mean()
    across = (images[..., :, 1:] - images[..., :, :-1]).abs().mean()
    return down + across
