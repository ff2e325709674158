"""A transfer study: labelled images with their cached features, and one arm measured on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from medlib.measures.auc import Auc, auc_difference, auc_of
from medlib.nets.efficientnet_lite import EfficientNetLite0, preprocess
from medlib.nets.features import as_linear, cached_features, fit_head, predict
from medlib.nets.training import device_of
from medlib.translation.moving.arms import Arm
from medlib.translation.moving.finetuning import fine_tune

__all__ = ["Outcome", "Pool", "gain", "label_images", "measure_arm"]


@dataclass(frozen=True, eq=False)
class Pool:
    """Preprocessed images, their labels 0 or 1, and the frozen source network's features."""

    images: Float[Tensor, "n 3 height width"]
    labels: Int[np.ndarray, " n"]
    features: Float[np.ndarray, "n channels"]

    def __len__(self) -> int:
        return len(self.labels)

    def pick(self, n: int, *, draw: int = 0) -> Pool:
        """Return n images, half of each label: the `draw`-th such set; sets do not overlap.

        Raises:
            ValueError: odd n, or too few images of a label; the message says how many there are.
        """
        half = n // 2
        by_label = [np.flatnonzero(self.labels == label) for label in (0, 1)]
        least = min(map(len, by_label))
        if n < 2 or n % 2 or (draw + 1) * half > least:
            raise ValueError(
                f"set {draw} of {n} images needs {(draw + 1) * n / 2:g} of each label; "
                f"there are {least} (n is even, at least 2)"
            )
        part = slice(draw * half, (draw + 1) * half)
        return self.at(np.stack([rows[part] for rows in by_label], axis=1).ravel())

    def at(self, rows: Int[np.ndarray, " k"]) -> Pool:
        """Return the images at the given rows."""
        images = self.images[torch.from_numpy(rows).to(self.images.device)]
        return Pool(images, self.labels[rows], self.features[rows])

    def shuffled(self, *, rng: np.random.Generator) -> Pool:
        """Return the same images with their labels dealt out anew: nothing is left to learn."""
        return Pool(self.images, rng.permutation(self.labels), self.features)


@dataclass(frozen=True, eq=False)
class Outcome:
    """One arm, fitted once: its scores on the test images, and the network behind them."""

    arm: Arm
    network: EfficientNetLite0
    scores: Float[np.ndarray, " n"]
    test: Auc
    train: Auc

    @property
    def gap(self) -> float:
        """Training AUC minus test AUC: how much of what was learned does not carry over."""
        return self.train.value - self.test.value


def label_images(
    source: EfficientNetLite0,
    images: UInt8[np.ndarray, "n height width 3"],
    labels: Int[np.ndarray, " n"],
) -> Pool:
    """Preprocess 8-bit RGB images and cache the source network's features of them.

    Example:
        >>> images = np.zeros((4, 32, 32, 3), dtype=np.uint8)
        >>> label_images(EfficientNetLite0(), images, np.array([0, 1, 0, 1])).features.shape
        (4, 1280)
    """
    prepared = preprocess(images, device=device_of(source))
    return Pool(prepared, labels, cached_features(source, prepared))


def measure_arm(
    arm: Arm,
    source: EfficientNetLite0,
    train: Pool,
    test: Pool,
    *,
    steps: int,
    batch_size: int,
    generator: torch.Generator,
    strength: float = 1e-2,
) -> Outcome:
    """Fit an arm on `train` and measure it on `test`.

    Every arm starts with a logistic regression on the cached features (`fit_head`). An arm that
    moves its head only ends there, without a training step; the others start from that head.

    Args:
        steps, batch_size, generator: as in `fine_tune`; unused by an arm that moves its head only.
        strength: C of the logistic regression.

    Returns:
        Outcome; scores are higher = more likely label 1. The training AUC is that of at most as
        many training images as there are test images.
    """
    head = fit_head(train.features, train.labels, strength=strength)
    pairs = min(len(test) // 2, int(train.labels.sum()), int((1 - train.labels).sum()))
    seen = train.pick(2 * pairs) if len(train) > len(test) else train
    if arm.moves == "head":
        network = source
        scores, own = (head.decision_function(part.features) for part in (test, seen))
    else:
        network = fine_tune(
            arm,
            source,
            train.images,
            torch.from_numpy(train.labels),
            head=as_linear(head),
            steps=steps,
            batch_size=min(batch_size, len(train)),
            generator=generator,
        ).network
        scores, own = (np.diff(predict(network, part.images))[:, 0] for part in (test, seen))
    return Outcome(arm, network, scores, auc_of(scores, test.labels), auc_of(own, seen.labels))


def gain(new: Outcome, old: Outcome, labels: Int[np.ndarray, " n"]) -> Auc:
    """Return test AUC of `new` minus that of `old`, with DeLong's interval for the same images.

    Args:
        labels: of the test images that both outcomes were measured on.
    """
    first, second = (
        (outcome.scores[labels == 1], outcome.scores[labels == 0]) for outcome in (new, old)
    )
    return auc_difference(first, second)
