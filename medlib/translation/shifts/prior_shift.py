"""Prior shift: each class looks as it did, but comes at another rate.

When p(x|y) stays and p(y) becomes p'(y), Bayes' rule says what becomes of a classifier's
probabilities. The new rate is known, or estimated from unlabelled images in one of two ways.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

__all__ = [
    "BbsePrior",
    "EmPrior",
    "bbse_prior",
    "correct_prior",
    "em_prior",
    "joint_confusion",
    "moved_threshold",
]


@dataclass(frozen=True, eq=False)
class EmPrior:
    """The rates of the classes that make the unlabelled images most likely.

    `log_likelihood` has one entry a step, per image and up to a constant; it never falls.
    """

    prior: Float[np.ndarray, " classes"]
    log_likelihood: Float[np.ndarray, " steps"]


@dataclass(frozen=True, eq=False)
class BbsePrior:
    """The rates of the classes that explain how often the classifier says each of them.

    `weights` are p'(y)/p(y) as the linear system gives them, negative ones included; `prior` is
    cut to what rates can be. `condition` is the largest over the smallest singular value of the
    confusion matrix with columns p(said | y): 1 = a perfect classifier, infinite = one whose
    answers do not depend on y.
    """

    prior: Float[np.ndarray, " classes"]
    weights: Float[np.ndarray, " classes"]
    condition: float


def correct_prior(
    probabilities: Float[np.ndarray, "n classes"],
    *,
    old: Float[np.ndarray, " classes"],
    new: Float[np.ndarray, " classes"],
) -> Float[np.ndarray, "n classes"]:
    """Return a classifier's probabilities as they are where the classes come at other rates.

    p'(y|x) = p(y|x) p'(y)/p(y) / Σ_k p(k|x) p'(k)/p(k)

    Args:
        probabilities: p(y|x), each row sums to 1.
        old: p(y), the rates that the classifier was made for; all above 0.
        new: p'(y), the rates at hand.

    Returns:
        p'(y|x); each row sums to 1. Correcting back restores the input.

    Raises:
        ValueError: rates or rows that do not sum to 1, an old rate of 0, other numbers of classes,
            or an image that is impossible at the new rates.

    Example:
        >>> p = np.array([[0.9, 0.1]])
        >>> one_percent, half = np.array([0.99, 0.01]), np.array([0.5, 0.5])
        >>> correct_prior(p, old=one_percent, new=half).round(3)
        array([[0.083, 0.917]])

    Source: Saerens, Latinne and Decaestecker (2002), doi:10.1162/089976602753284446.
    """
    p, old, new = _checked(probabilities, old), _rates(old, "old"), _rates(new, "new")
    if (old == 0).any():
        raise ValueError(f"old={old.tolist()}: a class never seen before cannot be corrected for")
    if len(new) != len(old):
        raise ValueError(f"old names {len(old)} classes, new {len(new)}")
    joint = p * (new / old)
    total = joint.sum(axis=1, keepdims=True)
    if (total == 0).any():
        row = int(np.flatnonzero(total[:, 0] == 0)[0])
        raise ValueError(f"row {row} is certain to be of a class whose new rate is 0")
    return joint / total


def moved_threshold(threshold: float, *, old: float, new: float) -> float:
    """Return where to cut the *uncorrected* probability of a positive to decide as before.

    With odds(p) = p/(1-p): odds(τ) = odds(t) odds(π) / odds(π'), for t on the corrected scale.

    Args:
        threshold: t, the probability at the new prevalence from which one acts, 0 < t < 1.
        old: π, the prevalence that the classifier was made for, 0 < π < 1.
        new: π', the prevalence at hand, 0 < π' < 1.

    Returns:
        τ: p(y=1|x) > τ exactly where the corrected probability exceeds t. Lower = acts earlier.

    Raises:
        ValueError: a number outside (0, 1).

    Example:
        >>> round(moved_threshold(0.5, old=0.01, new=0.5), 6)
        0.01
    """
    for name, value in (("threshold", threshold), ("old", old), ("new", new)):
        if not 0 < value < 1:
            raise ValueError(f"{name}={value}: give a probability between 0 and 1, both excluded")
    up = threshold * old * (1 - new)
    return up / (up + (1 - threshold) * (1 - old) * new)


def em_prior(
    probabilities: Float[np.ndarray, "n classes"],
    *,
    old: Float[np.ndarray, " classes"],
    tolerance: float = 1e-6,
    max_steps: int = 100_000,
) -> EmPrior:
    """Estimate the rates of the classes among unlabelled images by expectation-maximisation.

    E: p_s(y|x_i) ∝ p(y|x_i) π_s(y)/p(y);  M: π_{s+1}(y) = mean over i of p_s(y|x_i)

    It climbs to the top of Σ_i ln Σ_y p(y|x_i) π(y)/p(y), which is concave in π.

    Args:
        probabilities: p(y|x_i) of a *calibrated* classifier on the unlabelled images.
        old: p(y), the rates that it was made for; also where EM starts.
        tolerance: stop when no rate moves by more in a step.
        max_steps: give up after so many.

    Raises:
        ValueError: as `correct_prior`; RuntimeError: no standstill within `max_steps`.

    Example:
        >>> sure = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
        >>> em_prior(sure, old=np.array([0.9, 0.1])).prior
        array([0.25, 0.75])

    Source: Saerens, Latinne and Decaestecker (2002), doi:10.1162/089976602753284446.
    """
    p, old = _checked(probabilities, old), _rates(old, "old")
    if (old == 0).any():
        raise ValueError(f"old={old.tolist()}: EM cannot weigh a class that was never seen")
    ratio, prior, climb = p / old, old, []
    for _ in range(max_steps):
        joint = ratio * prior
        total = joint.sum(axis=1, keepdims=True)
        climb.append(float(np.log(total).mean()))
        after = (joint / total).mean(axis=0)
        moved = float(np.abs(after - prior).max())
        prior = after
        if moved <= tolerance:
            return EmPrior(prior, np.array(climb))
    raise RuntimeError(
        f"after {max_steps} steps EM still moves by {moved:.1e} a step (tolerance {tolerance:g}): "
        "the classes overlap so much that the rates are hardly determined"
    )


def joint_confusion(
    said: Float[np.ndarray, "n classes"], labels: Int[np.ndarray, " labels"]
) -> Float[np.ndarray, "classes classes"]:
    """Return the confusion matrix as joint rates: entry (i, j) = p(said i, is j).

    Args:
        said: one row an image, summing to 1: a one-hot decision, or the probabilities themselves
            (the "soft" matrix).
        labels: 0..classes-1, the truth.

    Raises:
        ValueError: lengths differ, or a class that no label names.

    Example:
        >>> joint_confusion(np.eye(2)[[0, 0, 1, 1]], np.array([0, 0, 0, 1]))
        array([[0.5 , 0.  ],
               [0.25, 0.25]])
    """
    said, labels = np.asarray(said, dtype=float), np.asarray(labels)
    if said.ndim != 2 or len(said) != len(labels):
        raise ValueError(f"said has shape {said.shape}, but there are {len(labels)} labels")
    classes = said.shape[1]
    counts = np.bincount(labels, minlength=classes)
    if len(counts) > classes or (counts == 0).any():
        raise ValueError(
            f"labels hold {counts.tolist()} images of classes 0, 1, ...; every one of the "
            f"{classes} classes that can be said needs a labelled image"
        )
    return said.T @ np.eye(classes)[labels] / len(labels)


def bbse_prior(
    said: Float[np.ndarray, "m classes"], *, confusion: Float[np.ndarray, "classes classes"]
) -> BbsePrior:
    """Estimate the rates of the classes from how often a classifier says each of them.

    C w = μ with C_ij = p(said i, is j) where labels were, μ_i = p'(said i), w_j = p'(j)/p(j)

    For two classes this is Rogan and Gladen's π' = (q - FPR)/(TPR - FPR), with q the share called
    positive. Unlike EM it asks for no calibration: only that the classifier errs on each class as
    often as it used to.

    Args:
        said: the answers on the unlabelled images, of the kind that made `confusion`.
        confusion: `joint_confusion` on labelled images from where the classifier was made.

    Raises:
        ValueError: shapes do not fit, or the matrix is singular: the answers carry no news of y.

    Example:
        >>> C = joint_confusion(np.eye(2)[[0] * 8 + [1] * 2], np.array([0] * 8 + [1] * 2))
        >>> bbse_prior(np.eye(2)[[0, 1, 1, 1]], confusion=C).prior
        array([0.25, 0.75])

    Source: Lipton, Wang and Smola (2018), doi:10.48550/arXiv.1802.03916; Rogan and Gladen (1978),
    doi:10.1093/oxfordjournals.aje.a112510.
    """
    said, confusion = np.asarray(said, dtype=float), np.asarray(confusion, dtype=float)
    if confusion.shape != (said.shape[1],) * 2:
        raise ValueError(
            f"said tells {said.shape[1]} classes apart; confusion has shape {confusion.shape}"
        )
    old = confusion.sum(axis=0)
    condition = float(np.linalg.cond(confusion / old))
    if not condition < 1e12:
        raise ValueError(
            "the confusion matrix is singular: whatever the truth, the classifier answers alike "
            "(is its threshold so high that it never says one of the classes?)"
        )
    weights = np.linalg.solve(confusion, said.mean(axis=0))
    rates = np.clip(weights * old, 0, None)
    return BbsePrior(rates / rates.sum(), weights, condition)


def _checked(probabilities: np.ndarray, old: np.ndarray) -> Float[np.ndarray, "n classes"]:
    p = np.asarray(probabilities, dtype=float)
    if p.ndim != 2 or p.shape[1] != len(old):
        raise ValueError(
            f"probabilities have shape {p.shape}, old names {len(old)} classes: one column a class"
        )
    if len(p) == 0 or not ((p >= 0).all() and np.allclose(p.sum(axis=1), 1, atol=1e-6)):
        raise ValueError("each row of probabilities is >= 0 and sums to 1")
    return p


def _rates(rates: np.ndarray, name: str) -> Float[np.ndarray, " classes"]:
    rates = np.asarray(rates, dtype=float)
    if rates.ndim != 1 or (rates < 0).any() or not np.isclose(rates.sum(), 1):
        raise ValueError(f"{name}={rates.tolist()}: rates are >= 0 and sum to 1")
    return rates
