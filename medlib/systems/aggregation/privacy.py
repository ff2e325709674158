"""Noise on the sum, so that no one client or record can be told from it; and how much is enough.

`noise_multiplier` below is always the standard deviation of the noise over the largest length that
one participant (a client or an example, whichever was clipped) can add to the sum. Neighbours are
sums with and without one participant.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.special import log_ndtr

__all__ = [
    "NoisySum",
    "clipped",
    "delta_of_gaussian",
    "epsilon_of",
    "noise_for",
    "noise_for_one_round",
    "noisy_sum",
]

ACCOUNTANTS = ("prv", "rdp")
_ORDERS = [1 + k / 10 for k in range(1, 100)] + [*range(12, 64), *(2**k for k in range(6, 13))]


@dataclass(frozen=True, eq=False)
class NoisySum:
    """A sum that may be shown.

    Attributes:
        sum: with its noise.
        clipped: how many participants were shortened.
    """

    sum: Float[np.ndarray, " n"]
    clipped: int


def clipped(
    updates: Float[np.ndarray, "participants n"], *, norm: float
) -> Float[np.ndarray, "participants n"]:
    """Each update, shortened to a length where it is longer.

        x_i · norm / max(norm, |x_i|)

    Raises:
        ValueError: a length that is not positive and finite, or an update that is not finite.

    Example:
        >>> clipped(np.array([[3.0, 4.0], [0.3, 0.4]]), norm=2.5).tolist()
        [[1.5, 2.0], [0.3, 0.4]]

    Source: Abadi et al. 2016, algorithm 1, doi:10.1145/2976749.2978318.
    """
    if not (norm > 0 and math.isfinite(norm)):
        raise ValueError(f"norm is {norm}; a length is positive and finite")
    if (bad := np.flatnonzero(~np.isfinite(updates).all(axis=1))).size:
        raise ValueError(f"the update of row {bad[0]} is not finite; no length bounds it")
    lengths = np.linalg.norm(updates, axis=1, keepdims=True)
    return updates * (norm / np.maximum(lengths, norm))


def noisy_sum(
    updates: Float[np.ndarray, "participants n"],
    *,
    norm: float,
    noise_multiplier: float,
    rng: np.random.Generator,
) -> NoisySum:
    """The sum of clipped updates and Gaussian noise.

        Σ x_i · norm / max(norm, |x_i|) + N(0, (noise_multiplier · norm)² I)

    Here in one place and in floats, for teaching. Under secure aggregation the noise has to be in
    the words before they are masked: each client adds a part, so large that t parts are enough. A
    deployment draws discrete noise from a secure source, since the lowest bits of floating-point
    noise tell on the sum; and rounding to words lengthens an update by √n / 2 steps at most.

    Args:
        updates: a row for each participant.
        norm: the length to which each is clipped.
        noise_multiplier: from `noise_for`; 0 adds none and protects nothing.
        rng: the noise's; who knows its seed can take the noise off.

    Raises:
        ValueError: a negative multiplier, or as `clipped`.

    Source: Abadi et al. 2016, doi:10.1145/2976749.2978318; on floats Mironov 2012,
        doi:10.1145/2382196.2382264; distributed noise Kairouz, Liu and Steinke 2021,
        doi:10.48550/arXiv.2102.06387.
    """
    if noise_multiplier < 0:
        raise ValueError(f"noise_multiplier is {noise_multiplier}; it must be at least 0")
    total = clipped(updates, norm=norm).sum(axis=0)
    noise = rng.normal(scale=noise_multiplier * norm, size=total.shape)
    long = np.linalg.norm(updates, axis=1) > norm
    return NoisySum(total + noise, int(long.sum()))


def delta_of_gaussian(epsilon: float, *, noise_multiplier: float) -> float:
    """The δ of one noisy sum of everybody, exactly.

        δ = Φ(1/(2σ) - εσ) - e^ε Φ(-1/(2σ) - εσ)

    Source: Balle and Wang 2018, theorem 8, doi:10.48550/arXiv.1805.06530.

    Example:
        >>> round(delta_of_gaussian(1.0, noise_multiplier=1.0), 4)
        0.1269
    """
    if epsilon < 0 or noise_multiplier <= 0:
        raise ValueError(
            f"epsilon is {epsilon}, noise_multiplier {noise_multiplier}; at least 0, and above 0"
        )
    half, shift = 1 / (2 * noise_multiplier), epsilon * noise_multiplier
    return float(np.exp(log_ndtr(half - shift)) - np.exp(epsilon + log_ndtr(-half - shift)))


def noise_for_one_round(epsilon: float, delta: float) -> float:
    """The least noise multiplier for one sum of everybody: the analytic Gaussian mechanism.

    Raises:
        ValueError: an epsilon that is not positive, or a delta outside 0..1.

    Example:
        >>> round(noise_for_one_round(1.0, 1e-5), 3)
        3.731

    Source: Balle and Wang 2018, doi:10.48550/arXiv.1805.06530.
    """
    _check(epsilon, delta, 1, 1.0)

    def above(log_noise: float) -> float:
        return delta_of_gaussian(epsilon, noise_multiplier=math.exp(log_noise)) - delta

    return math.exp(brentq(above, math.log(1e-3), math.log(1e6), xtol=1e-12))


def epsilon_of(
    *,
    noise_multiplier: float,
    delta: float,
    rounds: int,
    share: float = 1.0,
    accountant: str = "prv",
) -> float:
    """What many rounds together spend, by Opacus' accountants.

    Args:
        noise_multiplier: of each round.
        delta: 0..1, well below one over the number of participants.
        rounds: at least 1.
        share: chance of each participant to be in a round, drawn anew and kept secret; 1 = all are.
        accountant: "prv" is tight to a hundredth, "rdp" a bound that is easier to check.

    Returns:
        ε; higher = less is protected.

    Raises:
        ValueError: a number out of range, an unknown accountant, or Opacus is not installed.

    Source: Mironov, Talwar and Zhang 2019 (RDP), doi:10.48550/arXiv.1908.10530; Gopi, Lee and
        Wutschitz 2021 (PRV), doi:10.48550/arXiv.2106.02848.
    """
    _check(1.0, delta, rounds, share)
    if noise_multiplier <= 0:
        raise ValueError(
            f"noise_multiplier is {noise_multiplier}; without noise epsilon is infinite"
        )
    counting = _accountant(accountant)
    counting.history = [(noise_multiplier, share, rounds)]
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        # that a bound could be tighter with other orders; "rdp" is given more of them
        warnings.filterwarnings("ignore", message="Optimal order is the", category=UserWarning)
        orders = {"alphas": _ORDERS} if accountant == "rdp" else {}
        return float(counting.get_epsilon(delta=delta, **orders))


def noise_for(
    *,
    epsilon: float,
    delta: float,
    rounds: int,
    share: float = 1.0,
    accountant: str = "prv",
    tolerance: float = 0.01,
) -> float:
    """The noise multiplier with which many rounds together spend no more than ε.

    Args:
        epsilon: to be spent, above 0.
        delta: as in `epsilon_of`.
        rounds: as in `epsilon_of`.
        share: as in `epsilon_of`.
        accountant: as in `epsilon_of`.
        tolerance: how much of ε may be left unspent.

    Returns:
        A multiplier whose ε is in epsilon - tolerance..epsilon.

    Raises:
        ValueError: as `epsilon_of`.
    """
    _check(epsilon, delta, rounds, share)
    asked = {"delta": delta, "rounds": rounds, "share": share, "accountant": accountant}
    low, high = 0.0, 1.0
    while (spent := epsilon_of(noise_multiplier=high, **asked)) > epsilon:
        low, high = high, 2 * high
        if high > 1e6:
            raise ValueError(f"epsilon {epsilon} with delta {delta} asks for more noise than 1e6")
    while epsilon - spent > tolerance:
        middle = (low + high) / 2
        there = epsilon_of(noise_multiplier=middle, **asked)
        if there > epsilon:
            low = middle
        else:
            high, spent = middle, there
    return high


def _accountant(name: str):
    """One of Opacus' accountants; the library is asked for only where it is needed."""
    if name not in ACCOUNTANTS:
        raise ValueError(f"accountant is {name!r}; choose one of {ACCOUNTANTS}")
    try:
        from opacus import accountants
    except ImportError as missing:
        raise ValueError(
            "counting over rounds needs Opacus: pip install 'pixels-to-patients[peers]'; one round "
            "of everybody needs nothing, see noise_for_one_round"
        ) from missing
    return {"prv": accountants.PRVAccountant, "rdp": accountants.RDPAccountant}[name]()


def _check(epsilon: float, delta: float, rounds: int, share: float) -> None:
    if not (epsilon > 0 and 0 < delta < 1 and rounds >= 1 and 0 < share <= 1):
        raise ValueError(
            f"epsilon {epsilon}, delta {delta}, rounds {rounds}, share {share}; epsilon is above "
            "0, delta inside 0..1, rounds at least 1, share above 0 and at most 1"
        )
