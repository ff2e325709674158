"""Linear probes: how well a straight cut through one depth's features answers a question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.metrics import roc_auc_score
from torch import Tensor

from medlib.nets.efficientnet_lite import DEPTHS, EfficientNetLite0
from medlib.nets.features import fit_head
from medlib.nets.training import device_of

__all__ = ["Probe", "check_labels", "features_by_depth", "probe", "reached", "read_by_depth"]


@dataclass(frozen=True)
class Probe:
    """What one probe reached on test images.

    Args:
        auc: area under the ROC curve; for more than two labels the mean over labels of one
            against the rest. 0.5 = guessing.
        accuracy: share of test images given the right label.
    """

    auc: float
    accuracy: float


def features_by_depth(
    network: EfficientNetLite0,
    images: Float[Tensor, "n 3 height width"],
    *,
    batch_size: int = 64,
) -> dict[str, Float[np.ndarray, "n channels"]]:
    """Return every image's channel means at every depth, from one forward pass.

    Args:
        network: used in evaluation mode, and left in the mode it was in.
        images: preprocessed.

    Example:
        >>> found = features_by_depth(EfficientNetLite0(), torch.zeros(2, 3, 32, 32))
        >>> [found[depth].shape[1] for depth in ("stem", "stage3", "head")]
        [32, 40, 1280]
    """
    return read_by_depth(network, images, lambda maps: maps.mean(dim=(2, 3)), batch_size=batch_size)


@torch.no_grad()
def read_by_depth(
    network: EfficientNetLite0,
    images: Float[Tensor, "n 3 height width"],
    read: Callable[[Tensor], Tensor],
    *,
    batch_size: int = 64,
) -> dict[str, Float[np.ndarray, "n columns"]]:
    """Return what `read` makes of the maps at every depth, (B, C, H, W) to (B, columns).

    The network is used in evaluation mode, and left in the mode it was in.
    """
    device, was_training = device_of(network), network.training
    network.eval()
    parts: list[list[np.ndarray]] = []
    for part in images.split(batch_size):
        maps = network.depths(part.to(device))
        parts.append([read(m).cpu().numpy() for m in maps])
    network.train(was_training)
    columns = zip(*parts, strict=True)
    return {depth: np.concatenate(c) for depth, c in zip(DEPTHS, columns, strict=True)}


def probe(
    train: tuple[Float[np.ndarray, "n channels"], Int[np.ndarray, " n"]],
    test: tuple[Float[np.ndarray, "m channels"], Int[np.ndarray, " m"]],
    *,
    strength: float = 1e-2,
) -> Probe:
    """Fit a logistic regression on one depth's features and measure it on test images.

    Args:
        train, test: features and labels 0, 1, ...; every label occurs in both.
        strength: as in `fit_head`.

    Raises:
        ValueError: a label that occurs on one side only.

    Example:
        >>> x, y = np.array([[0.0], [1.0], [8.0], [9.0]]), np.array([0, 0, 1, 1])
        >>> probe((x, y), (x, y), strength=1.0)
        Probe(auc=1.0, accuracy=1.0)

    Source: Alain and Bengio (2017), doi:10.48550/arXiv.1610.01644.
    """
    check_labels(train[1], test[1])
    return reached(fit_head(*train, strength=strength), test)


def reached(
    head: Any, test: tuple[Float[np.ndarray, "m channels"], Int[np.ndarray, " m"]]
) -> Probe:
    """Measure a head that `fit_head` fitted, on images that have each of its labels."""
    guess = head.predict_proba(test[0])
    if guess.shape[1] == 2:
        auc = roc_auc_score(test[1], guess[:, 1])
    else:
        auc = roc_auc_score(test[1], guess, multi_class="ovr")
    return Probe(auc=float(auc), accuracy=float(head.score(test[0], test[1])))


def check_labels(train: Int[np.ndarray, " n"], test: Int[np.ndarray, " m"]) -> None:
    """Refuse labels that occur on one side only, or fewer than two."""
    labels = [np.unique(part).tolist() for part in (train, test)]
    if labels[0] != labels[1] or len(labels[0]) < 2:
        raise ValueError(f"labels are {labels[0]} in training, {labels[1]} in the test")
