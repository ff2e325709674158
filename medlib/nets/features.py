"""Features computed once, for arms that never change them, and a linear head fitted on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from medlib.nets.efficientnet_lite import DEPTHS, EfficientNetLite0
from medlib.nets.training import device_of

__all__ = ["as_linear", "cached_features", "fit_head", "predict"]


@torch.no_grad()
def cached_features(
    network: EfficientNetLite0,
    images: Float[Tensor, "n 3 height width"],
    *,
    depth: str = "head",
    batch_size: int = 64,
) -> Float[np.ndarray, "n channels"]:
    """Return each image's channel means at one depth: one forward pass, for any number of heads.

    Args:
        network: used in evaluation mode, and left in the mode it was in.
        images: preprocessed.
        depth: one of `DEPTHS`; "head" gives the 1 280 features that the classifier sees.

    Raises:
        ValueError: an unknown depth.

    Example:
        >>> cached_features(EfficientNetLite0(), torch.zeros(2, 3, 32, 32), depth="stage3").shape
        (2, 40)
    """
    if depth not in DEPTHS:
        raise ValueError(f"no depth {depth!r}; there are {', '.join(DEPTHS)}")
    index, device, was_training = DEPTHS.index(depth), device_of(network), network.training
    network.eval()
    parts = [
        network.depths(part.to(device))[index].mean(dim=(2, 3)).cpu()
        for part in images.split(batch_size)
    ]
    network.train(was_training)
    return torch.cat(parts).numpy()


@torch.no_grad()
def predict(
    network: EfficientNetLite0, images: Float[Tensor, "n 3 height width"], *, batch_size: int = 64
) -> Float[np.ndarray, "n classes"]:
    """Return the logits in evaluation mode; the network is left in the mode it was in.

    Example:
        >>> predict(EfficientNetLite0(classes=2), torch.zeros(3, 3, 32, 32)).shape
        (3, 2)
    """
    device, was_training = device_of(network), network.training
    network.eval()
    parts = [network(part.to(device)).cpu() for part in images.split(batch_size)]
    network.train(was_training)
    return torch.cat(parts).numpy()


def fit_head(
    features: Float[np.ndarray, "n channels"],
    labels: Int[np.ndarray, " n"],
    *,
    strength: float = 1e-2,
) -> Any:
    """Fit a logistic regression on standardised features: the new head of a frozen network.

    min_w  Σ_i log-loss(y_i, w·x_i) + |w|² / (2 C), with C = `strength`.

    Args:
        strength: C, above 0; smaller = more shrinkage. Choose it on validation data.

    Returns:
        A scikit-learn pipeline; `decision_function(features)` is higher = more likely class 1.

    Example:
        >>> head = fit_head(np.array([[-1.0], [-2.0], [1.0], [2.0]]), np.array([0, 0, 1, 1]))
        >>> head.predict(np.array([[-3.0], [3.0]])).tolist()
        [0, 1]
    """
    head = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))
    return head.fit(features, labels)


@torch.no_grad()
def as_linear(head: Any) -> nn.Linear:
    """Return a fitted two-class head as a linear layer with two logits, scaling folded in.

    With z = w·(x - m)/s + b the logits are (-z/2, z/2), so that softmax gives the same probability.

    Args:
        head: what `fit_head` returned, for two classes.

    Raises:
        ValueError: more than two classes.

    Example:
        >>> head = fit_head(np.array([[-1.0], [-2.0], [1.0], [2.0]]), np.array([0, 0, 1, 1]))
        >>> low, high = as_linear(head)(torch.tensor([[0.7]])).flatten().tolist()
        >>> bool(np.isclose(high - low, head.decision_function([[0.7]])[0]))
        True
    """
    scaler, logistic = head[0], head[-1]
    if len(logistic.classes_) != 2:
        raise ValueError(f"the head tells {len(logistic.classes_)} classes apart; expected 2")
    slope = logistic.coef_[0] / scaler.scale_
    offset = logistic.intercept_[0] - slope @ scaler.mean_
    layer = nn.Linear(len(slope), 2)
    layer.weight.copy_(torch.from_numpy(np.stack([-slope, slope]) / 2))
    layer.bias.copy_(torch.tensor([-offset / 2, offset / 2]))
    return layer
