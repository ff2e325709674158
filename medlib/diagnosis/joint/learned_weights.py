"""Weights of several losses, learned with the network, as the inverse of each task's variance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["LearnedWeights"]


class LearnedWeights(nn.Module):
    r"""L = Σ_i exp(-s_i) L_i + s_i / 2, with s_i = ln σ_i² learned.

    A task's loss is divided by the variance that the model grants it, and the logarithm keeps that
    variance from growing for ever. For given losses the least value is at $e^{s_i} = 2 L_i$, where
    the sum is $\frac12 \sum_i (1 + \ln 2 L_i)$: weights come to $1/(2 L_i)$, so that a loss near
    zero, that of memorised labels too, gets all the weight.

    For classes, to divide the cross-entropy by a variance is an approximation: the exact form has
    a softmax of scores divided by it, and both are one where the variance is.

    Args:
        tasks: how many losses.
        first_log_variance: where each s_i begins; all at 0 without. Of a loss that is a mean over
            n things, a beginning at -ln n makes it their sum.

    Example:
        >>> weights = LearnedWeights(2)
        >>> weights([torch.tensor(0.5), torch.tensor(2.0)]).item()
        2.5
        >>> weights.weights().tolist()
        [1.0, 1.0]

    Source: Kendall et al. (2018), doi:10.1109/CVPR.2018.00781, eq. 10 for classification.
    """

    def __init__(self, tasks: int, *, first_log_variance: Sequence[float] | None = None):
        super().__init__()
        if tasks < 1:
            raise ValueError(f"tasks = {tasks}: at least one loss is weighted")
        first = [0.0] * tasks if first_log_variance is None else list(first_log_variance)
        if len(first) != tasks:
            raise ValueError(f"{tasks} tasks, but {len(first)} first log variances")
        self.log_variance = nn.Parameter(torch.tensor(first, dtype=torch.float32))

    def forward(self, losses: Sequence[Float[Tensor, ""]]) -> Float[Tensor, ""]:
        if len(losses) != len(self.log_variance):
            raise ValueError(f"{len(losses)} losses, but {len(self.log_variance)} weights")
        weighted = torch.stack(list(losses)) * torch.exp(-self.log_variance)
        return (weighted + self.log_variance / 2).sum()

    def weights(self) -> Float[Tensor, " tasks"]:
        """exp(-s_i), apart from the graph."""
        return torch.exp(-self.log_variance.detach())
