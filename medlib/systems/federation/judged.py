"""How good each hospital's weights are: at each hospital, at the worst, and over all of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from medlib.measures.rank_auc import rank_auc
from medlib.systems.federation.site_training import Site, validate_at_site
from medlib.systems.federation.weighted_mean import State

__all__ = ["auc_by_hospital", "auc_over_all", "eight_views", "scores_by_hospital"]

Scored = tuple[Float[np.ndarray, " n"], Int[np.ndarray, " n"]]


def scores_by_hospital(
    model: nn.Module,
    states: Mapping[str, State],
    tests: Mapping[str, tuple[Float[Tensor, "n channels height width"], Int[Tensor, " n"]]],
) -> dict[str, Scored]:
    """Each hospital's test images, scored with the weights that this hospital uses.

    Args:
        model: the network.
        states: weights by hospital.
        tests: images and labels by hospital.

    Returns:
        Log odds of label 1, and labels.

    Raises:
        ValueError: a hospital has a test and no weights.

    Example:
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(1, 2))
        >>> tests = {"A": (torch.zeros(3, 1, 1, 1), torch.tensor([0, 1, 1]))}
        >>> scores_by_hospital(net, {"A": net.state_dict()}, tests)["A"][1].tolist()
        [0, 1, 1]
    """
    if missing := sorted(set(tests) - set(states)):
        raise ValueError(f"hospital {missing[0]!r} has test images and no weights")
    return {
        name: (
            validate_at_site(model, states[name], images, labels)[1].numpy(),
            labels.cpu().numpy(),
        )
        for name, (images, labels) in tests.items()
    }


def auc_by_hospital(scored: Mapping[str, Scored]) -> dict[str, float]:
    """The AUC within each hospital; its prevalence does not enter.

    Example:
        >>> auc_by_hospital({"A": (np.array([0.0, 1.0, 2.0, 3.0]), np.array([0, 0, 1, 1]))})
        {'A': 1.0}
    """
    return {name: rank_auc(scores, labels).value for name, (scores, labels) in scored.items()}


def auc_over_all(scored: Mapping[str, Scored]) -> float:
    """One AUC over all hospitals' images, pairs of two hospitals included.

    Such a pair may be put in order by telling the hospitals apart, without a look at the tissue:
    it counts for skill wherever hospitals differ in prevalence. Give tests of one prevalence.

    Example:
        >>> sick, well = (np.array([2.0, 2.1]), np.array([1, 1])), (np.zeros(2), np.array([0, 0]))
        >>> auc_over_all({"A": sick, "B": well})
        1.0
    """
    scores, labels = (np.concatenate(parts) for parts in zip(*scored.values(), strict=True))
    return rank_auc(scores, labels).value


def eight_views(site: Site) -> Site:
    """A site whose training images stand there turned and mirrored as well, eight views of each.

    Tissue has no upright. Every hospital's images grow alike, so their weights in a mean stay.

    Example:
        >>> x, y = torch.zeros(3, 1, 2, 2), torch.tensor([0, 1, 1])
        >>> len(eight_views(Site(x, y, x, y)))
        24
    """
    images = [
        torch.rot90(flipped, turns, (2, 3))
        for flipped in (site.images, site.images.flip(3))
        for turns in range(4)
    ]
    return Site(
        torch.cat(images), site.labels.repeat(8), site.validation_images, site.validation_labels
    )
