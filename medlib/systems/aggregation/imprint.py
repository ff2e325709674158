"""Weights that a lying server hands out, so that a sum of gradients falls apart into patients.

Every unit of the first layer measures the same thing, the brightness of an image, and each answers
from another brightness on. Two neighbouring units differ by the patients who lie between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["imprint_", "read_imprint"]


@torch.no_grad()
def imprint_(first: nn.Linear, second: nn.Linear, *, edges: Sequence[float]) -> None:
    """Set a linear layer, a ReLU and the next linear layer for the attack, in place.

        unit i of the first layer:  relu(mean of the pixels - edge_i),   edges ascending
        the second layer: the same weight from every unit

    Args:
        first: sees the pixels; one unit for each edge.
        second: of the same number of inputs; its weights are small, so that answers stay likely.
        edges: of brightness, ascending.

    Raises:
        ValueError: layers and edges that do not belong together, or edges that do not ascend.

    Source: Fowl et al. 2022, section 3, doi:10.48550/arXiv.2110.13057.
    """
    if not first.out_features == second.in_features == len(edges):
        raise ValueError(
            f"{first.out_features} units, {second.in_features} inputs of the next layer and "
            f"{len(edges)} edges; one each"
        )
    if any(b <= a for a, b in pairwise(edges)):
        raise ValueError("edges must ascend: each unit answers from another brightness on")
    first.weight.fill_(1 / first.in_features)
    first.bias.copy_(-torch.tensor(list(edges)))
    signs = torch.where(torch.arange(second.out_features) % 2 == 0, 1.0, -1.0)
    second.weight.copy_((signs / second.in_features)[:, None].expand_as(second.weight))
    second.bias.zero_()


def read_imprint(
    weight_gradient: Float[Tensor, "units pixels"],
    bias_gradient: Float[Tensor, " biases"],
    *,
    relative_floor: float = 1e-6,
) -> Float[Tensor, "found pixels"]:
    """One image for each pair of neighbouring units that did not see the same patients.

        x = (dL/dW_i - dL/dW_(i+1)) / (dL/db_i - dL/db_(i+1))

    Where one patient lies between two edges, that patient; where several do, their mixture.

    Args:
        weight_gradient: of the first layer, summed over any number of patients.
        bias_gradient: of its bias.
        relative_floor: smaller differences, in parts of the largest, are rounding and left out.

    Raises:
        ValueError: shapes that do not belong together, or no unit answered.

    Example:
        >>> x = torch.tensor([[0.1, 0.3], [0.5, 0.9], [0.2, 0.4]])
        >>> first, second = nn.Linear(2, 3), nn.Linear(3, 2)
        >>> imprint_(first, second, edges=[0.0, 0.25, 0.5])
        >>> loss = nn.functional.cross_entropy(second(first(x).relu()), torch.tensor([0, 0, 1]))
        >>> got = torch.autograd.grad(loss, [first.weight, first.bias])
        >>> [[round(v, 3) for v in row] for row in read_imprint(*got).tolist()]
        [[0.1, 0.3], [0.2, 0.4], [0.5, 0.9]]

    Source: Fowl et al. 2022, section 3, doi:10.48550/arXiv.2110.13057.
    """
    if weight_gradient.shape[:1] != bias_gradient.shape:
        raise ValueError(
            f"weight gradient {tuple(weight_gradient.shape)} and bias gradient "
            f"{tuple(bias_gradient.shape)}; both have one row for each unit"
        )
    zero = torch.zeros_like(bias_gradient[:1])
    of_bias = torch.cat([bias_gradient, zero]).diff()
    of_weight = torch.cat([weight_gradient, zero.expand(1, weight_gradient.shape[1])]).diff(dim=0)
    if not of_bias.abs().max() > 0:
        raise ValueError("the bias gradient is zero throughout: no unit of the layer answered")
    kept = of_bias.abs() >= relative_floor * of_bias.abs().max()
    return of_weight[kept] / of_bias[kept, None]
