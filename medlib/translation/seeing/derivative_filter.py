"""What a linear filter makes of an image whose scale and zero have changed: a·I + b."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Shaped

__all__ = ["filter_kinds", "grey_kernels", "response_to_affine", "scale_left", "sum_share"]


def grey_kernels(
    weights: Float[np.ndarray, "filters colours height width"],
) -> Float[np.ndarray, "filters height width"]:
    """Return the kernels that act on a grey image given as three equal colours: their sum.

    Example:
        >>> grey_kernels(np.ones((2, 3, 1, 1))).ravel().tolist()
        [3.0, 3.0]
    """
    return np.asarray(weights, dtype=np.float64).sum(axis=1)


def sum_share(kernels: Float[np.ndarray, "filters ..."]) -> Float[np.ndarray, " filters"]:
    """Return |Σ k| / Σ |k| of every kernel: 0 for a derivative filter, 1 for a weighted mean.

    Returns:
        0..1; NaN for a kernel of zeros.

    Example:
        >>> sum_share(np.array([[[-1.0, 0.0, 1.0]], [[1.0, 2.0, 1.0]], [[-1.0, 4.0, -1.0]]]))
        array([0.        , 1.        , 0.33333333])
    """
    flat = np.asarray(kernels, dtype=np.float64).reshape(len(kernels), -1)
    whole = np.abs(flat).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.abs(flat.sum(axis=1)) / whole


def filter_kinds(
    weights: Float[np.ndarray, "filters colours height width"],
    *,
    derivative_below: float = 0.1,
    colour_below: float = 0.2,
    silent_below: float = 1e-3,
) -> Shaped[np.ndarray, " filters"]:
    """Sort first-layer filters by what they answer to.

    With the grey kernel g = Σ_colours w, in this order:

    - "silent": Σ|w| is below `silent_below` of the largest filter's;
    - "colour": Σ|g| is below `colour_below` of Σ|w|: grey images hardly move it;
    - "derivative": |Σg| is below `derivative_below` of Σ|g|: an even grey does not move it;
    - "brightness": the rest.

    Example:
        >>> edge, tint = np.zeros((3, 1, 2)), np.zeros((3, 1, 2))
        >>> edge[:, 0], tint[:, 0, 0] = [-1.0, 1.0], [1.0, -1.0, 0.0]
        >>> filter_kinds(np.stack([edge, tint, np.ones((3, 1, 2)), 0 * edge])).tolist()
        ['derivative', 'colour', 'brightness', 'silent']
    """
    weights = np.asarray(weights, dtype=np.float64)
    grey = grey_kernels(weights)
    whole, of_grey = np.abs(weights).sum((1, 2, 3)), np.abs(grey).sum((1, 2))
    return np.select(
        [
            whole < silent_below * whole.max(),
            of_grey < colour_below * whole,
            np.abs(grey.sum((1, 2))) < derivative_below * of_grey,
        ],
        ["silent", "colour", "derivative"],
        "brightness",
    )


def response_to_affine(
    response: Float[np.ndarray, "filters ..."],
    *,
    kernel_sums: Float[np.ndarray, " sums"],
    scale: float,
    shift: float,
) -> Float[np.ndarray, "filters ..."]:
    """Return what filters answer to a·I + b, from what they answer to I.

    (a I + b) ∗ k = a (I ∗ k) + b Σk, wherever the kernel does not touch the image's edge: there the
    padding's zeros do not become b. A derivative filter, Σk = 0, keeps the first term only.

    Args:
        response: I ∗ k.
        kernel_sums: Σk of each filter.
        scale, shift: a and b.

    Raises:
        ValueError: not one sum a filter.

    Example:
        >>> response_to_affine(np.array([[5.0]]), kernel_sums=np.zeros(1), scale=2.0, shift=9.0)
        array([[10.]])
    """
    kernel_sums = np.asarray(kernel_sums, dtype=np.float64)
    if kernel_sums.shape != response.shape[:1]:
        raise ValueError(
            f"kernel_sums has shape {kernel_sums.shape}; expected one sum for each of the "
            f"{response.shape[0]} filters"
        )
    places = (1,) * (response.ndim - 1)
    return scale * response + shift * kernel_sums.reshape(-1, *places)


def scale_left(
    variance: Float[np.ndarray, " filters"], *, scale: float, eps: float
) -> Float[np.ndarray, " filters"]:
    """Return the factor of a·I + b that is left after normalising by the batch's own statistics.

    With answers u of mean m and variance v to the images I, answers to a I + b have mean
    a m + b Σk and variance a² v, so that

        (a u + b Σk - mean) / √(a² v + ε) = sign(a) (u - m) / √(v + ε/a²).

    The factor between that and (u - m)/√(v + ε) is sign(a) √((v + ε)/(v + ε/a²)): ±1 but for ε.

    Args:
        variance: v, of the answers to the unchanged images.
        scale: a, not 0.
        eps: ε of the normalisation.

    Raises:
        ValueError: a = 0, a negative variance, or an ε that is negative.

    Example:
        >>> scale_left(np.array([1.0, 1e-3]), scale=0.5, eps=1e-3).round(4)
        array([0.9985, 0.6325])
        >>> scale_left(np.array([1.0, 1e-3]), scale=-0.5, eps=0.0)
        array([-1., -1.])

    Source: Ioffe and Szegedy (2015), doi:10.48550/arXiv.1502.03167.
    """
    variance = np.asarray(variance, dtype=np.float64)
    if scale == 0 or eps < 0 or (variance < 0).any():
        raise ValueError(f"scale={scale} (not 0), eps={eps} (>= 0), variances >= 0: one is not")
    return np.sign(scale) * np.sqrt((variance + eps) / (variance + eps / scale**2))
