"""Deletion and insertion curves: does the score follow when what the map marks is taken away?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from medlib.pixels.maps.layer_gradient import class_scores

__all__ = ["ScoreCurve", "score_curve"]


@dataclass(frozen=True, eq=False)
class ScoreCurve:
    """A class's probability while an image is taken apart or put together.

    Attributes:
        shares: (steps + 1,), the share of the cells changed so far, 0 to 1.
        probabilities: (B, steps + 1).
    """

    shares: Float[np.ndarray, " points"]
    probabilities: Float[np.ndarray, "batch points"]

    @property
    def area(self) -> Float[np.ndarray, " batch"]:
        """The area under each curve, 0 to 1: low is good for deletion, high for insertion."""
        return np.trapezoid(self.probabilities, self.shares, axis=1)


@torch.no_grad()
def score_curve(
    network: nn.Module,
    images: Float[Tensor, "batch channels height width"],
    maps: Float[Tensor, "batch rows columns"],
    *,
    baseline: Tensor,
    target: int | Int[Tensor, " batch"],
    mode: Literal["deletion", "insertion"] = "deletion",
    steps: int = 8,
    ends: tuple[Float[Tensor, " batch"], Float[Tensor, " batch"]] | None = None,
) -> ScoreCurve:
    """Replace the cells of the map, highest first, and record softmax(y)_c after each step.

    Deletion starts from the image and puts the baseline in; insertion starts from the baseline and
    puts the image in. A cell is the square of pixels that one value of the map stands for.

    Args:
        network: in evaluation mode.
        images: preprocessed; their sides are multiples of the map's.
        maps: one value a cell, higher = earlier; equal values in reading order.
        baseline: what replaces a cell, broadcast over the images (a colour, a blurred image).
        target: the class c, one for all or one an image.
        mode: "deletion" or "insertion".
        steps: how many equal portions the cells are changed in.
        ends: softmax(y)_c of the images and of the baseline where they are known already, for they
            are the same whatever the map; None = ask the network.

    Raises:
        ValueError: an unknown mode, sides that do not divide, or more steps than cells.

    Example:
        >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).eval()
        >>> curve = score_curve(net, torch.ones(1, 1, 2, 2), torch.rand(1, 2, 2),
        ...                     baseline=torch.zeros(1), target=0, steps=4)
        >>> curve.shares.tolist(), curve.probabilities.shape
        ([0.0, 0.25, 0.5, 0.75, 1.0], (1, 5))

    Source: Petsiuk, Das and Saenko (2018), doi:10.48550/arXiv.1806.07421.
    """
    if mode not in ("deletion", "insertion"):
        raise ValueError(f'mode={mode!r}; choose "deletion" or "insertion"')
    n, rows, columns = maps.shape
    height, width = images.shape[-2:]
    if height % rows or width % columns or len(images) != n:
        raise ValueError(
            f"{n} maps of {rows}x{columns} for {len(images)} images of {height}x{width}: "
            "give one map an image, whose cells are whole pixels"
        )
    if not 1 <= steps <= rows * columns:
        raise ValueError(f"steps={steps}; a map of {rows * columns} cells allows 1 to that many")
    order = maps.to(images.device).flatten(1).argsort(dim=1, descending=True, stable=True)
    place = order.argsort(dim=1).reshape(n, 1, rows, columns)  # 0 = changed first
    place = place.repeat_interleave(height // rows, 2).repeat_interleave(width // columns, 3)
    baseline = baseline.to(images).expand_as(images)
    before, after = (images, baseline) if mode == "deletion" else (baseline, images)
    changed = np.round(np.linspace(0, rows * columns, steps + 1)).astype(int)
    known = {}
    if ends is not None:
        first, last = ends if mode == "deletion" else ends[::-1]
        known = {0: first.to(images), rows * columns: last.to(images)}
    curve = []
    for count in changed.tolist():
        if count not in known:
            mixed = torch.where(place < count, after, before)
            known[count] = class_scores(network(mixed).softmax(dim=1), target)[0]
        curve.append(known[count])
    return ScoreCurve(changed / (rows * columns), torch.stack(curve, dim=1).double().cpu().numpy())
