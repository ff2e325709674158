"""What stands on a reader before it is trained: a head or an aggregation, fitted and tuned.

So that no reader starts behind another: on frozen features each gets the best that validation
volumes can choose for it.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from medlib.measures.auc import auc_of
from medlib.nets.features import as_linear, fit_head
from medlib.translation.volumes.slice_aggregation import SliceWise, fit_aggregation, slice_features
from medlib.translation.volumes.volume_study import Patches, score

__all__ = ["FIRST_RATES", "STRENGTHS", "with_aggregation", "with_head"]

#: What C of the first head is tried.
STRENGTHS = (1e-4, 1e-3, 1e-2, 0.1, 1.0)
#: Highest rates that are tried for an aggregation on frozen features.
FIRST_RATES = (1e-3, 3e-3, 1e-2, 3e-2)


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


def with_aggregation(
    kind: str,
    plane_network: nn.Module,
    parts: Mapping[str, Patches],
    *,
    generator: torch.Generator,
    steps: int = 200,
    rates: Sequence[float] = FIRST_RATES,
) -> SliceWise:
    """Put an aggregation on a 2D network: fitted on its features, at the rate that validates best.

    Args:
        kind: one of `AGGREGATIONS`.
        plane_network: (B, C, H, W) to features (B, F), in evaluation mode; copied.
        parts: "train" and "validation".
        generator: draws weights and batches, the same ones at every rate; left as it is.
        steps, rates: of each fit, and the highest rates tried; of equals the first is kept.

    Raises:
        ValueError: an unknown kind.
    """
    learn, check = parts["train"], parts["validation"]
    features = {
        name: slice_features(plane_network, parts[name].volumes) for name in ("train", "validation")
    }
    labels = torch.from_numpy(learn.labels).to(learn.volumes.device)

    def fitted(rate: float) -> nn.Module:
        same = torch.Generator().set_state(generator.get_state())
        options = {"generator": same, "steps": steps, "peak_rate": rate}
        return fit_aggregation(kind, features["train"], labels, **options)

    def reached(network: nn.Module) -> float:
        with torch.no_grad():
            logits = network(features["validation"]).cpu().numpy()
        return auc_of(np.diff(logits)[:, 0], check.labels).value

    best = max((fitted(rate) for rate in rates), key=reached)
    return SliceWise(copy.deepcopy(plane_network), best).eval()
