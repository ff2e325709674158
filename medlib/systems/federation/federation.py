"""The federation itself, plainly: rounds of sending weights out and combining what comes back."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from medlib.experiment.streams import torch_generator
from medlib.measures.rank_auc import rank_auc
from medlib.systems.federation.message_bytes import array_bytes
from medlib.systems.federation.poisoning import Lie
from medlib.systems.federation.site_training import (
    Recipe,
    Site,
    train_at_site,
    validate_at_site,
)
from medlib.systems.federation.weighted_mean import State, weighted_mean

__all__ = [
    "KEEPS",
    "POLICIES",
    "Federated",
    "Keeper",
    "Round",
    "Rule",
    "federate",
    "home_entries",
    "validated",
]

Rule = Callable[..., dict[str, Tensor]]  # rule(states, images=numbers of images)
POLICIES = ("wait", "leave_out", "stale")
KEEPS = ("best", "last")


@dataclass(frozen=True)
class Round:
    """What happened in one round; mappings are by hospital.

    Attributes:
        number: from 1.
        took_part: whose weights were combined.
        failed: whose training broke down (a loss that is not finite); they sent nothing.
        train_loss: of those who trained.
        validation_loss, validation_auc: after the round; AUC is nan where a class is missing.
        bytes_down, bytes_up: of arrays, sent to and by those who trained.
        ticks: how long the server waited, in units of a punctual hospital's round.
    """

    number: int
    took_part: tuple[str, ...]
    failed: tuple[str, ...]
    train_loss: dict[str, float]
    validation_loss: dict[str, float]
    validation_auc: dict[str, float]
    bytes_down: int
    bytes_up: int
    ticks: int


@dataclass(frozen=True, eq=False)
class Federated:
    """A federation that ended.

    Attributes:
        weights: of the round with the lowest mean of the hospitals' validation losses; or, where
            the last is to be kept, of the last one whose losses are all finite.
        by_hospital: the state that each uses: `weights`; or, where entries stay at home, that of
            the round which is best by its own validation loss, or its last finite one, with its own
            entries in it.
        kept_round: of which round, from 1, each hospital's weights are; 0 = the first weights.
        last: the combined weights after the last round.
        rounds: the history.
        best_round: whose `weights` are; 0 = none was finite, these are the first ones.
    """

    weights: dict[str, Tensor]
    by_hospital: dict[str, dict[str, Tensor]]
    kept_round: dict[str, int]
    last: dict[str, Tensor]
    rounds: tuple[Round, ...]
    best_round: int


def federate(
    model: nn.Module,
    sites: Mapping[str, Site],
    *,
    recipe: Recipe,
    seed: int,
    rule: Rule = weighted_mean,
    local: Collection[str] = (),
    judges: Mapping[str, Site] | None = None,
    absent: Mapping[str, Collection[int]] | None = None,
    late: Mapping[str, int] | None = None,
    policy: str = "wait",
    liars: Mapping[str, Lie] | None = None,
    keep: str = "best",
) -> Federated:
    r"""Train one network at several hospitals, whose images stay where they are.

    In each round every hospital gets the combined weights, trains, sends its own back, and a rule
    combines them: $w^{t+1} = \mathrm{rule}(w_1^{t+1}, \dots, w_K^{t+1})$. Same arguments, same
    bits, whatever the order of `sites`.

    Args:
        model: the network with its first weights; not changed.
        sites: the hospitals by name.
        recipe: how each trains, and for how many rounds.
        seed: of all draws.
        rule: combines states: `weighted_mean`, `median`, `trimmed_mean` or another called alike.
        local: entries of the state that stay at home, such as `norm_entries(model)` (FedBN).
        judges: whose validation images choose the round; None = those of `sites`.
        absent: rounds in which a hospital does not train. It validates all the same.
        late: by how many rounds a hospital's answer comes late, always.
        policy: what the server does about late ones: "wait" for them, each round taking the longer;
            "leave_out" what comes late; or take it when it comes, "stale", as it is. In the latter
            two a hospital starts again, with the weights of the day, when it has answered.
        liars: what a hospital sends instead of its parameters; see `poisoning`.
        keep: weights of the "best" round, by validation loss, or of the "last". A loss is the mean
            over a hospital's own mixture of patients: where mixtures differ it prefers who knows
            the mixture, and one confident error can outweigh a better order of all patients.

    Raises:
        ValueError: no hospital, an unknown name, policy, entry or thing to keep; a message says
            which are known.

    Example:
        >>> x, y = torch.randn(8, 1, 2, 2), torch.tensor([0, 1] * 4)
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
        >>> done = federate(net, {"A": Site(x, y, x, y), "B": Site(-x, y, -x, y)}, seed=0,
        ...                 recipe=Recipe(rounds=2, steps=1, batch_size=4))
        >>> [(r.number, r.took_part, r.bytes_up) for r in done.rounds]
        [(1, ('A', 'B'), 80), (2, ('A', 'B'), 80)]

    Source: McMahan et al. 2017, doi:10.48550/arXiv.1602.05629, algorithm 1, with all hospitals in
    every round.
    """
    absent, late, liars, judges = absent or {}, late or {}, liars or {}, judges or sites
    _check(sites, judges, {**absent, **late, **liars}, late, policy)
    home = home_entries(model, local, judges, sites)
    parameters = {name for name, _ in model.named_parameters()} - set(local)
    shared = {k: v.detach().clone() for k, v in model.state_dict().items() if k not in local}
    first = {k: v.detach().clone() for k, v in model.state_dict().items()}
    size = array_bytes(shared)
    momenta: dict[str, dict[str, Tensor]] = {}
    under_way: list[tuple[int, str, dict[str, Tensor]]] = []  # (round of arrival, whose, what)
    keeper = Keeper(first, judges, keep=keep)
    rounds = []
    for number in range(1, recipe.rounds + 1):
        busy = {name for _, name, _ in under_way}
        arrived, train_loss, failed, ticks = {}, {}, [], 1
        for name in sorted(set(sites) - busy):
            if number in absent.get(name, ()):
                continue
            start = {**shared, **home[name]}
            try:
                update = train_at_site(
                    model, start, sites[name], recipe=recipe, seed=seed, hospital=name,
                    number=number, momenta=momenta.get(name),
                )  # fmt: skip
            except FloatingPointError:
                failed.append(name)
                continue
            train_loss[name], momenta[name] = update.train_loss, update.momenta
            home[name] = {k: update.weights[k] for k in home[name]}
            sent = {k: update.weights[k] for k in shared}
            if name in liars:
                draws = torch_generator(seed, f"{name}, lie {number}")
                received, honest = ({k: s[k] for k in parameters} for s in (start, sent))
                sent |= liars[name](received, honest, draws)
            if late.get(name, 0) and policy != "wait":
                under_way.append((number + late[name], name, sent))
            else:
                arrived[name] = sent
                ticks = max(ticks, 1 + late.get(name, 0))
        due = {name: sent for when, name, sent in under_way if when == number}
        under_way = [item for item in under_way if item[0] > number]
        if policy == "stale":
            arrived |= due
        if arrived:
            shared = rule(arrived, images={name: len(sites[name]) for name in arrived})
        judged = {
            name: validated(model, {**shared, **home.get(name, {})}, judges[name])
            for name in sorted(judges)
        }
        losses = {name: loss for name, (loss, _) in judged.items()}
        keeper.see(number, shared, home, losses)
        rounds.append(
            Round(
                number=number,
                took_part=tuple(sorted(arrived)),
                failed=tuple(failed),
                train_loss=train_loss,
                validation_loss=losses,
                validation_auc={name: auc for name, (_, auc) in judged.items()},
                bytes_down=size * (len(train_loss) + len(failed)),
                bytes_up=size * len(train_loss),
                ticks=ticks,
            )
        )
    return Federated(
        weights=keeper.weights,
        by_hospital=keeper.own if local else dict.fromkeys(sorted(judges), keeper.weights),
        kept_round=keeper.own_round if local else dict.fromkeys(sorted(judges), keeper.best_round),
        last={**first, **shared},
        rounds=tuple(rounds),
        best_round=keeper.best_round,
    )


def validated(model: nn.Module, weights: State, site: Site) -> tuple[float, float]:
    """Loss and AUC on a site's validation images; AUC is nan where it is not defined."""
    loss, scores = validate_at_site(model, weights, site.validation_images, site.validation_labels)
    labels = site.validation_labels.cpu().numpy()
    if not torch.isfinite(scores).all() or min((labels == 1).sum(), (labels == 0).sum()) < 2:
        return loss, math.nan
    return loss, rank_auc(scores.double().numpy(), labels).value


