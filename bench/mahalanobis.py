"""Mahalanobis scores against scikit-learn's, on the same shrunk covariance, side by side.

    python bench/mahalanobis.py [--known 2000] [--judged 4000] [--classes 3]

The peer fits `LedoitWolf` on the residuals and asks its `mahalanobis` of each class in turn, which
goes through the inverse that it keeps. (pytorch-ood has the same score; it is not among the pins.)
Features are correlated normal numbers, one thread. The two take turns; the least time counts.
"""

from __future__ import annotations

import argparse

import numpy as np
from _taking_turns import shortest_seconds

from medlib.diagnosis.novelty.gaussians import fit_gaussians, mahalanobis_score

GOAL = 1.0


def by_scikit_learn(known: np.ndarray, labels: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """The same score out of scikit-learn's parts."""
    from sklearn.covariance import LedoitWolf

    means = np.stack([known[labels == c].mean(axis=0) for c in range(labels.max() + 1)])
    tied = LedoitWolf(assume_centered=True).fit(known - means[labels])
    return np.min([tied.mahalanobis(judged - mean) for mean in means], axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--known", type=int, default=2000)
    parser.add_argument("--judged", type=int, default=4000)
    parser.add_argument("--classes", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    rng = np.random.default_rng(0)
    labels = np.arange(wanted.known) % wanted.classes

    print(f"fit and score, {wanted.known} known, {wanted.judged} judged, {wanted.classes} classes")
    for d in (64, 160, 640, 1280):
        mix = rng.normal(size=(d, d)) / np.sqrt(d)
        known, judged = (rng.normal(size=(n, d)) @ mix for n in (wanted.known, wanted.judged))
        works = {
            "medlib.diagnosis": lambda known=known, judged=judged: mahalanobis_score(
                fit_gaussians(known, labels), judged
            ),
            "scikit-learn": lambda known=known, judged=judged: by_scikit_learn(
                known, labels, judged
            ),
        }
        found = {name: work() for name, work in works.items()}
        taken = shortest_seconds(works, rounds=wanted.rounds)
        ours = found["medlib.diagnosis"]
        for name, seconds in taken.items():
            ratio = seconds / taken["medlib.diagnosis"]
            apart = np.max(np.abs(found[name] - ours) / ours)
            print(f"  d={d:5d}  {name:17s} {seconds:7.3f} s   ratio {ratio:5.2f} x   {apart:.0e}")
        won = taken["scikit-learn"] / taken["medlib.diagnosis"] >= GOAL
        print(f"  d={d:5d}  goal {GOAL:.1f} x: {'met' if won else 'MISSED'}")


if __name__ == "__main__":
    main()
