"""The recorded trial of depth against scale: who read the lesion how well, at which size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from medlib.nets.efficientnet_lite import DEPTHS
from medlib.translation.seeing.pooled_features import BEHIND

__all__ = ["WAYS", "DepthAndScale"]

#: The ways of asking, and the depths that can be asked so.
WAYS = {"means": DEPTHS, "pooled": DEPTHS, "behind": BEHIND}


class DepthAndScale:
    """Test AUCs over sides of the picture, sizes of the patch before resizing, depths and seeds.

    Args:
        trial: a recorded sweep of `_depth_and_scale`, crossed over side_units, size and seed.

    Attributes:
        sides: sides of the picture that the network is given, in pixels.
        patches: sides of the patch that was resized to them, in pixels.
        n: seeds.
    """

    def __init__(self, trial: Any):
        self.trial = trial
        self.sides = [32 * units for units in trial.grid["side_units"]]
        self.patches = list(trial.grid["size"])
        self.n = len(trial.seeds)

    def one(self, name: str, side: int, patch: int) -> Float[np.ndarray, " seeds"]:
        """One recorded result at one side and one patch, by its name."""
        return self.trial.array(name, side_units=side // 32, size=patch)

    def auc(
        self, way: str, side: int, patch: int, *, who: str = "own", of: str = "auc"
    ) -> Float[np.ndarray, "depths seeds"]:
        """Return test AUCs at the depths of `WAYS[way]`.

        Args:
            way: how the depths were asked.
            side, patch: in pixels.
            who: "own", the trained network with its own statistics, or "random".
            of: "auc" for the test, "validation" for the images that probes were tuned on.

        Raises:
            ValueError: it was not measured there.
        """
        return np.stack([self.one(f"{of}_{who}_{way}_{d}", side, patch) for d in WAYS[way]])

    def chosen(self, side: int, patch: int, *, ways: Sequence[str]) -> Float[np.ndarray, " seeds"]:
        """Return for each seed the test AUC of the depth and way that did best in validation."""
        tested, judged = (
            np.concatenate([self.auc(way, side, patch, of=of) for way in ways])
            for of in ("auc", "validation")
        )
        return tested[judged.argmax(axis=0), np.arange(self.n)]

    def at(self, way: str, depth: str, side: int, patch: int) -> Float[np.ndarray, " seeds"]:
        """Return test AUCs of one depth, asked in one way."""
        return self.one(f"auc_own_{way}_{depth}", side, patch)
