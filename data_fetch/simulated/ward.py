"""A ward of simulated patients: a hidden severity, and a staff that measures whom it worries about.

Severity drives what is measured, what happens in the end, and, through the staff's concern, *when*
something is measured. Three hidden parts wander hour by hour; two show in vital signs, laboratory
values and films, the third only at the bedside. It is a caricature: no claim about patients.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import brentq
from scipy.special import expit

#: channel, unit, usual value, change per unit of hidden state, how much it follows circulation and
#: lungs, orders an hour by schedule
CHANNELS = (
    ("heart rate", "/min", 88.0, 14.0, (1.0, 0.0), 0.22),
    ("systolic pressure", "mmHg", 118.0, -16.0, (1.0, 0.0), 0.22),
    ("breathing rate", "/min", 20.0, 4.5, (0.7, 0.4), 0.22),
    ("oxygen saturation", "%", 94.0, -2.0, (0.0, 0.6), 0.22),
    ("log lactate", "log mmol/L", 0.6, 0.5, (1.0, 0.0), 0.05),
    ("log C-reactive protein", "log mg/L", 4.0, 0.7, (0.8, 0.2), 0.05),
    ("log creatinine", "log µmol/L", 4.6, 0.4, (0.9, 0.0), 0.05),
    ("arterial oxygen", "kPa", 11.0, -1.8, (0.2, 0.5), 0.05),
    ("log bilirubin", "log µmol/L", 2.6, 0.5, (0.9, 0.0), 0.05),
    ("log white cells", "log 10⁹/L", 2.3, 0.35, (0.8, 0.2), 0.05),
)
FILE_H, OUTCOME_H = 48, 50  # the record's length, and when its outcome is decided
PARTS = ("circulation", "lungs", "bedside")
SHARES = (0.50, 0.24, 0.26)  # of severity's variance
MEMORY_H = (20.0, 72.0, 20.0)  # each part's correlation falls to 1/e in this time
SLOPE, PREVALENCE = 8.0, 0.25
OWN_SD, OWN_MEMORY_H = 0.4, 12.0  # of a worry that has nothing to do with the patient
HABIT_SD, NOISE_SD = 0.3, 0.3  # of a patient's usual value, of one measurement; in hidden units
FILMS_PER_DAY, FIRST_FILM_H = 1.0, 4
ROUTINE_BELOW, ROUTINE_HEED = 0.1, 0.5  # what is ordered more rarely an hour follows concern less


@dataclass(frozen=True, eq=False)
class WardCourse:
    """What happens to n patients, and what the staff thinks of it, before anything is ordered.

    Hours count from 1 at the end of the first; row t of an array with 48 rows is hour t + 1.

    Attributes:
        parts: hidden states (patients, 51, 3), as `PARTS`, from hour 0; mean 0 and variance 1 each.
        severity: their weighted sum, from hour 0 to 50.
        outcome: whether the patient needs intensive care at hour 50.
        concern: the staff's, in each of the 48 hours of the file.
        values: what a measurement would read.
        chance: uniform numbers by which orders are decided, films last.
        minutes: when within the hour something is done, 0 to 1, films last.
    """

    parts: Float[np.ndarray, "patients 51 3"]
    severity: Float[np.ndarray, "patients 51"]
    outcome: Int[np.ndarray, " patients"]
    concern: Float[np.ndarray, "patients 48"]
    values: Float[np.ndarray, "patients 48 channels"]
    chance: Float[np.ndarray, "patients 48 columns"]
    minutes: Float[np.ndarray, "patients 48 columns"]

    def ordered(self, follow: float) -> Bool[np.ndarray, "patients 48 columns"]:
        r"""What is ordered under a policy, hour by hour; films are the last column.

        What is ordered $\lambda$ times an hour by schedule is ordered at the rate
        $\lambda e^{g q_t - g^2 \mathrm{Var}(q)/2}$, with $q$ the concern: the mean rate
        is $\lambda$ whatever $g$ is, though hours with an order are fewer where orders crowd. For
        vital signs, which a nurse takes when she likes, $g = f$; for laboratory values and films,
        which have their rounds, $g = f/2$. Everybody has one film in the first four hours.

        Args:
            follow: f, how much ordering follows concern. 0: by schedule, whoever the patient is
                (missing completely at random). Below 0: the sickest are measured least.

        Raises:
            ValueError: it lies outside -2..2.
        """
        if not -2 <= follow <= 2:
            raise ValueError(f"follow={follow}: it lies in -2..2")
        rates = np.array([rate for *_, rate in CHANNELS] + [FILMS_PER_DAY / 24])
        heed = follow * np.where(rates > ROUTINE_BELOW, 1.0, ROUTINE_HEED)
        pull = np.exp(heed * self.concern[..., None] - heed**2 * (1 + OWN_SD**2) / 2)
        ordered = self.chance < -np.expm1(-pull * rates)
        first = (FIRST_FILM_H * self.chance[:, 0, -1]).astype(int)
        ordered[:, :FIRST_FILM_H, -1] = np.arange(FIRST_FILM_H) == first[:, None]
        return ordered


def ward_course(n: int, *, rng: np.random.Generator) -> WardCourse:
    r"""n patients from admission to hour 50.

    Each hidden part is an Ornstein-Uhlenbeck process, $z_{k,t+1} = \varphi_k z_{kt} +
    \sqrt{1-\varphi_k^2} \epsilon$ with $\varphi_k = e^{-1/\tau_k}$ an hour: circulation changes
    within a day, lungs take longer. Severity is $s = \sum_k \sqrt{w_k} z_k$. The outcome is drawn
    with probability $\sigma(8 s_{50} + b)$, $b$ such that a quarter has it. The staff's concern is
    $s_t$ and a slow worry of its own; it sees all three parts, the measurements two of them.

    Args:
        n: patients, >= 1.
        rng: the source of randomness; patient i does not depend on n.

    Raises:
        ValueError: no patient.

    >>> course = ward_course(400, rng=np.random.default_rng(0))
    >>> often = [float(course.ordered(follow)[..., 0].mean().round(2)) for follow in (0.0, 1.2)]
    >>> often
    [0.19, 0.15]
    """
    if n < 1:
        raise ValueError(f"n={n}: draw one patient or more")
    hidden, fate, worry, orders, habits, noise, clock = rng.spawn(7)
    parts = _wandering(hidden.standard_normal((n, OUTCOME_H + 1, 3)), memory_h=MEMORY_H)
    severity = parts @ np.sqrt(SHARES)
    outcome = (fate.random(n) < expit(SLOPE * severity[:, -1] + intercept())).astype(np.int64)
    own = _wandering(worry.standard_normal((n, FILE_H + 1, 1)), memory_h=OWN_MEMORY_H)[..., 0]
    middle, step, load = (np.array([channel[k] for channel in CHANNELS]) for k in (2, 3, 4))
    usual = HABIT_SD * habits.standard_normal((n, 1, len(CHANNELS)))
    jitter = NOISE_SD * noise.standard_normal((n, FILE_H, len(CHANNELS)))
    values = middle + step * (parts[:, 1 : FILE_H + 1, :2] @ load.T + usual + jitter)
    values[..., 3] = np.minimum(values[..., 3], 100.0)  # a saturation ends there
    return WardCourse(
        parts=parts,
        severity=severity,
        outcome=outcome,
        concern=severity[:, 1 : FILE_H + 1] + OWN_SD * own[:, 1:],
        values=values,
        chance=orders.random((n, FILE_H, len(CHANNELS) + 1)),
        minutes=clock.random((n, FILE_H, len(CHANNELS) + 1)),
    )


@cache
def intercept() -> float:
    """b, with which a share `PREVALENCE` of all patients has the outcome."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    return brentq(lambda b: weights @ expit(SLOPE * nodes + b) - PREVALENCE, -20, 20)


