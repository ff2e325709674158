"""A model learned from noisy sums alone, and the noise with which all rounds spend no more than ε.

Logistic regression: the smallest model that has a gradient for each patient, so that what is seen
is the price of the noise and of the clipping, and nothing of a training that was not finished.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Int
from scipy.special import expit

from medlib.systems.aggregation.privacy import noise_for_one_round, noisy_sum

__all__ = ["noise_for_rounds", "patient_gradients", "train_privately"]


def noise_for_rounds(epsilon: float, delta: float, *, rounds: int) -> float:
    """The noise multiplier of each of many rounds in which everybody takes part.

        σ = σ_1(ε, δ) · √rounds

    Gaussian noise composes exactly: k sums with σ tell as much as one with σ / √k, also where each
    round was chosen after the last was seen. Held against Opacus' accountant in the tests.

    Args:
        epsilon: spent by all rounds together, above 0.
        delta: inside 0..1.
        rounds: at least 1.

    Raises:
        ValueError: a number out of range.

    Example:
        >>> round(noise_for_rounds(1.0, 1e-5, rounds=4) / noise_for_one_round(1.0, 1e-5), 6)
        2.0

    Source: Dong, Roth and Su 2022, on composition, doi:10.1111/rssb.12454; Balle and Wang 2018,
        doi:10.48550/arXiv.1805.06530.
    """
    if rounds < 1:
        raise ValueError(f"rounds is {rounds}; it must be at least 1")
    return noise_for_one_round(epsilon, delta) * math.sqrt(rounds)


def patient_gradients(
    weights: Float[np.ndarray, " features"],
    features: Float[np.ndarray, "patients features"],
    labels: Int[np.ndarray, " patients"],
) -> Float[np.ndarray, "patients features"]:
    """The gradient of each patient's logistic loss.

        g_i = (p_i - y_i) x_i,   p_i = 1 / (1 + e^(-w·x_i))

    Example:
        >>> patient_gradients(np.zeros(2), np.array([[2.0, 1.0]]), np.array([1])).tolist()
        [[-1.0, -0.5]]
    """
    return (expit(features @ weights) - labels)[:, None] * features


def train_privately(
    features: Float[np.ndarray, "patients features"],
    labels: Int[np.ndarray, " labels"],
    *,
    rounds: int,
    rate: float,
    clip: float,
    noise_multiplier: float,
    rng: np.random.Generator,
    hospitals: Int[np.ndarray, " dealt"] | None = None,
) -> Float[np.ndarray, " features"]:
    """Weights after rounds of gradient descent on noisy sums of clipped gradients.

        w ← w - rate / n · (Σ g_i · clip / max(clip, |g_i|) + N(0, (noise_multiplier · clip)² I))

    The number n of patients counts as public. With `hospitals`, g_i is a hospital's mean gradient
    and n the number of hospitals: then one hospital more or less is what the noise hides.

    Args:
        features: a row for each patient, with a column of ones for the intercept.
        labels: 0 or 1.
        rounds: at least 1.
        rate: of each step, above 0.
        clip: the length to which each patient's gradient is shortened.
        noise_multiplier: of each round, from `noise_for_rounds`; 0 adds none.
        rng: the noise's.
        hospitals: whose each patient is; by default each patient is a participant.

    Raises:
        ValueError: a number out of range, or not one label (and hospital) a patient.

    Source: Abadi et al. 2016, algorithm 1, doi:10.1145/2976749.2978318, with everybody in every
        round.
    """
    if len(features) != len(labels) or rounds < 1 or rate <= 0:
        raise ValueError(
            f"{len(features)} patients, {len(labels)} labels, rounds {rounds}, rate {rate}; one "
            "label each, at least 1, above 0"
        )
    if hospitals is not None and len(hospitals) != len(features):
        raise ValueError(f"{len(features)} patients and {len(hospitals)} hospitals; one each")
    weights = np.zeros(features.shape[1])
    for _ in range(rounds):
        gradients = patient_gradients(weights, features, labels)
        if hospitals is not None:
            there = np.unique(hospitals)
            gradients = np.stack([gradients[hospitals == one].mean(axis=0) for one in there])
        shown = noisy_sum(gradients, norm=clip, noise_multiplier=noise_multiplier, rng=rng)
        weights = weights - rate / len(gradients) * shown.sum
    return weights
