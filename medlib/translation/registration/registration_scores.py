"""What a registration is worth, pair by pair: overlap, surfaces, folds, the way back, the truth.

No one of them is enough. Labels can overlap under a map that tears; a map can be smooth and lead
nowhere; and where the truth is known, it decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor

from medlib.diagnosis.scoring.overlap import confusion
from medlib.diagnosis.scoring.surfaces import surface_distances
from medlib.translation.registration.composition import inverse_consistency_mm
from medlib.translation.registration.displacement import length_mm
from medlib.translation.registration.jacobian import folded_share, log_jacobian
from medlib.translation.registration.warp import warp_labels

__all__ = ["RegistrationScores", "label_scores", "score_registration"]


@dataclass(frozen=True, eq=False)
class RegistrationScores:
    """One entry for each pair, and of labels one column for each label.

    Attributes:
        dice: overlap of the fixed labels with the moving ones that were warped; nan where neither
            has the label.
        surface_mm: mean distance between their surfaces, of both ways; nan where one has none.
        folded: share of cells inside the mask that fold.
        folded_central: share of voxels there that fold by central differences, as is usual.
        log_jacobian_sd: standard deviation of ln det J over the voxels of the mask that do not
            fold: how uneven the map is.
        inverse_mm: mean of |φ(φ⁻¹(x)) - x| over the mask, where it is known.
        error_mm: mean distance from the known map over the mask; nan without one.
    """

    dice: Float[np.ndarray, "pairs labels"]
    surface_mm: Float[np.ndarray, "pairs labels"]
    folded: Float[np.ndarray, " pairs"]
    folded_central: Float[np.ndarray, " pairs"]
    log_jacobian_sd: Float[np.ndarray, " pairs"]
    inverse_mm: Float[np.ndarray, " pairs"]
    error_mm: Float[np.ndarray, " pairs"]


def label_scores(
    warped: Integer[Tensor, "pairs 1 *grid"],
    fixed: Integer[Tensor, "pairs 1 *grid"],
    *,
    labels: Sequence[int],
    spacing_mm: Sequence[float],
) -> tuple[Float[np.ndarray, "pairs labels"], Float[np.ndarray, "pairs labels"]]:
    """Dice, and the mean surface distance in mm, of each label in each pair.

    Raises:
        ValueError: no label, shapes differ, or no spacing of them.

    Example:
        >>> fixed = torch.zeros(1, 1, 6, 6, dtype=torch.int64)
        >>> fixed[..., 1:4, 1:4] = 3
        >>> dice, surface_mm = label_scores(
        ...     fixed.roll(1, 3), fixed, labels=[3], spacing_mm=(1.0, 2.0))
        >>> dice.round(3), surface_mm.round(3)
        (array([[0.667]]), array([[0.875]]))

    Source: as `Confusion.dice` and `surface_distances`.
    """
    if not len(labels):
        raise ValueError("labels are empty: name one at least")
    ours, truth = (x[:, 0].cpu().numpy() for x in (warped, fixed))
    dice = [confusion(ours == label, truth == label).dice() for label in labels]
    surfaces = np.full((len(truth), len(labels)), np.nan)
    for i, (mine, true) in enumerate(zip(ours, truth, strict=True)):
        for j, label in enumerate(labels):
            found = surface_distances(mine == label, true == label, spacing_mm=spacing_mm)
            if not any(found.empty):
                surfaces[i, j] = np.concatenate([found.to_truth, found.to_predicted]).mean()
    return np.stack(dice, axis=1), surfaces


@torch.no_grad()
def score_registration(
    by_voxels: Float[Tensor, "pairs dims *grid"],
    *,
    back_voxels: Float[Tensor, "pairs dims *grid"],
    fixed_labels: Integer[Tensor, "pairs 1 *grid"],
    moving_labels: Integer[Tensor, "pairs 1 *grid"],
    labels: Sequence[int],
    mask: Bool[Tensor, " pairs *grid"],
    spacing_mm: Sequence[float],
    known: Float[Tensor, "pairs dims *grid"] | None = None,
) -> RegistrationScores:
    """Score the maps of pairs.

    Args:
        by_voxels: from fixed to moving.
        back_voxels: from moving to fixed.
        fixed_labels, moving_labels: anatomy, as whole numbers; labels are warped to the nearest.
        labels: those that count.
        mask: of the fixed image, where maps are judged: the head. In the air around it a map is
            free, and shares over everything are diluted.
        spacing_mm: the voxel's side along each axis.
        known: the true displacement, if there is one.

    Raises:
        ValueError: fields or labels of unlike shapes, no label, or no spacing.

    Example:
        >>> by, labels = torch.zeros(1, 2, 6, 6), torch.ones(1, 1, 6, 6, dtype=torch.int64)
        >>> found = score_registration(
        ...     by, back_voxels=by, fixed_labels=labels, moving_labels=labels, labels=[1],
        ...     mask=labels[:, 0] > 0, spacing_mm=(1.0, 1.0))
        >>> found.dice, found.folded, found.error_mm
        (array([[1.]]), array([0.]), array([nan]))
    """
    warped = warp_labels(moving_labels, by_voxels=by_voxels)
    dice, surface_mm = label_scores(warped, fixed_labels, labels=labels, spacing_mm=spacing_mm)
    log = log_jacobian(by_voxels)
    missed = inverse_consistency_mm(by_voxels, backward=back_voxels, spacing_mm=spacing_mm)
    if known is None:
        error = np.full(len(dice), np.nan)
    else:
        error = _over(length_mm(by_voxels - known, spacing_mm=spacing_mm), mask, np.mean)
    return RegistrationScores(
        dice,
        surface_mm,
        _plain(folded_share(by_voxels, mask=mask)),
        _plain(folded_share(by_voxels, mask=mask, differences="central")),
        _over(log, mask, np.std),
        _over(missed, mask, np.mean),
        error,
    )


def _plain(values: Tensor) -> Float[np.ndarray, " pairs"]:
    return values.cpu().double().numpy()


def _over(values: Tensor, mask: Tensor, statistic) -> Float[np.ndarray, " pairs"]:
    """Of each pair, over what is known inside the mask."""
    found = []
    for value, inside in zip(values.cpu().double(), mask.cpu(), strict=True):
        kept = value[inside & ~value.isnan()].numpy()
        found.append(statistic(kept) if kept.size else np.nan)
    return np.array(found, dtype=float)
