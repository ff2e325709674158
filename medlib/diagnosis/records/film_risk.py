"""Films and record in one network: asked by attention, added at the end, or films alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn

from medlib.diagnosis.records.arms import Arm
from medlib.diagnosis.records.film_attention import FilmAttention
from medlib.diagnosis.records.risk_training import Patients, Recipe, mean_loss
from medlib.nets.training import History, OneCycle, device_of, train

__all__ = ["FUSIONS", "FilmRisk", "FilmShelf", "film_risk", "fit_film_risk"]

FUSIONS = ("attention", "late", "films")
WIDTH = 8


@dataclass(frozen=True, eq=False)
class FilmShelf:
    """The films of each patient side by side, in order of time.

    Attributes:
        vectors: of each film; 0 where there is none.
        hours: when each was taken; inf where there is none.
    """

    vectors: Float[Tensor, "patients slots vector"]
    hours: Float[Tensor, "patients slots"]

    @classmethod
    def of(
        cls,
        vectors: Float[Tensor, "films vector"],
        patients: Int[np.ndarray, " films"],
        hours: Float[np.ndarray, " films"],
        *,
        n: int,
    ) -> FilmShelf:
        """Films sorted by patient and time, put beside the patients 0 to n - 1.

        Example:
            >>> shelf = FilmShelf.of(torch.ones(3, 2), np.array([0, 0, 2]),
            ...                      np.array([1.0, 9.0, 2.0]), n=3)
            >>> shelf.hours.tolist()
            [[1.0, 9.0], [inf, inf], [2.0, inf]]
        """
        counts = np.bincount(patients, minlength=n)
        slot = np.arange(len(patients)) - (np.cumsum(counts) - counts)[patients]
        slots = max(1, int(counts.max(initial=0)))
        found = cls(torch.zeros(n, slots, vectors.shape[1]), torch.full((n, slots), torch.inf))
        found.vectors[patients, slot] = vectors
        found.hours[patients, slot] = torch.from_numpy(np.asarray(hours, dtype=np.float32))
        return found

    def of_others(self, order: Int[np.ndarray, " patients"]) -> FilmShelf:
        """The shelf on which patient i has the films, and their times, of patient order[i]."""
        return FilmShelf(self.vectors[order], self.hours[order])


class FilmRisk(nn.Module):
    r"""A logit after each hour, from the record so far and the films so far.

    *attention*: the record's state asks the films, and state and answer go through a small network
    together. *late*: the record's own logit plus a logit of the films, which are asked by a
    constant; neither knows of the other. *films*: the second of these alone.

    Args:
        arm: what is seen of the record.
        channels: of the record.
        vector: length of a film's vector.
        hidden: width of the state.
        fusion: one of `FUSIONS`.
        generator: of the first weights.

    Raises:
        ValueError: there is no such fusion.
    """

    def __init__(
        self,
        arm: Arm,
        channels: int,
        vector: int,
        *,
        hidden: int,
        fusion: str,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        if fusion not in FUSIONS:
            raise ValueError(f"fusion {fusion!r}: there are {', '.join(FUSIONS)}")
        self.fusion = fusion
        self.record = arm.network(channels, hidden=hidden, generator=generator)
        self.attention = FilmAttention(hidden, vector, WIDTH, generator=generator)
        self.mix = nn.Linear(hidden + WIDTH if fusion == "attention" else WIDTH, hidden)
        self.head = nn.Linear(hidden, 1)
        with torch.no_grad():
            for layer in (self.mix, self.head):
                reach = layer.in_features**-0.5
                layer.weight.uniform_(-reach, reach, generator=generator)
                layer.bias.zero_()

    def forward(
        self,
        rows: Sequence[Float[Tensor, "batch hours channels"]],
        films: Float[Tensor, "batch slots vector"],
        film_hours: Float[Tensor, "batch slots"],
    ) -> Float[Tensor, "batch hours"]:
        """The logit at each hour.

        Args:
            rows: filled values, masks and hours since, as `Arm.inputs` makes them.
            films, film_hours: as on a `FilmShelf`.
        """
        states = self.record.cell(*rows)
        asking = states if self.fusion == "attention" else torch.zeros_like(states)
        said = self.attention(asking, films, film_hours)
        seen = torch.cat([states, said], dim=2) if self.fusion == "attention" else said
        logit = self.head(torch.tanh(self.mix(seen)))[..., 0]
        return logit + self.record.head(states)[..., 0] if self.fusion == "late" else logit


@torch.no_grad()
def film_risk(
    network: FilmRisk,
    arm: Arm,
    rows: Float32[np.ndarray, "patients hours channels"],
    shelf: FilmShelf,
    *,
    hours: int,
) -> Float[np.ndarray, "patients looks"]:
    """Risk at each of the first hours; where the arm looks at no later row, its own replay."""
    device = device_of(network)
    seen = [part[:, :hours].to(device) for part in arm.inputs(rows)]
    logits = network(seen, shelf.vectors.to(device), shelf.hours.to(device))
    return torch.sigmoid(logits.cpu().double()).numpy()


def fit_film_risk(
    arm: Arm,
    fusion: str,
    learn: tuple[Patients, FilmShelf],
    check: tuple[Patients, FilmShelf],
    *,
    recipe: Recipe,
    generator: torch.Generator,
) -> tuple[FilmRisk, History]:
    """Train as `risk_training.fit_risk` does: same loss, schedule and choice of the step.

    Args:
        arm: what is seen of the record.
        fusion: one of `FUSIONS`.
        learn, check: patients and their films, to learn from and to choose the step by.
        recipe: the same for all arms.
        generator: of first weights and batches.
    """
    (patients, shelf), (others, their_shelf) = learn, check
    network = FilmRisk(
        arm,
        patients.rows.shape[2],
        shelf.vectors.shape[2],
        hidden=recipe.hidden,
        fusion=fusion,
        generator=generator,
    )
    network.to(recipe.device)
    optimizer, schedule = OneCycle(recipe.rate, recipe.weight_decay).start(
        network.parameters(), steps=max(recipe.steps, 4)
    )
    rows, their_rows = (
        [part[:, : recipe.hours] for part in arm.inputs(each.rows)] for each in (patients, others)
    )

    seen = [part.to(recipe.device) for part in their_rows]
    films, film_hours = (
        part.to(recipe.device) for part in (their_shelf.vectors, their_shelf.hours)
    )
    truth = others.target.to(recipe.device)

    def validate(net: FilmRisk) -> float:
        return mean_loss(net(seen, films, film_hours), truth).item()

    history = train(
        network,
        lambda net, batch: mean_loss(net(batch[:3], *batch[3:5]), batch[5]),
        (*rows, shelf.vectors, shelf.hours, patients.target),
        steps=recipe.steps,
        batch_size=min(recipe.batch_size, len(patients.outcome)),
        optimizer=optimizer,
        schedule=schedule,
        generator=generator,
        every=20,
        validate=validate,
    )
    return network, history
