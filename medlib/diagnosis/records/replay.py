"""Risks as a study computes them afterwards, and as they would have been on the ward.

The study fills the whole file and then looks at hour t. The replay goes through the same patients
hour by hour and hands the same network, the same rule only what had been recorded by then.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Float32

from medlib.diagnosis.records.arms import Arm
from medlib.diagnosis.records.gru_d import RiskByHour
from medlib.nets.training import device_of

__all__ = ["offline_risk", "replayed_risk"]

Rows = Float32[np.ndarray, "patients hours channels"]


@torch.no_grad()
def offline_risk(
    network: RiskByHour, arm: Arm, rows: Rows, *, hours: int
) -> Float[np.ndarray, "patients looks"]:
    """Risk at each of the first `hours` hours, all rows filled first, those to come included.

    Example:
        >>> arm, rows = Arm("back"), np.full((1, 4, 1), np.nan, dtype=np.float32)
        >>> network = arm.network(1, hidden=2, generator=torch.Generator().manual_seed(0))
        >>> late = rows.copy()
        >>> late[0, 3] = 2.0
        >>> before, after = (offline_risk(network, arm, r, hours=2) for r in (rows, late))
        >>> bool((before != after).all())
        True
    """
    device = device_of(network)
    logits = network(*(part[:, :hours].to(device) for part in arm.inputs(rows)))
    return torch.sigmoid(logits.cpu().double()).numpy()


@torch.no_grad()
def replayed_risk(
    network: RiskByHour, arm: Arm, rows: Rows, *, at: Sequence[int]
) -> Float[np.ndarray, "patients looks"]:
    """Risk at the hours `at`, each from the rows up to it alone: cut, then filled.

    Args:
        network, arm: trained in whatever way.
        rows: on the scale of the training patients, (patients, hours, channels).
        at: hours, each 1 or more.

    Raises:
        ValueError: an hour below 1 or beyond the rows.

    Example:
        >>> arm, rows = Arm("back"), np.zeros((1, 4, 1), dtype=np.float32)
        >>> network = arm.network(1, hidden=2, generator=torch.Generator().manual_seed(0))
        >>> replayed_risk(network, arm, rows, at=[1, 2]).shape
        (1, 2)
    """
    if not at or not 1 <= min(at) <= max(at) <= rows.shape[1]:
        raise ValueError(f"hours {list(at)}: each lies in 1..{rows.shape[1]}")
    device, looks = device_of(network), []
    for hour in at:
        known = [part.to(device) for part in arm.inputs(rows[:, :hour])]
        looks.append(network(*known)[:, -1].cpu())
    return torch.sigmoid(torch.stack(looks, dim=1).double()).numpy()
