"""How many images each hospital has, and of which class: sizes and label skew, two dials."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

__all__ = ["deal", "dirichlet_counts", "geometric_sizes", "skewed_counts"]


def geometric_sizes(total: int, *, n: int, ratio: float = 1.0, least: int = 1) -> tuple[int, ...]:
    r"""Numbers of images of n hospitals, each smaller than the one before by the same factor.

    $s_i \propto r^{-i/(n-1)}$, i = 0..n-1, rounded so that the sum is exact.

    Args:
        total: images of all hospitals together.
        n: hospitals.
        ratio: r, the largest hospital's number over the smallest's, before rounding; 1 = all alike.
        least: images that a hospital must have.

    Returns:
        n numbers, the largest first.

    Raises:
        ValueError: no hospital, a ratio below 1, or a total that leaves the smallest with fewer
            than `least`; the message says which total would do.

    Example:
        >>> geometric_sizes(310, n=5, ratio=16)
        (160, 80, 40, 20, 10)
    """
    if n < 1 or not 1 <= ratio < np.inf or least < 0 or (n == 1 and ratio != 1):
        raise ValueError(
            f"n={n} (>= 1), ratio={ratio} (>= 1, and 1 for one hospital), least={least} (>= 0): "
            "one is out of range"
        )
    shares = ratio ** -(np.arange(n) / max(n - 1, 1))
    sizes = _largest_remainder(total * shares / shares.sum())
    if sizes[-1] < least:
        needed = int(np.ceil(least * shares.sum() / shares[-1]))
        raise ValueError(
            f"{total} images at a ratio of {ratio} leave the smallest of {n} hospitals "
            f"{sizes[-1]}, fewer than {least}: give {needed} images, or a smaller ratio"
        )
    return tuple(sizes.tolist())


def skewed_counts(
    sizes: Sequence[int],
    *,
    prevalence: float,
    skew: float,
    rng: np.random.Generator,
    pool: Sequence[int] | None = None,
) -> Int[np.ndarray, "n 2"]:
    r"""How many negatives and positives each hospital has, when labels are skewed by a dial.

    $q_i = (1 - s)\,q + s\,e_i$: from the pool's prevalence q everywhere (skew s = 0) to hospitals
    of one class only (s = 1), where hospitals are filled with positives one after the other until
    the pool has no more, so that at most one has both classes. The pool's prevalence is therefore
    the same at every skew, whatever the sizes: the two dials do not turn each other.

    Args:
        sizes: images of each hospital.
        prevalence: q, share of positives in all of them together, 0..1.
        skew: s, 0..1.
        rng: draws the order in which hospitals are filled, so that it does not follow their sizes.
        pool: negatives and positives that there are to give; None = as many as are asked for.

    Returns:
        One row a hospital, (negatives, positives); rows sum to `sizes`.

    Raises:
        ValueError: a number out of range, or more of a class than the pool has.

    Example:
        >>> skewed_counts([8, 8, 8, 8], prevalence=0.5, skew=0.5,
        ...               rng=np.random.default_rng(0))[:, 1].tolist()
        [6, 2, 6, 2]
    """
    held = _checked(sizes)
    if not (0 <= prevalence <= 1 and 0 <= skew <= 1):
        raise ValueError(f"prevalence={prevalence} and skew={skew} must lie in 0..1")
    positives = int(np.rint(prevalence * held.sum()))
    filled = np.zeros(len(held))
    left = positives
    for i in rng.permutation(len(held)):
        filled[i] = min(left, held[i])
        left -= int(filled[i])
    wanted = (1 - skew) * held * (positives / held.sum()) + skew * filled
    of_class = np.minimum(_largest_remainder(wanted), held)
    counts = np.stack([held - of_class, of_class], axis=1)
    _refuse_more_than(pool, counts)
    return counts


def dirichlet_counts(
    sizes: Sequence[int],
    *,
    shares: Sequence[float],
    alpha: float,
    rng: np.random.Generator,
    pool: Sequence[int] | None = None,
) -> Int[np.ndarray, "n classes"]:
    r"""How many of each class each hospital has, when its mixture is drawn from a Dirichlet.

    $q_i \sim \mathrm{Dir}(\alpha p)$: α → ∞ gives every hospital the shares p, α → 0 one class.
    Other than under `skewed_counts`, what all hospitals have together is a matter of chance.

    Args:
        sizes: images of each hospital.
        shares: p, of each class; positive, summing to 1.
        alpha: concentration, > 0. Hsu et al. go from 100 (alike) to 0.05.
        rng: draws the mixtures, hospital by hospital: one more changes none of those before.
        pool: how many there are of each class; None = as many as are asked for.

    Returns:
        One row a hospital, one column a class; rows sum to `sizes`.

    Raises:
        ValueError: a number out of range, or more of a class than the pool has.

    Example:
        >>> dirichlet_counts([10, 10], shares=[0.5, 0.5], alpha=1e6,
        ...                  rng=np.random.default_rng(0)).tolist()
        [[5, 5], [5, 5]]

    Source: Hsu, Qi and Brown 2019, doi:10.48550/arXiv.1909.06335.
    """
    held = _checked(sizes)
    p = np.asarray(shares, float)
    if not alpha > 0 or p.ndim != 1 or not (p > 0).all() or abs(p.sum() - 1) > 1e-9:
        raise ValueError(f"alpha={alpha} must be > 0, shares {p.tolist()} positive with sum 1")
    rows = [_largest_remainder(size * _mixture(alpha * p, rng)) for size in held]
    counts = np.array(rows, dtype=np.int64).reshape(len(held), len(p))
    _refuse_more_than(pool, counts)
    return counts


def deal(
    labels: Int[np.ndarray, " images"],
    *,
    counts: Int[np.ndarray, "n classes"],
    rng: np.random.Generator,
) -> tuple[Int[np.ndarray, " _"], ...]:
    """Deal a pool of labelled images to hospitals: each image to one of them at most.

    Args:
        labels: class of each image of the pool, 0..classes - 1.
        counts: how many of each class (column) each hospital (row) gets.
        rng: shuffles the pool, class by class.

    Returns:
        Each hospital's rows of the pool, ascending.

    Raises:
        ValueError: more of a class than the pool has; the message says how many it would need.

    Example:
        >>> deal(np.array([0, 1, 0, 1]), counts=np.array([[2, 0], [0, 1]]),
        ...      rng=np.random.default_rng(0))[0].tolist()
        [0, 2]
    """
    classes = counts.shape[1]
    _refuse_more_than([int((labels == c).sum()) for c in range(classes)], counts)
    ends = np.cumsum(counts, axis=0)
    shuffled = [rng.permutation(np.flatnonzero(labels == c)) for c in range(classes)]
    return tuple(
        np.sort(
            np.concatenate(
                [shuffled[c][ends[i, c] - counts[i, c] : ends[i, c]] for c in range(classes)]
            )
        )
        for i in range(len(counts))
    )


def _largest_remainder(wanted: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Whole numbers next to the wanted ones, with the same sum; of equal remainders the first."""
    wanted = np.round(wanted, 9)  # 2.9999999996 images are 3
    whole = np.floor(wanted).astype(np.int64)
    missing = int(np.rint(wanted.sum())) - int(whole.sum())
    whole[np.argsort(whole - wanted, kind="stable")[:missing]] += 1
    return whole


def _mixture(
    concentration: Float[np.ndarray, " classes"], rng: np.random.Generator
) -> Float[np.ndarray, " classes"]:
    """One draw; by its limit, one class, where the draws are too small for a float."""
    drawn = rng.dirichlet(concentration)
    if np.isfinite(drawn).all():
        return drawn
    only = rng.choice(len(concentration), p=concentration / concentration.sum())
    return np.eye(len(concentration))[only]


def _checked(sizes: Sequence[int]) -> Int[np.ndarray, " n"]:
    held = np.asarray(sizes, dtype=np.int64)
    if held.ndim != 1 or len(held) < 1 or (held < 1).any():
        raise ValueError(f"sizes are {list(sizes)}; give one number >= 1 a hospital")
    return held


def _refuse_more_than(pool: Sequence[int] | None, counts: Int[np.ndarray, "n classes"]) -> None:
    if pool is None:
        return
    for c, (there, asked) in enumerate(zip(pool, counts.sum(axis=0).tolist(), strict=True)):
        if asked > there:
            raise ValueError(f"class {c}: {asked} images are asked for, the pool has {there}")
