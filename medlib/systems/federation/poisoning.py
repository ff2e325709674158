"""What a liar sends instead of what it learned: defects to be planted, as functions of the truth.

A lie moves parameters; statistics of normalisation are sent as they are. A variance below zero
would be found at once, and by anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from medlib.systems.federation.site_training import Site

__all__ = ["Lie", "noise", "scaled", "sign_flip", "with_flipped_labels"]

# (received, honest, generator) -> what is sent; all of parameters only
Lie = Callable[[Mapping[str, Tensor], Mapping[str, Tensor], torch.Generator], dict[str, Tensor]]


def scaled(factor: float) -> Lie:
    r"""Send the honest update times a factor: $w^t + c\,(w - w^t)$.

    With c = n / n_k, one hospital's weights replace the whole mean.

    Args:
        factor: c; 1 is honest, 0 sends back what was received.

    Example:
        >>> lie = scaled(3.0)
        >>> lie({"w": torch.tensor(1.0)}, {"w": torch.tensor(2.0)}, torch.Generator())["w"].item()
        4.0

    Source of model replacement: Bagdasaryan et al. 2020, doi:10.48550/arXiv.1807.00459.
    """

    def lie(received, honest, generator):
        return {name: received[name] + factor * (honest[name] - received[name]) for name in honest}

    return lie


def sign_flip(scale: float = 1.0) -> Lie:
    r"""Send the update backwards: $w^t - c\,(w - w^t)$.

    Args:
        scale: c, > 0.

    Raises:
        ValueError: a scale that flips nothing.

    Example:
        >>> lie = sign_flip()
        >>> lie({"w": torch.tensor(1.0)}, {"w": torch.tensor(2.0)}, torch.Generator())["w"].item()
        0.0
    """
    if not scale > 0:
        raise ValueError(f"scale is {scale}; a flipped update needs one above 0")
    return scaled(-scale)


def noise(sd: float) -> Lie:
    """Send what was received, with Gaussian noise: nothing was learned.

    Args:
        sd: of each number's noise, > 0.

    Raises:
        ValueError: no noise.

    Example:
        >>> received = {"w": torch.zeros(10_000)}
        >>> sent = noise(2.0)(received, received, torch.Generator().manual_seed(0))["w"]
        >>> round(sent.std().item(), 1)
        2.0
    """
    if not sd > 0:
        raise ValueError(f"sd is {sd}; noise needs one above 0")

    def lie(received, honest, generator):
        return {
            name: tensor + sd * torch.randn(tensor.shape, generator=generator).to(tensor)
            for name, tensor in received.items()
        }

    return lie


def with_flipped_labels(site: Site) -> Site:
    """The site with the labels of its training images exchanged: it trains honestly on lies.

    Example:
        >>> x, y = torch.zeros(2, 1, 1, 1), torch.tensor([0, 1])
        >>> with_flipped_labels(Site(x, y, x, y)).labels.tolist()
        [1, 0]
    """
    return replace(site, labels=1 - site.labels)
