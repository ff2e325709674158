"""A reader of volumes whose rate is chosen on validation volumes, trained on and on and looked at.

The rate stays constant after a short rise, and what is judged is a running mean of the weights.
Such a training has no length planned in advance: after 100 steps it is what a training of 100
steps would be, and it can go on to 200 and 400 at the price of the longest alone.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from medlib.measures.auc import auc_of
from medlib.nets.batches import sampler
from medlib.nets.features import as_linear, fit_head
from medlib.nets.training import cross_entropy, train
from medlib.translation.volumes.volume_study import Patches, score

__all__ = ["LADDER", "STRENGTHS", "Course", "Look", "TunedReader", "tuned_reader", "with_head"]

#: Rates that may be tried, from one that hardly moves a network to one that may tear it.
LADDER = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)
#: What C of the first head is tried.
STRENGTHS = (1e-4, 1e-3, 1e-2, 0.1, 1.0)
_RISE = 20
_ETA = 8
_WEIGHT_DECAY = 1e-2


@dataclass(frozen=True)
class Look:
    """What a reader reached after so many steps.

    Attributes:
        step: 0 = the first head alone, the reader as it came.
        rate: of the training looked at.
        validation: AUC on the volumes that choices are made by, so a little too high.
        validation_loss: cross-entropy there, in nats.
        test: AUC on the test volumes; nothing is chosen by it.
    """

    step: int
    rate: float
    validation: float
    validation_loss: float
    test: float


@dataclass(frozen=True, eq=False)
class TunedReader:
    """A reader trained at the rate that did best on validation volumes.

    Attributes:
        network: with the mean of the weights after the last length, in evaluation mode.
        rate: what was chosen there.
        tried: rate -> validation AUC after the first length.
        looks: at 0 steps and at each length, there by the rate that validates best.
        on_the_edge: whether no higher, or no lower, rate was tried at the last length: then the
            rate is not tuned.
    """

    network: nn.Module
    rate: float
    tried: dict[float, float]
    looks: tuple[Look, ...]
    on_the_edge: bool


class Course:
    r"""One training at one rate that can be carried on.

    The mean of the weights leans on the last ones: $\bar w_t = \bar w_{t-1} +
    \frac{\eta+1}{t+\eta}(w_t - \bar w_{t-1})$, η = 8.

    Args:
        network: volumes to two logits, in evaluation mode; copied. Its normalisation keeps its
            statistics throughout.
        rate: of AdamW, reached within 20 steps.
        generator: draws the batches; its state is copied, so that several courses that are given
            the same one see the same batches.

    Source: Shamir and Zhang (2013), doi:10.48550/arXiv.1212.1824.
    """

    def __init__(self, network: nn.Module, *, rate: float, generator: torch.Generator):
        self.network = copy.deepcopy(network)
        self.averaged = copy.deepcopy(network)
        self.rate, self.step = rate, 0
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
            training_mode=nn.Module.eval,
            on_step=self._average,
        )

    @torch.no_grad()
    def _average(self, _step: int, _loss: float) -> None:
        self.step += 1
        share = (_ETA + 1) / (self.step + _ETA)
        for mean, now in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(now, share)

    def look(self, parts: Mapping[str, Patches]) -> Look:
        """Measure the mean of the weights on "validation" and "test"."""
        logits = {part: score(self.averaged, parts[part].volumes) for part in _JUDGES}
        auc = {
            part: auc_of(np.diff(values)[:, 0], parts[part].labels).value
            for part, values in logits.items()
        }
        answers = torch.from_numpy(parts["validation"].labels)
        loss = F.cross_entropy(torch.from_numpy(logits["validation"]), answers).item()
        return Look(self.step, self.rate, auc["validation"], loss, auc["test"])


_JUDGES = ("validation", "test")


def with_head(
    reader: nn.Module, parts: Mapping[str, Patches], *, strengths: Sequence[float] = STRENGTHS
) -> nn.Sequential:
    """Put a head on a reader: logistic regression, its shrinkage chosen on validation volumes.

    Args:
        reader: volumes to features (B, C), in evaluation mode; copied.
        parts: "train" and "validation".
        strengths: what is tried as C, ascending; of equals the first is kept.
    """
    learn, check = parts["train"], parts["validation"]
    features = {name: score(reader, parts[name].volumes) for name in ("train", "validation")}

    def reached(strength: float) -> float:
        head = fit_head(features["train"], learn.labels, strength=strength)
        return auc_of(head.decision_function(features["validation"]), check.labels).value

    best = max(strengths, key=reached)
    head = as_linear(fit_head(features["train"], learn.labels, strength=best))
    return nn.Sequential(copy.deepcopy(reader), head.to(learn.volumes.device)).eval()


def tuned_reader(
    network: nn.Module,
    parts: Mapping[str, Patches],
    *,
    lengths: Sequence[int],
    batch_size: int,
    generator: torch.Generator,
    ladder: Sequence[float] = LADDER,
    start: float = 3e-3,
    carried: int = 2,
) -> TunedReader:
    """Choose the rate by validation AUC, at each length anew, and train on at the best of them.

    The rate `start` and its two neighbours on the ladder are tried for `lengths[0]` steps; while
    the best is the lowest or the highest of those tried, the next one beyond it is tried as well.
    What is quickest need not be what is best in the end: the `carried` best rates train on, and at
    each length the best of these is looked at; if none beyond it was ever tried, the next one is
    trained up to there too. Equal AUCs are told apart by validation loss.

    Args:
        network: reader and head, volumes to two logits; left as it is.
        parts: "train", "validation" and "test".
        lengths: steps to look at, ascending.
        batch_size: volumes a step.
        generator: draws the batches, the same ones at every rate; left as it is.
        ladder: rates, ascending; `start` is one of them.

    Raises:
        ValueError: lengths that do not ascend, a start that is not on the ladder, or no rate that
            is carried on.
    """
    lengths, ladder = list(lengths), list(ladder)
    if not lengths or lengths != sorted(set(lengths)) or lengths[0] < 1:
        raise ValueError(f"lengths {lengths}: give steps of 1 or more, ascending")
    if start not in ladder or ladder != sorted(set(ladder)):
        raise ValueError(f"start {start:g} is not on the ladder of ascending rates {ladder}")
    if carried < 1:
        raise ValueError(f"carried={carried}: carry on with at least the best rate")
    looks = [Course(network, rate=start, generator=generator).look(parts)]
    courses: dict[int, Course] = {}
    seen: dict[int, Look] = {}

    def attempt(rung: int, length: int) -> None:
        if rung not in courses:
            courses[rung] = Course(network, rate=ladder[rung], generator=generator)
        courses[rung].advance(parts["train"], to=length, batch_size=batch_size)
        seen[rung] = courses[rung].look(parts)

    def ranked() -> list[int]:
        return sorted(seen, key=lambda rung: (-seen[rung].validation, seen[rung].validation_loss))

    def beside(rung: int) -> list[int]:
        return [near for near in (rung - 1, rung + 1) if 0 <= near < len(ladder)]

    tried: dict[float, float] = {}
    for length in lengths:
        for rung in ranked()[:carried] or [ladder.index(start)]:
            attempt(rung, length)
        for rung in [rung for rung in seen if courses[rung].step < length]:
            del seen[rung]
        while new := [near for near in beside(ranked()[0]) if near not in courses]:
            for rung in new:
                attempt(rung, length)
        looks.append(seen[ranked()[0]])
        if not tried:
            tried = {ladder[rung]: seen[rung].validation for rung in sorted(seen)}
    best = ranked()[0]
    edge = len(beside(best)) < 2 or not set(beside(best)) <= set(courses)
    return TunedReader(courses[best].averaged.eval(), ladder[best], tried, tuple(looks), edge)
