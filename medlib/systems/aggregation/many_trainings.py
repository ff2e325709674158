"""Many private trainings at once: every setting of a grid, under many draws of the noise.

Which setting is best can only be said over draws of the noise, and one training after the other
that takes minutes. For logistic regression the gradient of a patient is a number times the
patient's features, so that clipping needs no gradient of its own and all trainings share two
products of matrices a round. Draws are taken in blocks that fit into a processor's cache.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import rankdata

__all__ = ["auc_of_rows", "train_many"]

_BLOCK = 512  # trainings at a time


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
    order = np.arange(len(labels)) if hospitals is None else np.argsort(hospitals, kind="stable")
    x, y = features[order].astype(np.float32), labels[order].astype(np.float32)
    sizes = None if hospitals is None else np.unique(hospitals, return_counts=True)[1]
    step = (rates / (len(x) if sizes is None else len(sizes))).astype(np.float32)
    blur = (noise_multiplier * clips).astype(np.float32)[:, None]
    weights = np.zeros((draws, len(clips), x.shape[1]), dtype=np.float32)
    for block in np.array_split(weights, max(weights[..., 0].size // _BLOCK, 1)):
        rows = block.reshape(-1, x.shape[1])  # a view: what is taken off it is taken off `weights`
        limit, pace = (np.tile(each, len(block))[:, None] for each in (clips, step))
        for _ in range(rounds):
            total = _clipped_sum(rows, x, y, limit.astype(np.float32), sizes)
            if noise_multiplier:
                noise = rng.standard_normal((len(block), 1, x.shape[1]), dtype=np.float32)
                total += (blur * noise).reshape(rows.shape)
            rows -= pace * total
    return weights.swapaxes(0, 1)


def _clipped_sum(weights, x, y, clip, sizes) -> np.ndarray:
    """Clipped gradients, summed; of patients, or of hospitals, who stand one after the other."""
    apart = np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * (weights @ x.T))) - y  # p - y
    if sizes is None:
        apart *= clip / np.maximum(clip, np.abs(apart) * np.linalg.norm(x, axis=1))
        return apart @ x
    total = np.zeros_like(weights)
    for end, size in zip(np.cumsum(sizes), sizes, strict=True):
        mean = apart[:, end - size : end] @ x[end - size : end] / np.float32(size)
        long = np.sqrt(np.einsum("ij,ij->i", mean, mean))[:, None]
        total += mean * (clip / np.maximum(clip, long))
    return total


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
