"""The ward's values, read as well as they can be read: an exact filter that knows the simulation.

It knows how hidden parts wander and what they do to each channel, and asks what the values measured
so far say of the outcome. That a value was *ordered* tells it nothing: orders are taken as given.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit

from data_fetch.simulated.ward import (
    CHANNELS,
    HABIT_SD,
    MEMORY_H,
    NOISE_SD,
    OUTCOME_H,
    PARTS,
    SHARES,
    SLOPE,
    intercept,
)

_HIDDEN = len(PARTS)


def risk_given_values(
    values: Float[np.ndarray, "patients hours channels"],
    seen: Bool[np.ndarray, "patients hours channels"],
) -> Float[np.ndarray, " patients"]:
    r"""The outcome's probability at the last hour, from the values that were seen by then.

    Hidden parts, and each channel's usual value in this patient, are one Gaussian state of 13
    numbers, and a value is a weighted sum of them and noise. Kalman's filter then has their exact
    distribution given all values seen, $x \sim \mathcal N(\hat x, P)$. With the gain
    $K = P H^\top / (H P H^\top + \sigma^2)$ each value moves it by
    $\hat x \leftarrow \hat x + K (y - H \hat x)$ and $P \leftarrow P - K H P$, and each hour by
    $\hat x \leftarrow \Phi \hat x$ and $P \leftarrow \Phi P \Phi + Q$. Severity at the outcome is
    then normal too, and the probability its logistic's mean. (Exact but for a saturation that would
    pass 100 %, which is one in thousands.)

    No reader of the values ranks better on average, unless it reads *when* they were ordered.

    Args:
        values: what a measurement would read, in the channels' units, hour by hour.
        seen: which were measured; the others are not looked at.

    Raises:
        ValueError: no hour, or more than there are before the outcome.

    >>> from data_fetch.simulated.ward import ward_course
    >>> course = ward_course(3, rng=np.random.default_rng(0))
    >>> nothing = np.zeros((3, 16, 10), dtype=bool)
    >>> risk_given_values(course.values[:, :16], nothing).round(3)
    array([0.25, 0.25, 0.25])

    Source: Kalman (1960), doi:10.1115/1.3662552.
    """
    n, hours, channels = values.shape
    if not 1 <= hours <= OUTCOME_H:
        raise ValueError(f"{hours} hours: 1 to {OUTCOME_H}, when the outcome is decided")
    middle, step, load = (np.array([channel[k] for channel in CHANNELS]) for k in (2, 3, 4))
    read = np.zeros((channels, _HIDDEN + channels))  # H
    read[:, : load.shape[1]] = load
    read[np.arange(channels), _HIDDEN + np.arange(channels)] = 1
    phi = np.concatenate([np.exp(-1 / np.array(MEMORY_H)), np.ones(channels)])
    start = np.concatenate([np.ones(_HIDDEN), np.full(channels, HABIT_SD**2)])
    shocks = np.diag(start * (1 - phi**2))  # Q, for which the parts keep variance 1
    state, spread = np.zeros((n, len(phi))), np.tile(np.diag(start), (n, 1, 1))
    scaled = (values - middle) / step
    for hour in range(hours):
        if hour:
            state, spread = state * phi, spread * phi[:, None] * phi + shocks
        for channel, row in enumerate(read):
            who = np.flatnonzero(seen[:, hour, channel])
            before = spread[who]
            cover = before @ row
            gain = cover / (cover @ row + NOISE_SD**2)[:, None]
            surprise = scaled[who, hour, channel] - state[who] @ row
            state[who] += gain * surprise[:, None]
            spread[who] = before - gain[:, :, None] * cover[:, None, :]
    return _risk(state[:, :_HIDDEN], spread[:, :_HIDDEN, :_HIDDEN], hour=hours)


def _risk(
    mean: Float[np.ndarray, "patients 3"], spread: Float[np.ndarray, "patients 3 3"], *, hour: int
) -> Float[np.ndarray, " patients"]:
    """The outcome's probability, for hidden parts that are normal at an hour."""
    share = np.array(SHARES)
    rho = np.exp(-(OUTCOME_H - hour) / np.array(MEMORY_H))
    ahead = np.sqrt(share) * rho
    middle = mean @ ahead
    variance = share @ (1 - rho**2) + np.einsum("i,nij,j->n", ahead, spread, ahead)
    nodes = np.linspace(-6, 6, 241)
    weights = np.exp(-(nodes**2) / 2)
    severity = middle[:, None] + np.sqrt(variance)[:, None] * nodes
    return expit(SLOPE * severity + intercept()) @ (weights / weights.sum())
