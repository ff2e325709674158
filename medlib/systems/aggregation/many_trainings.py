"""Many private trainings at once: every setting of a grid, under many draws of the noise.

Which setting is best can only be said over draws of the noise, and one training after the other
that takes minutes. For logistic regression the gradient of a patient is a number times the
patient's features, so that clipping needs no gradient of its own and all trainings share two
products of matrices a round.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit
from scipy.stats import rankdata

__all__ = ["auc_of_rows", "train_many"]


def train_many(
    features: Float[np.ndarray, "patients features"],
    labels: Int[np.ndarray, " labels"],
    *,
    rounds: int,
    clips: Float[np.ndarray, " settings"],
    rates: Float[np.ndarray, " rates"],
    noise_multiplier: float,
    draws: int,
    rng: np.random.Generator,
    hospitals: Int[np.ndarray, " dealt"] | None = None,
) -> Float[np.ndarray, "settings draws features"]:
    """What `private_training.train_privately` gives, for all settings and draws, in single floats.

        w ← w - rate / n · (Σ g_i · clip / max(clip, |g_i|) + N(0, (noise_multiplier · clip)² I))

    With (p_i - y_i) x_i for g_i, its length is |p_i - y_i| |x_i|. All settings of one draw share
    their noise, in units of the clipping length: so they are compared on equal terms.

    Args:
        features: a row for each patient, with a column of ones for the intercept.
        labels: 0 or 1.
        rounds: at least 1.
        clips: the clipping length of each setting.
        rates: the rate of each setting, above 0.
        noise_multiplier: of each round; 0 adds none.
        draws: of the noise, at least 1.
        rng: the noise's.
        hospitals: whose each patient is; then what is clipped is a hospital's mean gradient.

    Raises:
        ValueError: a number out of range, or not one label (and hospital) a patient, one rate a
            clipping length.

    Example:
        >>> x = np.array([[1.0, 1.0], [-1.0, 1.0]])
        >>> w = train_many(x, np.array([1, 0]), rounds=3, clips=np.array([1.0]),
        ...                rates=np.array([1.0]), noise_multiplier=0.0, draws=2,
        ...                rng=np.random.default_rng(0))
        >>> w.shape, bool(w[0, 0, 0] > 0)
        ((1, 2, 2), True)

    Source: Abadi et al. 2016, algorithm 1, doi:10.1145/2976749.2978318, with everybody in every
        round.
    """
    if len(features) != len(labels) or (hospitals is not None and len(hospitals) != len(labels)):
        raise ValueError(
            f"{len(features)} patients, {len(labels)} labels; one each, as of hospitals"
        )
    if clips.shape != rates.shape or not ((clips > 0).all() and (rates > 0).all()):
        raise ValueError(f"{clips.shape} clipping lengths, {rates.shape} rates; as many, above 0")
    if min(rounds, draws) < 1 or noise_multiplier < 0:
        raise ValueError(
            f"rounds {rounds}, draws {draws}, noise_multiplier {noise_multiplier}; at least 1, 1, 0"
        )
    x = features.astype(np.float32)
    n, width = x.shape
    groups = None if hospitals is None else [hospitals == one for one in np.unique(hospitals)]
    clip = np.repeat(clips, draws).astype(np.float32)[:, None]
    step = np.repeat(rates, draws).astype(np.float32)[:, None]
    step = step / (n if groups is None else len(groups))
    lengths = np.linalg.norm(x, axis=1)
    weights = np.zeros((len(clip), width), dtype=np.float32)
    for _ in range(rounds):
        apart = expit(weights @ x.T) - labels.astype(np.float32)
        if groups is None:
            long = np.abs(apart) * lengths
            total = (apart * (clip / np.maximum(clip, long))) @ x
        else:
            total = np.zeros_like(weights)
            for there in groups:
                mean = apart[:, there] @ x[there] / np.float32(there.sum())
                long = np.linalg.norm(mean, axis=1, keepdims=True)
                total += mean * (clip / np.maximum(clip, long))
        if noise_multiplier:
            noise = rng.standard_normal((draws, width), dtype=np.float32)
            total += np.float32(noise_multiplier) * clip * np.tile(noise, (len(clips), 1))
        weights -= step * total
    return weights.reshape(len(clips), draws, width)


def auc_of_rows(
    scores: Float[np.ndarray, "*many patients"], labels: Int[np.ndarray, " patients"]
) -> Float[np.ndarray, "*many"]:
    """The AUC of each row of scores; ties count half.

    Raises:
        ValueError: one class only.

    Example:
        >>> auc_of_rows(np.array([[0.1, 0.4, 0.9], [1.0, 1.0, 0.0]]), np.array([0, 0, 1])).tolist()
        [1.0, 0.0]
    """
    sick = labels == 1
    n_sick, n_well = int(sick.sum()), int((~sick).sum())
    if not (n_sick and n_well):
        raise ValueError(f"{n_sick} patients of class 1 and {n_well} of class 0; some of each")
    ranks = rankdata(scores, axis=-1)[..., sick].sum(axis=-1)
    return (ranks - n_sick * (n_sick + 1) / 2) / (n_sick * n_well)
