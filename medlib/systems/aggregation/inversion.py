"""A patient's image out of a gradient, in closed form: where a linear layer meets the pixels.

This is why sending updates in place of data protects nobody by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["LinearInversion", "invert_linear", "label_of"]


@dataclass(frozen=True, eq=False)
class LinearInversion:
    """What a linear layer's gradient says of its inputs.

    Attributes:
        inputs: a row for each unit that was read, in the order of `units`.
        units: rows of the layer whose bias has a gradient, the strongest first.
    """

    inputs: Float[Tensor, "units features"]
    units: tuple[int, ...]


def invert_linear(
    weight_gradient: Float[Tensor, "units features"],
    bias_gradient: Float[Tensor, " biases"],
    *,
    relative_floor: float = 1e-6,
) -> LinearInversion:
    """The input of a linear layer with a bias, from the gradient of any loss.

        y = W x + b   ⇒   dL/dW_i = dL/dy_i · x,   dL/db_i = dL/dy_i   ⇒   x = dL/dW_i / dL/db_i

    For one example every row gives x itself. For a batch both gradients are sums over examples, and
    row i gives their mean weighted by each example's dL/dy_i: one image in the clear where unit i
    answered to one example only, a mixture otherwise. Weights may be negative.

    Args:
        weight_gradient: of the loss after W.
        bias_gradient: of the loss after b, one for each unit.
        relative_floor: units are left out whose bias gradient is smaller than this part of the
            largest: rounding is all that would be seen.

    Returns:
        One input for each unit left.

    Raises:
        ValueError: shapes that do not belong together, a gradient that is not finite, or a bias
            gradient that is zero throughout: no unit answered.

    Example:
        >>> layer, x = torch.nn.Linear(3, 2), torch.tensor([[0.5, -1.0, 2.0]])
        >>> loss = layer(x).square().sum()
        >>> found = invert_linear(*torch.autograd.grad(loss, layer.parameters()))
        >>> torch.allclose(found.inputs[0], x[0], atol=1e-5)
        True

    Source: Phong et al. 2018, doi:10.1109/TIFS.2017.2787987, section III; for any depth Geiping et
        al. 2020, proposition 3.1, doi:10.48550/arXiv.2003.14053.
    """
    if weight_gradient.shape[:1] != bias_gradient.shape:
        raise ValueError(
            f"weight gradient {tuple(weight_gradient.shape)} and bias gradient "
            f"{tuple(bias_gradient.shape)}; both have one row for each unit"
        )
    if not (weight_gradient.isfinite().all() and bias_gradient.isfinite().all()):
        raise ValueError("a gradient is not finite; nothing can be read from it")
    strength = bias_gradient.abs()
    if not strength.max() > 0:
        raise ValueError("the bias gradient is zero throughout: no unit of the layer answered")
    order = strength.argsort(descending=True, stable=True)
    units = order[strength[order] >= relative_floor * strength.max()]
    return LinearInversion(
        weight_gradient[units] / bias_gradient[units, None], tuple(units.tolist())
    )


def label_of(last_bias_gradient: Float[Tensor, " classes"]) -> int:
    """The class of the one example behind a gradient of the cross-entropy.

        dL/db_c = p_c - [c = label]

    Only the label's is negative.

    Args:
        last_bias_gradient: of the layer that gives the logits. Where it has no bias, the sum of
            each row of its weight's gradient serves after an activation that is never negative.

    Raises:
        ValueError: not exactly one is negative: more than one example, or another loss.

    Example:
        >>> label_of(torch.tensor([0.2, -0.9, 0.7]))
        1

    Source: Zhao et al. 2020 (iDLG), doi:10.48550/arXiv.2001.02610.
    """
    negative = torch.nonzero(last_bias_gradient < 0).flatten()
    if len(negative) != 1:
        raise ValueError(
            f"{len(negative)} of {len(last_bias_gradient)} entries are negative; the cross-entropy "
            "of one example leaves exactly one"
        )
    return int(negative[0])
