"""Gradient reversal: a layer that does nothing forwards, and turns the gradient round backwards."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["ganin_schedule", "reverse_gradient"]


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None


def reverse_gradient(
    values: Float[Tensor, "*shape"], *, strength: float = 1.0
) -> Float[Tensor, "*shape"]:
    r"""The same values; whoever lowers a loss of them raises it for all that came before.

    $$ R(f) = f, \qquad \frac{\partial R}{\partial f} = -\lambda I . $$

    Put between an encoder and a reader of the hospital: one backward pass of one loss teaches the
    reader to read, and the encoder to leave nothing to be read.

    Args:
        values: features, of any shape.
        strength: λ, >= 0; 0 stops the gradient.

    Raises:
        ValueError: a negative strength: two reversals make none.

    Example:
        >>> f = torch.tensor([2.0], requires_grad=True)
        >>> (reverse_gradient(f, strength=0.5) ** 2).sum().backward()
        >>> f.grad
        tensor([-2.])

    Source: Ganin and Lempitsky (2015), doi:10.48550/arXiv.1409.7495.
    """
    if not 0 <= strength < math.inf:
        raise ValueError(f"strength is {strength}; it must be finite and at least 0")
    return _Reversal.apply(values, strength)


def ganin_schedule(progress: float, *, final: float = 1.0, steepness: float = 10.0) -> float:
    r"""How strong the reversal is when a share p of the training is done: it grows from 0.

    $$ \lambda_p = \lambda \left( \frac{2}{1 + e^{-10 p}} - 1 \right) . $$

    Early the reader knows nothing, and its gradient is noise.

    Args:
        progress: p, share of the training that is done, 0..1.
        final: λ, towards which it grows; at p = 1 it is .9999 λ.
        steepness: 10 in the paper.

    Raises:
        ValueError: progress outside 0..1, or a negative strength or steepness.

    Example:
        >>> [round(ganin_schedule(p), 3) for p in (0, 0.1, 0.5, 1)]
        [0.0, 0.462, 0.987, 1.0]

    Source: Ganin and Lempitsky (2015), section 4.2, doi:10.48550/arXiv.1409.7495.
    """
    if not 0 <= progress <= 1:
        raise ValueError(f"progress is {progress}; it is the share of the training done, 0 to 1")
    if final < 0 or steepness <= 0:
        raise ValueError(f"final={final} (>= 0) and steepness={steepness} (> 0)")
    return final * (2 / (1 + math.exp(-steepness * progress)) - 1)
