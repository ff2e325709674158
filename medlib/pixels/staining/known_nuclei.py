"""The counter of nuclei, tried on tissue whose nuclei are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8

from medlib.pixels.staining.judgement import count_nuclei, dark_end, match_all
from medlib.pixels.staining.nuclei import NucleusMatch


def matches_by_share(
    images: UInt8[np.ndarray, "n height width 3"],
    centres: Sequence[Float[np.ndarray, "_ 2"]],
    patients: Int[np.ndarray, " n"],
    *,
    shares: Sequence[float],
) -> list[NucleusMatch]:
    """What the counter finds of known nuclei at each threshold.

    The threshold is a share of the dark end (`judgement.dark_end`) of each patient's own tissue: it
    must mean the same where a laboratory stains more strongly.

    Args:
        images: stained tiles.
        centres: of each tile, row and column of its nuclei.
        patients: whose tile it is.
        shares: thresholds to try.

    Returns:
        For each share, all patients' matches added up.

    Raises:
        ValueError: the lengths differ.
    """
    if not len(images) == len(centres) == len(patients):
        raise ValueError(
            f"{len(images)} images, {len(centres)} sets of centres, {len(patients)} patients: one"
            " of each for every tile"
        )
    found = [NucleusMatch(0, 0, 0) for _ in shares]
    for patient in np.unique(patients):
        own = np.flatnonzero(patients == patient)
        light = torch.from_numpy(images[own] / np.float32(255)).permute(0, 3, 1, 2)
        true = [centres[i] for i in own]
        dark = dark_end(light)
        for place, share in enumerate(shares):
            found[place] += match_all(count_nuclei(light, threshold=share * dark), true)
    return found
