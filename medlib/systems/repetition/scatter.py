"""Gradients that many threads add to one place: who comes first is not decided by any seed."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from medlib.systems.repetition.switches import Switches, switched

__all__ = ["Repeated", "repeated_gradients"]


@dataclass(frozen=True)
class Repeated:
    """What the same gradient was, each time it was computed.

    Attributes:
        digests: sha256 of its bytes, one a repeat.
        seconds: of wall clock, of one repeat on average.
        largest_difference: of any number in any repeat from the first one's.
    """

    digests: tuple[str, ...]
    seconds: float
    largest_difference: float

    @property
    def distinct(self) -> int:
        """How many different results there were."""
        return len(set(self.digests))


def repeated_gradients(
    values: Float[Tensor, " places"],
    places: Int[Tensor, " n"],
    upstream: Float[Tensor, " gradients"],
    *,
    switches: Switches,
    repeats: int,
) -> Repeated:
    r"""The gradient of reading values at places, computed again and again.

    What is read at place :math:`p_k` is multiplied by :math:`u_k` and summed, so that the gradient
    of value i is :math:`g_i = \sum_{k: p_k = i} u_k`. All that fall on one place are added up, by
    several threads, in the order in which they happen to arrive.

    Args:
        values: what is read from.
        places: indices into it; many the same.
        upstream: what arrives from the loss for each of them.
        switches: how to compute.
        repeats: how often, 2 or more.

    Raises:
        ValueError: fewer than two repeats, or places and upstream differ in number.

    Example:
        >>> import torch
        >>> places = torch.tensor([0, 0, 1])
        >>> again = repeated_gradients(torch.zeros(2), places, torch.ones(3),
        ...                            switches=Switches(), repeats=2)
        >>> again.distinct, again.largest_difference
        (1, 0.0)
    """
    if repeats < 2 or len(places) != len(upstream):
        raise ValueError(
            f"repeats is {repeats} (2 or more), with {len(places)} places and"
            f" {len(upstream)} gradients (as many)"
        )
    found: list[Tensor] = []
    with switched(switches):
        begun = time.perf_counter()
        for _ in range(repeats):
            own = values.detach().clone().requires_grad_()
            own[places].backward(upstream)
            found.append(own.grad)
        seconds = (time.perf_counter() - begun) / repeats
    digests = tuple(hashlib.sha256(each.numpy().tobytes()).hexdigest() for each in found)
    furthest = max(float((each - found[0]).abs().max()) for each in found)
    return Repeated(digests, seconds, furthest)
