"""Bootstrap of ICC and decision curves against pingouin and dcurves, side by side.

    python bench/validity.py [--resamples 2000] [--by-peer 5]

The peers have no bootstrap: whoever wants one calls them once a resample, so they are given a few
resamples and the seconds of one are multiplied. All answer on the same drawn patients there, and
the answers are compared. Simulated readings and risks; one thread; the works take turns, and the
least time counts.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd
from _taking_turns import shortest_seconds

from medlib.translation.validity.decision_curve import decision_curve
from medlib.translation.validity.intraclass_correlation import (
    FORMS,
    bootstrap_icc,
    intraclass_correlation,
)

GOAL = 100.0
THRESHOLDS = np.arange(1, 51) / 100


def by_pingouin(scores: np.ndarray) -> np.ndarray:
    """All six forms of one table."""
    import pingouin

    n, k = scores.shape
    long = {"s": np.repeat(np.arange(n), k), "r": np.tile(np.arange(k), n), "y": scores.ravel()}
    found = pingouin.intraclass_corr(pd.DataFrame(long), targets="s", raters="r", ratings="y")
    return found["ICC"].to_numpy()


def by_dcurves(risks: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Net benefit of two models and of treating all."""
    import dcurves

    frame = pd.DataFrame({"y": labels, "a": risks[0], "b": risks[1]})
    found = dcurves.dca(frame, "y", ["a", "b"], thresholds=list(THRESHOLDS))
    return np.stack(
        [found.loc[found["model"] == name, "net_benefit"] for name in ("a", "b", "all")]
    )


def report(subject: str, taken: dict[str, float], *, resamples: int, by_peer: int, apart: float):
    """Print what both took a resample, and the ratio."""
    (ours, of_ours), (peer, of_peer) = taken.items()
    ratio = (of_peer / by_peer) / (of_ours / resamples)
    print(
        f"  {subject}: {ours} {1e3 * of_ours / resamples:8.4f} ms, {peer}"
        f" {1e3 * of_peer / by_peer:8.1f} ms a resample   ratio {ratio:8.0f} x   {apart:.0e}"
    )
    print(f"  {subject}: goal {GOAL:.0f} x: {'met' if ratio >= GOAL else 'MISSED'}")


def icc(n: int, k: int, *, resamples: int, by_peer: int, rounds: int) -> None:
    """All six forms; ours draws within the time that counts, the peer is handed its tables."""
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(n, 1)) + 0.5 * rng.normal(size=(n, k))
    tables = scores[rng.integers(n, size=(by_peer, n))]
    works = {
        "medlib": lambda: [
            bootstrap_icc(scores, rng=np.random.default_rng(1), form=form, n_resamples=resamples)
            for form in FORMS
        ],
        "pingouin": lambda: [by_pingouin(table) for table in tables],
    }
    theirs = np.array(works["pingouin"]())
    ours = np.stack([intraclass_correlation(tables, form=form).value for form in FORMS], axis=1)
    taken = shortest_seconds(works, rounds=rounds)
    apart = float(np.abs(ours - theirs).max())
    report(f"ICC, n={n}, k={k}", taken, resamples=resamples, by_peer=by_peer, apart=apart)


def curves(n: int, *, resamples: int, by_peer: int, rounds: int) -> None:
    """Two models and treating all, 50 thresholds."""
    rng = np.random.default_rng(0)
    risks = np.stack([rng.beta(1, 3, size=n), rng.beta(1, 3, size=n)])
    labels = (rng.random(n) < risks[0]).astype(int)
    drawn = rng.integers(n, size=(by_peer, n))

    def ours(cases, times):
        return decision_curve(
            risks[:, cases],
            labels[cases],
            thresholds=THRESHOLDS,
            rng=np.random.default_rng(1),
            n_resamples=times,
        )

    works = {
        "medlib": lambda: ours(np.arange(n), resamples),
        "dcurves": lambda: [by_dcurves(risks[:, i], labels[i]) for i in drawn],
    }
    theirs = works["dcurves"]()
    apart = max(
        float(np.abs(ours(i, 0).values - one).max()) for i, one in zip(drawn, theirs, strict=True)
    )
    taken = shortest_seconds(works, rounds=rounds)
    report(f"decision curve, n={n}", taken, resamples=resamples, by_peer=by_peer, apart=apart)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--by-peer", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    wanted = parser.parse_args()
    sizes = {
        "resamples": wanted.resamples,
        "by_peer": wanted.by_peer,
        "rounds": wanted.rounds,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers use what pandas will drop
        print(f"{wanted.resamples} resamples by us, {wanted.by_peer} by each peer; ms a resample")
        for n, k in ((30, 2), (60, 4), (300, 2)):
            icc(n, k, **sizes)
        for n in (200, 1000, 5000):
            curves(n, **sizes)


if __name__ == "__main__":
    main()
