"""An error that allows for misregistration: of all small shifts of the answer, the best one counts.

Least squares over displaced answers aims at their mean, a blur. If each answer may first be moved
to where it fits best, a sharp image costs less than a blurred one.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def forgiving_error(
    made: Float[Tensor, "n channels height width"],
    answer: Float[Tensor, "n channels height width"],
    *,
    reach_px: int,
) -> Tensor:
    r"""Mean over the pairs of $\min_{|d| \le r} \overline{|f(x) - y(\cdot + d)|}$.

    d runs over whole pixels along both axes, and is chosen for each pair by itself. Only the inside
    of `made`, r away from the edges, is compared: there every shift has an answer. A constant
    shift of *all* that is made, within r, goes unpunished, and patches that are turned at random,
    input and answer alike, do not change that: check against an answer that is in its place.

    Args:
        made: what the network paints.
        answer: what it was told, somewhat displaced.
        reach_px: r >= 0; 0 is the plain mean absolute error.

    Returns:
        Scalar, at most the plain error over the inside.

    Raises:
        ValueError: the reach is negative or leaves no inside, or the shapes differ.

    Example:
        >>> y = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(0))
        >>> moved = y.roll((1, -2), (2, 3))
        >>> float(forgiving_error(y, moved, reach_px=2)), bool((y - moved).abs().mean() > 0.2)
        (0.0, True)
    """
    height, width = made.shape[-2:]
    if made.shape != answer.shape or reach_px < 0 or 2 * reach_px >= min(height, width):
        raise ValueError(
            f"made is {tuple(made.shape)}, answer {tuple(answer.shape)}, reach_px={reach_px}: one"
            " shape for both, and a reach of 0 or more that leaves pixels inside"
        )
    rows, columns = height - 2 * reach_px, width - 2 * reach_px
    inside = made[..., reach_px : reach_px + rows, reach_px : reach_px + columns]
    shifts = [(r, c) for r in range(2 * reach_px + 1) for c in range(2 * reach_px + 1)]
    with torch.no_grad():  # which shift is best; only that one is differentiated
        costs = [
            (inside - answer[..., r : r + rows, c : c + columns]).abs().mean((1, 2, 3))
            for r, c in shifts
        ]
        best = torch.stack(costs).argmin(0).tolist()
    fitting = torch.stack(
        [
            each[:, shifts[k][0] : shifts[k][0] + rows, shifts[k][1] : shifts[k][1] + columns]
            for each, k in zip(answer, best, strict=True)
        ]
    )
    return (inside - fitting).abs().mean()
