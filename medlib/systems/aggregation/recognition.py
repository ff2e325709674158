"""Whose image is it? A reconstruction held against the images of many patients.

How near a reconstruction comes to its patient says little: patients resemble each other, and so
does their mean image. What tells is whether it is nearer to its own patient than to all others.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

__all__ = ["likeness", "rank_of_own", "twins"]


def likeness(
    found: Float[np.ndarray, "n pixels"], gallery: Float[np.ndarray, "patients values"]
) -> Float[np.ndarray, "n patients"]:
    """Correlation over pixels of each image found with each of a gallery; brightness drops out.

    Args:
        found: a row for each reconstruction.
        gallery: a row for each patient.

    Returns:
        -1..1; higher = more alike; 0 for an image without contrast.

    Raises:
        ValueError: images of another size, or values that are not finite.

    Example:
        >>> bars = np.array([[0.0, 0, 1, 1], [0, 1, 0, 1]])
        >>> likeness(3 * bars + 1, bars).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    if found.shape[1:] != gallery.shape[1:]:
        raise ValueError(
            f"images of {found.shape[1:]} and {gallery.shape[1:]} pixels; give one size"
        )
    if not (np.isfinite(found).all() and np.isfinite(gallery).all()):
        raise ValueError("an image holds values that are not finite")
    return _centred(found) @ _centred(gallery).T


def twins(gallery: Float[np.ndarray, "patients pixels"]) -> float:
    """The likeness of the two different patients who are most alike.

    A reconstruction that is more like a patient than that is in the clear: no other patient could
    be taken for it.

    Raises:
        ValueError: fewer than two patients.
    """
    if len(gallery) < 2:
        raise ValueError(f"{len(gallery)} patient; two or more are needed")
    alike = likeness(gallery, gallery)
    np.fill_diagonal(alike, -1.0)
    return float(alike.max())


def rank_of_own(
    alike: Float[np.ndarray, "n patients"], own: Int[np.ndarray, " own"]
) -> Float[np.ndarray, " n"]:
    """Share of the other patients to whom a reconstruction is nearer than to its own.

    Args:
        alike: from `likeness`.
        own: whose image was looked for, as a column of `alike`.

    Returns:
        0 = nearest to its own of all; 0.5 on average for one that knows nothing. Ties count half.

    Raises:
        ValueError: one patient only, or not one number a row.

    Example:
        >>> rank_of_own(np.array([[0.9, 0.2, 0.1], [0.9, 0.2, 0.1]]), np.array([0, 1])).tolist()
        [0.0, 0.5]
    """
    n, patients = alike.shape
    if own.shape != (n,) or patients < 2:
        raise ValueError(f"{len(own)} patients looked for in {n} rows, of {patients}; one each")
    mine = alike[np.arange(n), own][:, None]
    nearer, ties = (alike > mine).sum(axis=1), (alike == mine).sum(axis=1) - 1
    return (nearer + ties / 2) / (patients - 1)


def _centred(images: np.ndarray) -> np.ndarray:
    images = np.asarray(images, dtype=float)
    apart = images - images.mean(axis=1, keepdims=True)
    return apart / np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-12)
