"""What a federation is measured against: each hospital alone, and all images in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import nn

from medlib.systems.federation.federation import Federated, federate
from medlib.systems.federation.site_training import Recipe, Site

__all__ = ["alone", "pool", "pooled"]


def pool(sites: Mapping[str, Site]) -> Site:
    """All hospitals' images as if they were one's, in the order of the hospitals' names.

    Raises:
        ValueError: no hospital.

    Example:
        >>> x, y = torch.zeros(3, 1, 1, 1), torch.tensor([0, 1, 1])
        >>> len(pool({"A": Site(x, y, x, y), "B": Site(x, y, x, y)}))
        6
    """
    if not sites:
        raise ValueError("there is no hospital whose images could be pooled")
    ordered = [sites[name] for name in sorted(sites)]
    return Site(
        *(
            torch.cat([getattr(site, part) for site in ordered])
            for part in ("images", "labels", "validation_images", "validation_labels")
        )
    )


def alone(
    model: nn.Module,
    sites: Mapping[str, Site],
    *,
    recipe: Recipe,
    seed: int,
    keep: str = "best",
) -> dict[str, Federated]:
    """Each hospital by itself, through the same loop, for as many steps, from the same weights.

    Momenta are kept whatever the recipe says, and nothing pulls back to where a "round" began:
    nothing that only a federation has may hold the baseline down. Where the best round is kept,
    each chooses by its own validation images.

    Example:
        >>> x, y = torch.randn(8, 1, 2, 2), torch.tensor([0, 1] * 4)
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        >>> found = alone(net, {"A": Site(x, y, x, y)}, recipe=Recipe(rounds=2, steps=1,
        ...               batch_size=4), seed=0)
        >>> found["A"].rounds[0].took_part
        ('A',)
    """
    free = replace(recipe, keeps_state=True, mu=0.0)
    return {
        name: federate(model, {name: site}, recipe=free, seed=seed, keep=keep)
        for name, site in sites.items()
    }


def pooled(
    model: nn.Module,
    sites: Mapping[str, Site],
    *,
    recipe: Recipe,
    seed: int,
    keep: str = "best",
) -> Federated:
    """One network on all images together, which no hospital allows; judged by the same hospitals.

    No upper bound: it has one set of statistics of normalisation for all scanners, and where
    scanners and mixtures go together it can learn the place instead of the tissue. It takes as many
    steps as one hospital of a federation does, one after the other; K hospitals take K times as
    many between them, side by side. With a recipe of K times the steps the numbers of steps are
    equal and the depths are not: its longest chain of steps is then K times theirs. Where the best
    round is kept it is chosen by the mean of the hospitals' validation losses, as in a federation.

    Example:
        >>> x, y = torch.randn(8, 1, 2, 2), torch.tensor([0, 1] * 4)
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        >>> found = pooled(net, {"A": Site(x, y, x, y), "B": Site(x, y, x, y)},
        ...                recipe=Recipe(rounds=2, steps=1, batch_size=4), seed=0)
        >>> sorted(found.rounds[0].validation_loss)
        ['A', 'B']
    """
    free = replace(recipe, keeps_state=True, mu=0.0)
    return federate(model, {"pooled": pool(sites)}, recipe=free, seed=seed, judges=sites, keep=keep)