def home_entries(
    model: nn.Module, local: Collection[str], judges: Collection[str], sites: Collection[str]
) -> dict[str, dict[str, Tensor]]:
    """The first values of what stays at each hospital.

    Raises:
        ValueError: an entry that the network does not have, or a judge that keeps none.
    """
    state = model.state_dict()
    if unknown := sorted(set(local) - set(state)):
        raise ValueError(f"the network has no entry {unknown[0]!r} that could stay at home")
    if local and (strangers := sorted(set(judges) - set(sites))):
        raise ValueError(f"{strangers[0]!r} does not train, so it has no entries of its own")
    return {name: {k: state[k].detach().clone() for k in sorted(local)} for name in sites}


class Keeper:
    """Holds the best weights so far: by the mean over hospitals, and by each one's own loss.

    Args:
        first: the whole state that training began with.
        judges: the hospitals that keep entries of their own; none at a server.
        keep: "best", or "last": whatever came last with losses that are finite.

    Raises:
        ValueError: another thing to keep.
    """

    def __init__(
        self, first: dict[str, Tensor], judges: Collection[str], *, keep: str = "best"
    ) -> None:
        if keep not in KEEPS:
            raise ValueError(f"keep is {keep!r}; choose one of {', '.join(KEEPS)}")
        self.keep = keep
        self.first, self.weights, self.best_round = first, first, 0
        self.lowest = math.inf
        self.own = dict.fromkeys(sorted(judges), first)
        self.own_lowest = dict.fromkeys(sorted(judges), math.inf)
        self.own_round = dict.fromkeys(sorted(judges), 0)

    def see(self, number: int, shared: State, home: Mapping[str, State], losses: dict) -> None:
        """Look at a round: its weights, what stayed at home, and losses by hospital."""
        mean = sum(losses.values()) / len(losses)
        if self._takes(mean, self.lowest):
            self.lowest, self.best_round = mean, number
            self.weights = {**self.first, **shared}
        for name, lowest in self.own_lowest.items():
            if self._takes(losses[name], lowest):
                self.own_lowest[name], self.own_round[name] = losses[name], number
                self.own[name] = {**self.first, **shared, **home.get(name, {})}

    def _takes(self, loss: float, lowest: float) -> bool:
        return math.isfinite(loss) if self.keep == "last" else loss < lowest  # never true of nan


def _check(sites, judges, named, late, policy) -> None:
    if not sites or not judges:
        raise ValueError("a federation needs a hospital, and one to judge by")
    if unknown := sorted(set(named) - set(sites)):
        raise ValueError(f"there is no hospital {unknown[0]!r}; there are {', '.join(sites)}")
    if policy not in POLICIES:
        raise ValueError(f"policy is {policy!r}; choose one of {', '.join(POLICIES)}")
    if wrong := [name for name, rounds in late.items() if rounds < 1]:
        raise ValueError(f"hospital {wrong[0]!r} is late by {late[wrong[0]]} rounds; 1 or more")
