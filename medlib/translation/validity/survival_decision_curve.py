"""Net benefit where some patients left before it was known what became of them.

Of the patients whose told risk reaches t, the share that has the event by the horizon is read off
their own Kaplan-Meier curve, 1 - S_t:

    net benefit = P(risk ≥ t) · [(1 - S_t) - S_t · t/(1 - t)]

To count only those who were followed to the end would be wrong: the early events are known, the
late survivors are not.

Source: Vickers et al. (2008), doi:10.1186/1472-6947-8-53; Kaplan and Meier (1958),
doi:10.1080/01621459.1958.10501452.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Integer, Real

from medlib.translation.validity.decision_curve import (
    DecisionCurve,
    bands,
    harm_per_false_positive,
)

__all__ = ["survival_decision_curve", "weighted_kaplan_meier"]


def survival_decision_curve(
    risks: Real[np.ndarray, "models n"],
    times: Real[np.ndarray, " times"],
    events: Integer[np.ndarray, " events"] | Bool[np.ndarray, " events"],
    *,
    horizon: float,
    thresholds: Real[np.ndarray, " thresholds"],
    rng: np.random.Generator,
    n_resamples: int = 500,
    level: float = 0.95,
) -> DecisionCurve:
    """Decision curves of told risks of an event by the horizon, with censored patients.

    Args:
        risks: of each patient by each model, of an event up to the horizon, 0..1.
        times: to the event or to the last visit.
        events: 1 = event, 0 = left before one. Leaving must not depend on the outlook.
        horizon: in the unit of times.
        thresholds: ascending, 0 ≤ t < 1.
        rng: draws patients.
        n_resamples: bootstrap samples.
        level: of the intervals.

    Returns:
        DecisionCurve. Where nobody is treated it is 0; where the last treated patient left before
        the horizon it is nan, and so is the interval if that happens in any resample.

    Raises:
        ValueError: lengths differ, a risk or threshold out of range, a time that is not above 0, or
            a horizon that nobody reaches.

    Example:
        >>> risks = np.array([[0.9, 0.6, 0.4, 0.1]])
        >>> curve = survival_decision_curve(
        ...     risks, np.array([1.0, 2.0, 9.0, 9.0]), np.array([1, 1, 0, 0]), horizon=5.0,
        ...     thresholds=np.array([0.5]), rng=np.random.default_rng(0), n_resamples=50)
        >>> curve.values.round(2)
        array([[0.5],
               [0. ]])

    Source: as the module.
    """
    risks, times = np.asarray(risks, dtype=float), np.asarray(times, dtype=float)
    events, thresholds = np.asarray(events).astype(int), np.asarray(thresholds, dtype=float)
    _check(risks, times, events, thresholds, horizon)
    order = np.argsort(times, kind="stable")
    risks, times, events = risks[:, order], times[order], events[order]
    n = len(times)
    drawn = np.ones((1, n))
    if n_resamples:
        resamples = rng.multinomial(n, np.full(n, 1 / n), size=n_resamples).astype(float)
        drawn = np.concatenate([drawn, resamples])
    found = np.empty((len(drawn), len(risks) + 1, len(thresholds)))
    harm = harm_per_false_positive(thresholds)
    everyone = _worth(drawn, np.ones(n, dtype=bool), times, events, horizon)
    found[:, -1] = everyone[0][:, None] - everyone[1][:, None] * harm
    for row, told in enumerate(risks):
        before = None
        for k, t in enumerate(thresholds):
            treated = told >= t
            if before is None or (treated != before).any():
                true, false = _worth(drawn, treated, times, events, horizon)
            found[:, row, k] = true - harm[k] * false
            before = treated
    low, high = bands(found[1:], level=level, shape=found[0].shape)
    return DecisionCurve(thresholds, found[0], low, high, found[1:], n, level)


def weighted_kaplan_meier(
    weights: Real[np.ndarray, "draws n"],
    times: Real[np.ndarray, " n"],
    events: Integer[np.ndarray, " n"],
    *,
    horizon: float,
) -> Real[np.ndarray, " draws"]:
    """S(horizon) by Kaplan and Meier of each draw of weighted patients, all draws at once.

    S = Π over event times up to the horizon of (1 - events / at risk); who leaves at an event time
    is still at risk there.

    Args:
        weights: how often each draw holds each patient.
        times: ascending.
        events: 1 or 0.
        horizon: in the unit of times.

    Returns:
        Survival; nan where nobody is left before the horizon though not all had the event, or a
        draw is empty.

    Example:
        >>> weighted_kaplan_meier(
        ...     np.array([[1, 1, 1], [0, 2, 1]]), np.array([1.0, 2.0, 3.0]), np.array([1, 0, 1]),
        ...     horizon=2.5)
        array([0.66666667, 1.        ])

    Source: Kaplan and Meier (1958), doi:10.1080/01621459.1958.10501452.
    """
    weights = np.asarray(weights, dtype=float)
    at_risk = np.cumsum(weights[:, ::-1], axis=1)[:, ::-1]
    happened = np.flatnonzero((events == 1) & (times <= horizon))
    survival = np.ones(len(weights))
    if len(happened):
        moments, first = np.unique(times[happened], return_index=True)
        starts = np.searchsorted(times, moments)
        deaths = np.add.reduceat(weights[:, happened], first, axis=1)
        left = at_risk[:, starts]
        survival = np.prod(np.where(left > 0, 1 - deaths / np.where(left > 0, left, 1), 1), axis=1)
    beyond = np.searchsorted(times, horizon)  # the first who is followed to the horizon
    seen = at_risk[:, beyond] > 0 if beyond < len(times) else np.zeros(len(weights), dtype=bool)
    over = (survival <= 1e-12) & (at_risk[:, 0] > 0)
    return np.where(seen, survival, np.where(over, 0.0, np.nan))


def _worth(drawn, treated, times, events, horizon) -> tuple[np.ndarray, np.ndarray]:
    """Share of patients treated and with the event, treated and without it, in each draw."""
    chosen = drawn[:, treated]
    share = chosen.sum(axis=1) / drawn.sum(axis=1)
    if not treated.any():
        return np.zeros(len(drawn)), np.zeros(len(drawn))
    survival = weighted_kaplan_meier(chosen, times[treated], events[treated], horizon=horizon)
    survival = np.where(share > 0, survival, 0.0)
    return share * (1 - survival), share * survival


def _check(risks, times, events, thresholds, horizon) -> None:
    n = risks.shape[-1]
    if risks.ndim != 2 or times.shape != (n,) or events.shape != (n,):
        raise ValueError(
            f"risks {risks.shape}, times {times.shape}, events {events.shape}: one of each a column"
        )
    if not ((risks >= 0) & (risks <= 1)).all():
        raise ValueError(f"risks run from {risks.min():g} to {risks.max():g}; they lie in 0..1")
    if not (times > 0).all() or not np.isin(events, (0, 1)).all():
        raise ValueError("times are above 0, events are 0 or 1")
    ascending = (np.diff(thresholds) > 0).all()
    if not len(thresholds) or not ascending or thresholds[0] < 0 or thresholds[-1] >= 1:
        raise ValueError("thresholds ascend within 0 ≤ t < 1: at 1 nothing is worth a false alarm")
    if times.max() < horizon:
        raise ValueError(f"horizon={horizon:g}: nobody is followed beyond {times.max():g}")