def risk_given_parts(
    parts: Float[np.ndarray, "patients 3"], *, hour: int
) -> Float[np.ndarray, " patients"]:
    r"""The outcome's probability for whoever knows the hidden state at an hour: the ceiling.

    The parts are Markov processes, and all that was measured by `hour` depends on them up to then
    and on nothing else that matters. Given $z_t$, nothing measured up to $t$ tells more: no score
    that knows the past alone ranks patients better, on average, than
    $p = \mathrm{E}\, \sigma(8 s_{50} + b)$, where $s_{50}$ given $z_t$ is normal with mean
    $\sum_k \sqrt{w_k} \rho_k z_{kt}$ and variance $\sum_k w_k (1 - \rho_k^2)$, and
    $\rho_k = e^{-(50 - t)/\tau_k}$.

    Args:
        parts: hidden state at that hour.
        hour: 0..50.

    Raises:
        ValueError: an hour outside 0..50.

    >>> risk_given_parts(np.array([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]]), hour=24).round(2)
    array([0.07, 0.49])
    """
    if not 0 <= hour <= OUTCOME_H:
        raise ValueError(f"hour={hour}: it lies in 0..{OUTCOME_H}")
    rho, share = np.exp(-(OUTCOME_H - hour) / np.array(MEMORY_H)), np.array(SHARES)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    middle, spread = parts @ (np.sqrt(share) * rho), np.sqrt(share @ (1 - rho**2))
    return expit(SLOPE * (middle[:, None] + spread * nodes) + intercept()) @ (
        weights / weights.sum()
    )


def _wandering(
    shocks: Float[np.ndarray, "n hours parts"], *, memory_h: float | tuple[float, ...]
) -> Float[np.ndarray, "n hours parts"]:
    """Independent shocks made into stationary processes of variance 1."""
    phi = np.exp(-1 / np.array(memory_h))
    states = shocks.copy()
    for hour in range(1, shocks.shape[1]):
        states[:, hour] = phi * states[:, hour - 1] + np.sqrt(1 - phi**2) * shocks[:, hour]
    return states
