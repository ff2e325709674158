"""One procedure that tunes every arm of a study on validation images, the frozen one first.

What is tuned: a head's scaling and strength; an arm's rate, its other settings one after the other,
and the step at which it stops. Test images have no way in: nothing here is given them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from medlib.nets.efficientnet_lite import EfficientNetLite0
from medlib.nets.features import as_linear, cached_features, predict
from medlib.nets.heads import with_head
from medlib.translation.moving.arms import Arm
from medlib.translation.moving.finetuning import fine_tune
from medlib.translation.moving.freeze_plan import FreezePlan
from medlib.translation.moving.gradual_unfreezing import GradualUnfreezing
from medlib.translation.moving.planned_statistics import refresh_planned
from medlib.translation.moving.study import Pool

__all__ = [
    "STRENGTHS",
    "Bench",
    "Head",
    "Trained",
    "best_of",
    "climb",
    "fit_linear",
    "lasting",
    "scores_of",
    "tune_head",
]

#: C of the logistic regression, from hardly any weight to hardly any shrinkage.
STRENGTHS = tuple(10.0**power for power in range(-4, 4))
Found = TypeVar("Found")


def fit_linear(
    features: Float[np.ndarray, "n channels"],
    labels: Int[np.ndarray, " n"],
    *,
    scaled: bool,
    strength: float,
) -> nn.Linear:
    """Return a logistic regression as a layer with two logits, (-z/2, z/2).

    Args:
        scaled: standardise each feature by the training images' mean and deviation first; the layer
            has it folded in.
        strength: C, above 0; smaller = more shrinkage.

    Example:
        >>> x, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
        >>> layer = fit_linear(x, y, scaled=False, strength=1)
        >>> bool(layer(torch.tensor([[3.0]])).diff() > 0)
        True
    """
    scaler = StandardScaler().fit(features)
    if not scaled:
        scaler.mean_[:], scaler.scale_[:] = 0, 1
    fitted = LogisticRegression(C=strength, max_iter=5000)
    fitted.fit(scaler.transform(features), labels)
    return as_linear(make_pipeline(scaler, fitted))


def scores_of(layer: nn.Linear, features: Float[np.ndarray, "n channels"]) -> np.ndarray:
    """Return the difference of the two logits, shape (n,): higher = more likely label 1."""
    weight, bias = (part.detach().double().cpu().numpy() for part in (layer.weight, layer.bias))
    return features @ (weight[1] - weight[0]) + (bias[1] - bias[0])


@dataclass(frozen=True, eq=False)
class Head:
    """A head of the frozen network, and how it was chosen."""

    layer: nn.Linear
    scaled: bool
    strength: float
    validation: float

    @property
    def on_edge(self) -> bool:
        """Whether the best strength is the first or the last that was tried."""
        return self.strength in (STRENGTHS[0], STRENGTHS[-1])


def tune_head(
    train: Float[np.ndarray, "n channels"],
    labels: Int[np.ndarray, " n"],
    validation: Float[np.ndarray, "m channels"],
    validation_labels: Int[np.ndarray, " m"],
    *,
    scalings: Sequence[bool] = (False, True),
) -> Head:
    """Return the head with the best validation AUC over scalings and `STRENGTHS`.

    Of equal ones the first counts: unscaled before scaled, more shrinkage before less.
    """
    best: Head | None = None
    for scaled in scalings:
        for strength in STRENGTHS:
            layer = fit_linear(train, labels, scaled=scaled, strength=strength)
            auc = float(roc_auc_score(validation_labels, scores_of(layer, validation)))
            if best is None or auc > best.validation:
                best = Head(layer, scaled, strength, auc)
    assert best is not None
    return best


@dataclass(frozen=True, eq=False)
class Trained:
    """One training of an arm, stopped where it validated best.

    Attributes:
        steps: how many steps its schedule was made for.
        best_step: the step whose weights are kept; 0 where no step improved on the start.
        curve: validation AUC by step, at the start and at each check.
        start: the parameters before the first step, by name.
    """

    arm: Arm
    network: EfficientNetLite0
    start: dict[str, Tensor]
    steps: int
    validation: float
    best_step: int
    curve: tuple[tuple[int, float], ...]


@dataclass(frozen=True, eq=False)
class Bench:
    """Where all arms of a study are trained alike: same images, same order, same checks.

    Args:
        source: the pretrained network.
        train, validation: images that share nothing.
        batch_size: images a step; fewer where there are fewer.
        seed: of every training's generator, so that arms differ in nothing that is drawn.
        every: steps between two validations; the best of these weights are kept, the start's among
            them.
    """

    source: EfficientNetLite0
    train: Pool
    validation: Pool
    batch_size: int
    seed: int
    every: int = 25

    def head(self, statistics: str) -> Head:
        """Return the best head under the source's statistics, or under those of the new images.

        An arm that normalises by its batches starts from a head that was fitted under such
        statistics: under the source's its first steps would repair the head.
        """
        parts = self.train, self.validation
        features = [part.features for part in parts]
        if statistics == "batch":
            renewed = with_head(self.source, self.source.classifier)
            whole = FreezePlan(0, statistics="batch")
            refresh_planned(renewed, self.train.images, whole)
            features = [cached_features(renewed, part.images) for part in parts]
        return tune_head(features[0], self.train.labels, features[1], self.validation.labels)

    def fit(self, arm: Arm, *, head: nn.Linear, steps: int) -> Trained:
        """Train an arm for `steps` steps at most, and keep the weights that validate best.

        A pretrained arm may keep its start, the head on what the network was before: of equal
        validations the earlier counts.
        """

        def score(model: nn.Module) -> float:
            seen = model
            if arm.statistics == "batch":  # as it will be used: by statistics of the images
                seen = copy.deepcopy(model)
                refresh_planned(seen, self.train.images, arm.plan_at(step=steps))
            scores = np.diff(predict(seen, self.validation.images))[:, 0]
            return 1 - float(roc_auc_score(self.validation.labels, scores))

        fit = fine_tune(
            arm,
            self.source,
            self.train.images,
            torch.from_numpy(self.train.labels),
            head=head,
            steps=steps,
            batch_size=min(self.batch_size, len(self.train)),
            generator=torch.Generator().manual_seed(self.seed),
            validate=score,
            every=self.every,
        )
        network, best, at = fit.network, min(fit.history.validation_loss), fit.history.best_step
        checked = list(zip(fit.history.validation_steps, fit.history.validation_loss, strict=True))
        if arm.pretrained:
            untouched = with_head(self.source, head)
            if arm.statistics == "batch":
                refresh_planned(untouched, self.train.images, arm.plan_at(step=steps))
            loss = score(untouched.eval())
            checked.insert(0, (0, loss))
            if loss <= best:
                network, best, at = untouched, loss, 0
        return Trained(
            arm=arm,
            network=network,
            start=fit.start,
            steps=steps,
            validation=1 - best,
            best_step=at,
            curve=tuple((step, 1 - loss) for step, loss in checked),
        )

    def fit_longer(
        self, short: Trained, *, head: nn.Linear, steps: int, thirds: int = 2
    ) -> Trained:
        """Train the arm of `short` for more steps, at a rate that is right for so many.

        A rate chosen for few steps may be too high for many. As long as the longer training
        validates worse than `short` it is tried again at a third of the rate, `thirds` times at
        most; the one that validates best is returned.
        """
        arm, tried = lasting(short.arm, steps), []
        for _ in range(1 + thirds):
            tried.append(self.fit(arm, head=head, steps=steps))
            if tried[-1].validation >= short.validation:
                break
            arm = arm.but(arm.name, peak_rate=arm.peak_rate / 3)
        return best_of(tried)


def lasting(arm: Arm, steps: int) -> Arm:
    """Return the arm with its thawing, if it thaws, spread over so many steps.

    Example:
        >>> lasting(Arm("graded"), 100).unfreezing is None
        True
    """
    if arm.unfreezing is None:
        return arm
    return arm.but(arm.name, unfreezing=GradualUnfreezing.within(steps=steps))


def climb(
    values: Sequence[float],
    trial: Callable[[float], tuple[float, Found]],
    *,
    most_more: int = 2,
) -> tuple[Found, bool]:
    """Return what scores best over `values`; go on beyond an edge as long as it wins.

    Args:
        values: at least two, increasing by a factor.
        trial: of a value, its score (higher = better) and whatever shall be returned.
        most_more: how many values may be added, one after the other, by the first or last factor.

    Returns:
        What the best value gave (of equal scores the smallest value's), and whether the best is
        still on an edge.

    Raises:
        ValueError: fewer than two values, or they do not increase.

    Example:
        >>> climb([1.0, 10.0], lambda value: (-abs(np.log10(value) - 2), value))
        (100.0, False)
    """
    if len(values) < 2 or any(a >= b for a, b in pairwise(values)):
        raise ValueError(f"values={list(values)}: give two or more, increasing")
    found = {value: trial(value) for value in values}
    for _ in range(most_more):
        line = sorted(found)
        best = max(line, key=lambda value: found[value][0])
        if best == line[0]:
            more = line[0] * line[0] / line[1]
        elif best == line[-1]:
            more = line[-1] * line[-1] / line[-2]
        else:
            break
        found[more] = trial(more)
    line = sorted(found)
    best = max(line, key=lambda value: found[value][0])
    return found[best][1], best in (line[0], line[-1])


def best_of(tried: Iterable[Trained]) -> Trained:
    """Return the training that validates best; of equal ones the first."""
    return max(tried, key=lambda each: each.validation)
