"""FedAvg's aggregation: one state out of several, each hospital's counted by its images."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

import torch
from torch import Tensor

__all__ = ["State", "check_states", "weighted_mean"]

State = Mapping[str, Tensor]  # what `module.state_dict()` gives


def weighted_mean(states: Mapping[str, State], *, images: Mapping[str, int]) -> dict[str, Tensor]:
    r"""The mean of the hospitals' states, weighted by their numbers of images.

    $w = \sum_k \frac{n_k}{n} w_k$, entry by entry, buffers as well as parameters. Terms are added
    in the order of the hospitals' names, in the entry's own precision: floating-point addition is
    not associative, and whoever adds replies as they arrive gets other bits every time. Entries of
    integers (how many batches a normalisation has seen) are averaged in float64 and rounded.

    Args:
        states: each hospital's, with the same names, shapes and types.
        images: n_k of each hospital, > 0.

    Returns:
        A new state, on the device of the first hospital by name.

    Raises:
        ValueError: no state, states that disagree, or a hospital without images.

    Example:
        >>> states = {"B": {"w": torch.tensor([4.0])}, "A": {"w": torch.tensor([0.0])}}
        >>> weighted_mean(states, images={"A": 1, "B": 3})["w"].item()
        3.0

    Source: McMahan et al. 2017, doi:10.48550/arXiv.1602.05629, algorithm 1.
    """
    names = check_states(states)
    if wrong := [k for k in names if not (k in images and isfinite(images[k]) and images[k] > 0)]:
        raise ValueError(
            f"hospital {wrong[0]!r} has {images.get(wrong[0], 'no number of')} images; "
            "its weight in the mean must be a number above 0"
        )
    total = sum(images[name] for name in names)
    shares = {name: images[name] / total for name in names}
    mean = {}
    for entry, first in states[names[0]].items():
        exact = first.dtype if first.is_floating_point() else torch.float64
        added = first.to(exact) * shares[names[0]]
        for name in names[1:]:
            added += states[name][entry].to(device=first.device, dtype=exact) * shares[name]
        mean[entry] = added if first.is_floating_point() else added.round().to(first.dtype)
    return mean


def check_states(states: Mapping[str, State]) -> list[str]:
    """The hospitals' names in order, after a look at whether their states can be combined.

    Raises:
        ValueError: no hospital, or entries, shapes or types that differ; the message names the
            hospital and the entry.

    Example:
        >>> check_states({"B": {}, "A": {}})
        ['A', 'B']
    """
    if not states:
        raise ValueError("no hospital sent a state: there is nothing to combine")
    names = sorted(states)
    first = states[names[0]]
    for name in names[1:]:
        if odd := sorted(set(first) ^ set(states[name])):
            has, lacks = (name, names[0]) if odd[0] in states[name] else (names[0], name)
            raise ValueError(f"hospital {has!r} has an entry {odd[0]!r}, hospital {lacks!r} none")
        for entry, tensor in first.items():
            other = states[name][entry]
            if other.shape != tensor.shape or other.dtype != tensor.dtype:
                raise ValueError(
                    f"hospital {name!r}: {entry!r} is {tuple(other.shape)} {other.dtype}, at "
                    f"hospital {names[0]!r} it is {tuple(tensor.shape)} {tensor.dtype}"
                )
    return names
