"""The ways to learn from several hospitals that are compared, called alike: alone to pooled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor, nn

from medlib.systems.federation.baselines import alone, pooled
from medlib.systems.federation.federation import Federated, federate
from medlib.systems.federation.local_norms import norm_entries
from medlib.systems.federation.site_training import Recipe, Site

__all__ = ["ARMS", "Learned", "learn"]

ARMS = ("local", "fedavg", "fedprox", "fedbn", "pooled")


@dataclass(frozen=True, eq=False)
class Learned:
    """What comes of one way to learn; mappings are by hospital.

    Attributes:
        by_hospital: the weights that each hospital uses.
        kept_loss: its validation loss with these weights; infinite if no round's was finite.
        kept_auc: its validation AUC with them; nan if it is not defined, or no round's loss was
            finite.
        kept_round: of which round they are, from 1; 0 = the first weights.
        course: after each round, the mean over hospitals of the validation loss.
        bytes_down, bytes_up: of weights, sent to and by all hospitals together.
    """

    by_hospital: dict[str, dict[str, Tensor]]
    kept_loss: dict[str, float]
    kept_auc: dict[str, float]
    kept_round: dict[str, int]
    course: tuple[float, ...]
    bytes_down: int
    bytes_up: int


def learn(
    arm: str,
    model: nn.Module,
    sites: Mapping[str, Site],
    *,
    recipe: Recipe,
    seed: int,
    keep: str = "best",
) -> Learned:
    """Train by one of `ARMS`; every way takes as many gradient steps, all hospitals together.

    `local` trains K networks for `recipe.steps` a round, the federated ways make as many steps at
    each of K hospitals, `pooled` makes K times as many on one network, one after the other. Only
    `fedprox` heeds `recipe.mu`. Local networks, and those of `fedbn`, are kept where each
    hospital's own validation loss is lowest, the others where the mean over hospitals is; or all
    after the last round whose losses are finite.

    Args:
        arm: one of `ARMS`.
        model: the network with its first weights; not changed.
        sites, recipe, seed, keep: as for `federate`.

    Raises:
        ValueError: another arm, or another thing to keep.

    Example:
        >>> import torch
        >>> x, y = torch.randn(8, 1, 2, 2), torch.tensor([0, 1] * 4)
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        >>> done = learn("local", net, {"A": Site(x, y, x, y)}, seed=0,
        ...              recipe=Recipe(rounds=2, steps=1, batch_size=4))
        >>> len(done.course), done.bytes_up
        (2, 0)
    """
    if arm not in ARMS:
        raise ValueError(f"arm is {arm!r}; choose one of {', '.join(ARMS)}")
    plain = recipe if arm == "fedprox" else replace(recipe, mu=0.0)
    if arm == "local":
        return _side_by_side(alone(model, sites, recipe=plain, seed=seed, keep=keep))
    if arm == "pooled":
        longer = replace(plain, steps=plain.steps * len(sites))
        done = pooled(model, sites, recipe=longer, seed=seed, keep=keep)
        return _learned(done, travels=False)
    local = norm_entries(model) if arm == "fedbn" else ()
    done = federate(model, sites, recipe=plain, seed=seed, local=local, keep=keep)
    return _learned(done, travels=True)


def _learned(done: Federated, *, travels: bool) -> Learned:
    losses = [each.validation_loss for each in done.rounds]
    aucs = [each.validation_auc for each in done.rounds]
    return Learned(
        by_hospital=done.by_hospital,
        kept_loss={
            name: losses[number - 1][name] if number else float("inf")
            for name, number in done.kept_round.items()
        },
        kept_auc={
            name: aucs[number - 1][name] if number else math.nan
            for name, number in done.kept_round.items()
        },
        kept_round=done.kept_round,
        course=tuple(sum(each.values()) / len(each) for each in losses),
        bytes_down=sum(each.bytes_down for each in done.rounds) if travels else 0,
        bytes_up=sum(each.bytes_up for each in done.rounds) if travels else 0,
    )


def _side_by_side(done: Mapping[str, Federated]) -> Learned:
    each = {name: _learned(one, travels=False) for name, one in done.items()}
    return Learned(
        by_hospital={name: one.by_hospital[name] for name, one in each.items()},
        kept_loss={name: one.kept_loss[name] for name, one in each.items()},
        kept_auc={name: one.kept_auc[name] for name, one in each.items()},
        kept_round={name: one.kept_round[name] for name, one in each.items()},
        course=tuple(
            sum(values) / len(values)
            for values in zip(*(one.course for one in each.values()), strict=True)
        ),
        bytes_down=0,
        bytes_up=0,
    )
