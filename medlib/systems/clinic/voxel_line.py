"""A line over the features of a voxel: what the network is without its hidden layers."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from medlib.systems.clinic.voxel_features import NAMES
from medlib.systems.clinic.voxel_network import Drawn, VoxelNetwork

__all__ = ["VoxelLine", "fit_voxel_line"]

_PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0)  # C: the smaller, the more the weights are held back


class VoxelLine(VoxelNetwork):
    """One weight a feature.

    Example:
        >>> VoxelLine()(torch.zeros(5, len(NAMES))).shape
        torch.Size([5])
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(len(NAMES), 1))


def fit_voxel_line(drawn: Drawn, *, held: Drawn) -> VoxelLine:
    """Logistic regression on the voxels that a network learns from, with the same weights.

    Cross-entropy has one minimum here and is run to it. The penalty is the one of a grid under
    which the held voxels cost least, as the network's weights are those that cost them least.

    Args:
        drawn: of `drawn_voxels`, of studies to learn from.
        held: of others.

    Example:
        >>> x = torch.zeros(40, len(NAMES)); x[20:, 0] = 1
        >>> data = (x, x[:, 0].clone(), torch.ones(40))
        >>> p = fit_voxel_line(data, held=data).probabilities(x.numpy())
        >>> bool(p[:20].max() < 0.1), bool(p[20:].min() > 0.9)
        (True, True)
    """
    line = VoxelLine()
    line.mean.copy_(drawn[0].mean(dim=0))
    line.spread.copy_(drawn[0].std(dim=0).clamp(min=1e-3))
    x, kept_x = (
        ((one[0] - line.mean) / line.spread).numpy().astype(float) for one in (drawn, held)
    )
    y, weights = drawn[1].numpy().astype(int), drawn[2].numpy().astype(float)
    least = np.inf
    for penalty in _PENALTIES:
        found = LogisticRegression(C=penalty, max_iter=500).fit(x, y, sample_weight=weights)
        z, truth = found.decision_function(kept_x), held[1].numpy()
        cost = float(np.average(np.logaddexp(0, z) - truth * z, weights=held[2].numpy()))
        if cost < least:
            least, best = cost, found
    with torch.no_grad():
        line.layers[0].weight.copy_(torch.from_numpy(best.coef_))
        line.layers[0].bias.copy_(torch.from_numpy(best.intercept_))
    return line.eval()
