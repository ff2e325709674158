"""The AUC that a score would have if hospital and response did not hang together."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from medlib.translation.radiogenomics.weighted_auc import weighted_auc

__all__ = ["balanced_auc", "cell_weights", "site_offset"]


def balanced_auc(
    scores: Float[np.ndarray, " n"],
    site: Int[np.ndarray, " sites"],
    response: Int[np.ndarray, " responses"],
) -> float:
    r"""Mean over all pairs of hospitals (a, b) of the AUC of a's responders against b's others.

    $$ A = \frac{1}{m^2} \sum_{a, b} P(f_{a,1} > f_{b,0}) . $$

    An AUC compares responders with others. Where responders are mostly of one hospital, it compares
    hospitals as well. Here each hospital gives equally much to either side. A score that only
    knows the hospital has 1/2, however strong the link.

    Args:
        scores: higher = response.
        site: the hospital, any whole numbers.
        response: 0 or 1.

    Raises:
        ValueError: lengths differ, a score is not finite, or a hospital lacks one of the responses:
            then nothing in these patients tells response from hospital there.

    Example:
        >>> site, response = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 0, 1, 0, 1, 1])
        >>> balanced_auc(site.astype(float), site, response)
        0.5

    Source: the AUC under weights P(s)P(y)/P(s, y) for equally large hospitals.
    """
    cells = _cells(site, response)
    values = np.asarray(scores, float)
    if values.shape != np.shape(site) or not np.isfinite(values).all():
        raise ValueError(f"scores of shape {values.shape}: one finite number a patient")
    weights = sum(rows / rows.sum() for rows in cells.values())
    return weighted_auc(values, np.asarray(response), weights=weights)


def cell_weights(
    site: Int[np.ndarray, " sites"], response: Int[np.ndarray, " responses"]
) -> Float[np.ndarray, " n"]:
    """Weights P(s) P(y) / P(s, y), under which hospital and response are independent; mean 1.

    Args:
        site: the hospital.
        response: 0 or 1.

    Raises:
        ValueError: a hospital lacks one of the responses.

    Example:
        >>> cell_weights(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]))
        Traceback (most recent call last):
        ...
        ValueError: hospital 1 has no patient with response 0: nothing there tells them apart
        >>> cell_weights(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    weights = np.empty(len(site))
    for (place, value), rows in _cells(site, response).items():
        expected = np.mean(site == place) * np.mean(response == value)
        weights[rows] = expected / np.mean(rows)
    return weights


def site_offset(
    site: Int[np.ndarray, " sites"], response: Int[np.ndarray, " responses"]
) -> dict[int, float]:
    """Log-odds of response at each hospital, with half a patient added to each cell.

    Added to a network's logit while it learns, they say what the hospital alone tells, so that the
    network need not. They are an intercept for each hospital, not learned but counted.

    Args:
        site: the hospital.
        response: 0 or 1.

    Example:
        >>> found = site_offset(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
        >>> round(found[0], 3), round(found[1], 3)
        (0.0, 1.609)
    """
    found = {}
    for place in np.unique(site).tolist():
        ones = int((response[site == place] == 1).sum())
        others = int((site == place).sum()) - ones
        found[place] = float(np.log((ones + 0.5) / (others + 0.5)))
    return found


def _cells(site: np.ndarray, response: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    site, response = np.asarray(site), np.asarray(response)
    if site.shape != response.shape or site.ndim != 1 or not np.isin(response, (0, 1)).all():
        raise ValueError(
            f"site {site.shape} and response {response.shape}: one of each a patient, responses"
            " 0 or 1"
        )
    cells = {}
    for place in np.unique(site).tolist():
        for value in (0, 1):
            cells[place, value] = (site == place) & (response == value)
            if not cells[place, value].any():
                raise ValueError(
                    f"hospital {place} has no patient with response {value}: nothing there tells"
                    " them apart"
                )
    return cells
