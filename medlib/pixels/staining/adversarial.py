"""A painter against its critic: the loss of both, and one step of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn


def least_squares_loss(scores: Float[Tensor, "*shape"], *, real: bool) -> Tensor:
    """Mean (D - 1)² where the critic should say real, mean D² where it should say made.

    Args:
        scores: the critic's map.
        real: which of the two is wanted.

    Returns:
        Scalar; 0 = the critic says just that.

    Example:
        >>> float(least_squares_loss(torch.full((2, 1), 0.5), real=True))
        0.25

    Source: Mao et al. 2017, doi:10.1109/ICCV.2017.304.
    """
    return ((scores - 1) ** 2).mean() if real else (scores**2).mean()


def adam(networks: Iterable[nn.Module], *, rate: float) -> torch.optim.Adam:
    """Adam with betas (0.5, 0.999), as is usual where two networks play against each other."""
    parameters = [p for network in networks for p in network.parameters()]
    return torch.optim.Adam(parameters, lr=rate, betas=(0.5, 0.999))


def set_rate(optimizer: torch.optim.Optimizer, rate: float, *, step: int, steps: int) -> None:
    """The full rate for the first half, then linearly down to 0; `step` counts from 1."""
    for group in optimizer.param_groups:
        group["lr"] = rate * min(1.0, 2 * (1 - (step - 1) / steps))


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step; gradients that the other players' steps left behind are dropped first."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def finite(terms: Mapping[str, Tensor], *, step: int) -> dict[str, float]:
    """The terms of a loss as numbers.

    Raises:
        FloatingPointError: one is not finite; the message names it and the step.
    """
    numbers = {name: float(value.detach()) for name, value in terms.items()}
    bad = [name for name, value in numbers.items() if not abs(value) < float("inf")]
    if bad:
        raise FloatingPointError(f"the term {bad[0]} is {numbers[bad[0]]} at step {step}")
    return numbers
