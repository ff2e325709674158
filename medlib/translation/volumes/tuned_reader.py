"""A reader of volumes, its rate and its normalisation chosen on validation volumes at each length.

The rate stays constant after a short rise, and what is judged is a running mean of the weights.
Such a training has no length planned in advance: after 100 steps it is what a training of 100
steps would be, and it can go on to 200 and 400 at the price of the longest alone.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from medlib.measures.auc import auc_of
from medlib.nets.batches import sampler
from medlib.nets.norm_statistics import refresh_statistics
from medlib.nets.training import cross_entropy, train
from medlib.translation.volumes.volume_study import Patches, score

__all__ = ["LADDER", "Course", "Look", "TunedReader", "tuned_reader"]

#: Rates that may be tried, from one that hardly moves a network to one that may tear it.
LADDER = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
_RISE = 20
_ETA = 8
_WEIGHT_DECAY = 1e-2


@dataclass(frozen=True)
class Look:
    """What a reader reached after so many steps, in the training that validates best there.

    Attributes:
        step: 0 = the first head alone, the reader as it came.
        rate: of the training looked at; 0 before any.
        renewed: whether its normalisation learned anew.
        validation: AUC on the volumes that choices are made by, so a little too high.
        test: AUC on the test volumes; nothing is chosen by it, and nothing else was judged there.
        tried: (rate, renewed) -> validation AUC of all that were trained up to this step.
        on_the_edge: whether the rate is the ladder's lowest or highest: then it is not tuned.
    """

    step: int
    rate: float
    renewed: bool
    validation: float
    test: float
    tried: dict[tuple[float, bool], float]
    on_the_edge: bool


@dataclass(frozen=True, eq=False)
class TunedReader:
    """A reader trained in the way that did best on validation volumes.

    Attributes:
        network: with the mean of the weights after the last length, in evaluation mode.
        looks: at 0 steps and at each length.
    """

    network: nn.Module
    looks: tuple[Look, ...]


class Course:
    r"""One training at one rate that can be carried on.

    The mean of the weights leans on the last ones: $\bar w_t = \bar w_{t-1} +
    \frac{\eta+1}{t+\eta}(w_t - \bar w_{t-1})$, η = 8.

    Args:
        network: volumes to two logits; copied. No layer of it is random.
        rate: of AdamW, reached within 20 steps.
        renewed: normalise by each batch's statistics, and what is judged by those of the training
            volumes; False keeps those that the network came with.
        generator: draws the batches; its state is copied, so that several courses that are given
            the same one see the same batches.

    Source: Shamir and Zhang (2013), doi:10.48550/arXiv.1212.1824.
    """

    def __init__(
        self, network: nn.Module, *, rate: float, renewed: bool, generator: torch.Generator
    ):
        self.network = copy.deepcopy(network)
        self.averaged = copy.deepcopy(network)
        self.rate, self.renewed, self.step = rate, renewed, 0
        self._generator = torch.Generator()
        self._generator.set_state(generator.get_state())
        self._draw = None
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=rate, weight_decay=_WEIGHT_DECAY, fused=True
        )
        self._rise = torch.optim.lr_scheduler.LambdaLR(
            self._optimizer, lambda done: min(1.0, (done + 1) / _RISE)
        )

    def advance(self, learn: Patches, *, to: int, batch_size: int) -> None:
        """Train up to step `to`, counted from the start; do nothing if it is there already."""
        if to <= self.step:
            return
        if self._draw is None:  # one stream of batches, wherever the training is interrupted
            self._draw = sampler(
                (learn.volumes, torch.from_numpy(learn.labels)),
                batch_size=min(batch_size, len(learn.labels)),
                generator=self._generator,
            )
        train(
            self.network,
            cross_entropy,
            lambda _: self._draw(),
            steps=to - self.step,
            optimizer=self._optimizer,
            schedule=self._rise,
            generator=torch.Generator(),  # draws nothing: no layer here is random
            training_mode=nn.Module.train if self.renewed else _statistics_kept,
            on_step=self._average,
        )

    @torch.no_grad()
    def _average(self, _step: int, _loss: float) -> None:
        self.step += 1
        share = (_ETA + 1) / (self.step + _ETA)
        for mean, now in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(now, share)

    def judged(self, learn: Patches) -> nn.Module:
        """Return the network of averaged weights, in evaluation mode.

        Nobody has seen statistics under these weights: renewed, they are those of `learn`.
        """
        if self.renewed:
            refresh_statistics(self.averaged, learn.volumes, batch_size=32)
        return self.averaged


def _statistics_kept(network: nn.Module) -> None:
    """Train (CUDA wants it of recurrent layers), but normalise by the statistics that are there."""
    network.train()
    for layer in network.modules():
        if isinstance(layer, _BatchNorm):
            layer.eval()


class _Standing(NamedTuple):
    """What a network reaches on validation volumes: more is better, first of the AUC."""

    auc: float
    minus_loss: float


_TORN = _Standing(0.0, -float("inf"))


def _auc(network: nn.Module, part: Patches) -> float:
    return auc_of(np.diff(score(network, part.volumes))[:, 0], part.labels).value


def _standing(network: nn.Module, check: Patches) -> _Standing:
    logits = score(network, check.volumes)
    if not np.isfinite(logits).all():
        return _TORN
    loss = F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(check.labels)).item()
    return _Standing(auc_of(np.diff(logits)[:, 0], check.labels).value, -loss)


def tuned_reader(
    network: nn.Module,
    parts: Mapping[str, Patches],
    *,
    lengths: Sequence[int],
    batch_size: int,
    generator: torch.Generator,
    ladder: Sequence[float] = LADDER,
    start: float = 3e-3,
) -> TunedReader:
    """Train at several rates, and at each length look at the training that validates best there.

    The rate `start` and its two neighbours on the ladder are trained for `lengths[0]` steps; while
    the best of them has a neighbour that was not, this one is trained as well. The best and its two
    neighbours go on to the next length, where the same holds: a rate wins only over both of its
    neighbours, trained exactly as long. What is quickest need not be best in the end, so a rate
    that was left behind is taken up again as soon as the winner stands beside it. All this is done
    twice, with statistics of the normalisation kept and renewed; the better of the two is looked
    at. Equal AUCs are told apart by validation loss; a training that is torn (a loss that is not
    finite) never wins.

    Args:
        network: reader and head, volumes to two logits; left as it is.
        parts: "train", "validation" and "test".
        lengths: steps to look at, ascending.
        batch_size: volumes a step.
        generator: draws the batches, the same ones for every training; left as it is.
        ladder: rates, ascending; `start` is one of them.

    Raises:
        ValueError: lengths that do not ascend, or a start that is not on the ladder.
        FloatingPointError: every rate tears the network.
    """
    lengths, ladder = list(lengths), list(ladder)
    if not lengths or lengths != sorted(set(lengths)) or lengths[0] < 1:
        raise ValueError(f"lengths {lengths}: give steps of 1 or more, ascending")
    if start not in ladder or ladder != sorted(set(ladder)):
        raise ValueError(f"start {start:g} is not on the ladder of ascending rates {ladder}")
    learn, check, test = parts["train"], parts["validation"], parts["test"]
    begin = _standing(network, check).auc
    looks = [Look(0, 0.0, False, begin, _auc(network, test), {}, False)]
    courses: dict[tuple[bool, int], Course] = {}

    def standing(renewed: bool, rung: int, length: int) -> _Standing:
        if (renewed, rung) not in courses:
            options = {"rate": ladder[rung], "renewed": renewed, "generator": generator}
            courses[renewed, rung] = Course(network, **options)
        course = courses[renewed, rung]
        try:
            course.advance(learn, to=length, batch_size=batch_size)
        except FloatingPointError:
            return _TORN
        return _standing(course.judged(learn), check)

    best = dict.fromkeys((False, True), ladder.index(start))
    for length in lengths:
        seen: dict[bool, dict[int, _Standing]] = {False: {}, True: {}}
        for renewed, reached in seen.items():
            while new := set(_around(best[renewed], ladder)).difference(reached):
                reached |= {rung: standing(renewed, rung, length) for rung in sorted(new)}
                best[renewed] = max(sorted(reached), key=reached.__getitem__)
        way = max(seen, key=lambda renewed: seen[renewed][best[renewed]])
        rung, won = best[way], seen[way][best[way]]
        if won == _TORN:
            raise FloatingPointError(f"each rate of {ladder} tears the network: give lower ones")
        tried = {(ladder[i], how): one.auc for how in seen for i, one in sorted(seen[how].items())}
        winner = courses[way, rung].averaged
        edge = rung in (0, len(ladder) - 1)
        looks.append(Look(length, ladder[rung], way, won.auc, _auc(winner, test), tried, edge))
    return TunedReader(winner, tuple(looks))


def _around(rung: int, ladder: Sequence[float]) -> range:
    """A rung and its neighbours, as far as there are any."""
    return range(max(rung - 1, 0), min(rung + 2, len(ladder)))
