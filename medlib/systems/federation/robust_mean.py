"""Means that one liar cannot move far: the median and the trimmed mean of each number."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from medlib.systems.federation.weighted_mean import State, check_states

__all__ = ["median", "trimmed_mean"]


def median(
    states: Mapping[str, State], *, images: Mapping[str, int] | None = None
) -> dict[str, Tensor]:
    r"""The median of the hospitals' states, each number by itself.

    Of an even number of hospitals, the mean of the two in the middle. While fewer than half of the
    hospitals lie, every number stays between two honest ones. Weights are dropped: a hospital with
    ten images counts as much as one with a thousand, since a liar could claim any number.

    Args:
        states: each hospital's, with the same names, shapes and types.
        images: not used; there so that all rules are called alike.

    Raises:
        ValueError: no state, or states that disagree.

    Example:
        >>> numbers = {"A": 1.0, "B": 2.0, "C": 9e9}
        >>> states = {k: {"w": torch.tensor([v])} for k, v in numbers.items()}
        >>> median(states)["w"].item()
        2.0

    Source: Yin et al. 2018, doi:10.48550/arXiv.1803.01498, definition 1.
    """
    n = len(check_states(states))
    return _mean_of_the_middle(states, each_end=(n - 1) // 2)


def trimmed_mean(
    states: Mapping[str, State],
    *,
    images: Mapping[str, int] | None = None,
    each_end: int = 1,
) -> dict[str, Tensor]:
    r"""The mean of each number after the lowest and the highest have been left out.

    $\frac{1}{n-2b}\sum_{k=b+1}^{n-b} w_{(k)}$ with $w_{(1)} \le \dots \le w_{(n)}$. It holds
    against b liars, uses more of what honest hospitals sent than the median does, and is not
    weighted either. What is not a number counts as the highest.

    Args:
        states: each hospital's, with the same names, shapes and types.
        images: not used; there so that all rules are called alike.
        each_end: b, values left out at either end; the share 1/n of Yin et al. times n.

    Raises:
        ValueError: no state, states that disagree, or nothing left after trimming.

    Example:
        >>> states = {k: {"w": torch.tensor([v])} for k, v in
        ...           {"A": 1.0, "B": 2.0, "C": 9e9, "D": 4.0}.items()}
        >>> trimmed_mean(states, each_end=1)["w"].item()
        3.0

    Source: Yin et al. 2018, doi:10.48550/arXiv.1803.01498, definition 2.
    """
    n = len(check_states(states))
    if each_end < 0 or 2 * each_end >= n:
        raise ValueError(
            f"each_end={each_end} leaves nothing of {n} hospitals; "
            f"it takes {2 * max(each_end, 0) + 1} hospitals or more"
        )
    return _mean_of_the_middle(states, each_end=each_end)


def _mean_of_the_middle(states: Mapping[str, State], *, each_end: int) -> dict[str, Tensor]:
    """Sorted first, so that the order of hospitals cannot change a bit."""
    middle = {}
    for entry, first in next(iter(states.values())).items():
        numbers = torch.stack([state[entry].to(first.device) for state in states.values()])
        ordered = numbers.sort(dim=0).values[each_end : len(states) - each_end]
        if first.is_floating_point():
            middle[entry] = ordered.mean(dim=0)
        else:
            middle[entry] = ordered.double().mean(dim=0).round().to(first.dtype)
    return middle
