"""Whether two tasks pull the shared weights the same way: the cosine between their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["Pull", "pull_of"]


@dataclass(frozen=True)
class Pull:
    """Lengths of two gradients, and the cosine between them; nan where one has no length."""

    first_norm: float
    second_norm: float
    cosine: float


def pull_of(
    first: Float[Tensor, ""], second: Float[Tensor, ""], *, shared: Sequence[Tensor]
) -> Pull:
    """Compare the gradients of two losses with respect to the weights that they share.

    Both graphs are kept, so that a step can still be made.

    Args:
        first, second: scalar losses.
        shared: the weights, such as the encoder's.

    Raises:
        ValueError: no shared weights.

    Example:
        >>> w = torch.tensor([1.0, 1.0], requires_grad=True)
        >>> pull_of(w[0] ** 2, w.sum(), shared=[w])  # doctest: +ELLIPSIS
        Pull(first_norm=2.0, second_norm=1.4142135381698608, cosine=0.707106...)

    Source: Du et al. (2018), doi:10.48550/arXiv.1812.02224.
    """
    weights = list(shared)
    if not weights:
        raise ValueError("shared holds no weights: hand in the encoder's parameters")
    flat = []
    for loss in (first, second):
        parts = torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True)
        flat.append(
            torch.cat(
                [
                    (torch.zeros_like(w) if part is None else part).flatten()
                    for w, part in zip(weights, parts, strict=True)
                ]
            )
        )
    norms = [float(gradient.norm()) for gradient in flat]
    inner = float(flat[0] @ flat[1])
    return Pull(*norms, inner / (norms[0] * norms[1]) if all(norms) else float("nan"))
