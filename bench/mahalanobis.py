"""Mahalanobis's distance against pytorch-ood's and scikit-learn's, fit and score apart.

    pip install --no-deps --target PEER pytorch-ood==0.4.0 torchvision==0.28.0
    PYTHONPATH=PEER python bench/mahalanobis.py [--known 4000] [--judged 4000]

Without PEER, which is no part of the book's environment, scikit-learn is the only peer. Features
are correlated normal numbers, one thread. All take turns; the least CPU time counts. The goal is to
be five times as fast as pytorch-ood.

Scores are from .8 to 1.5 times as fast with 3 classes (64 to 1280 features), 1.8 to 4.4 with 10,
5 to 23 with 100; fits take one to five times as long as the peer's. Why:

- **Score.** The peer multiplies n × d features by the d × d inverse once for each *class*, in
  single precision. Here features and means are whitened once, by a triangular solve in double
  precision, and a class costs one more column of distances. One such solve takes as long as three
  to five of the peer's products. So the ratio grows with the number of classes. With the chapter's
  three it could not be five: one product in single precision in the place of three is the least
  that there is to do, and would be three times as fast. It would invert, and lose half the digits.
- **Fit.** The peer sums d × d products in single precision, adds 1e-6 to the diagonal and inverts.
  Not shrunk, ours does the same work in double precision with a Cholesky factor, in about the same
  time. Ledoit and Wolf's amount takes scikit-learn a second product of that size, of squares, and
  copies: that is the rest. The amount is what makes a distance of many features from few images
  mean anything: with 800 images of 1280 features, a stranger a tenth wider has an AUC of .99
  by ours and of .51 by the peer's (last line).

`apart` is the largest relative difference of a peer's scores from ours with the same kind of
covariance (shrunk by Ledoit and Wolf's amount, or not shrunk).
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from _pytorch_ood import pytorch_ood
from _taking_turns import shortest_seconds
from sklearn.covariance import LedoitWolf

from medlib.diagnosis.novelty.gaussians import fit_gaussians, mahalanobis_score
from medlib.measures.auc import auc

GOAL = 5.0
CASES = [(c, d) for c in (3, 10, 100) for d in (64, 160, 640, 1280)]
SLOW = 1500  # classes × features from which scikit-learn's score would take minutes


def fit_scikit_learn(known: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, LedoitWolf]:
    """Means and covariance out of scikit-learn's parts."""
    means = np.stack([known[labels == c].mean(axis=0) for c in range(labels.max() + 1)])
    return means, LedoitWolf(assume_centered=True).fit(known - means[labels])


def score_scikit_learn(fitted: tuple[np.ndarray, LedoitWolf], judged: np.ndarray) -> np.ndarray:
    """Through the inverse that it keeps, class by class."""
    means, tied = fitted
    return np.min([tied.mahalanobis(judged - mean) for mean in means], axis=0)


def features(n: int, d: int, *, mix: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(n, d)) @ mix


def compare(classes: int, d: int, wanted: argparse.Namespace, detector) -> None:
    """Print seconds and ratios of one size."""
    import torch

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    labels = np.arange(wanted.known) % classes
    mix = rng.normal(size=(d, d)) / np.sqrt(d)
    known, judged = (features(n, d, mix=mix, rng=rng) for n in (wanted.known, wanted.judged))
    fits = {
        "medlib": lambda: fit_gaussians(known, labels),
        "medlib, not shrunk": lambda: fit_gaussians(known, labels, shrinkage=0.0),
        "scikit-learn": lambda: fit_scikit_learn(known, labels),
    }
    if classes * d >= SLOW:
        del fits["scikit-learn"]
    fitted = {name: fit() for name, fit in fits.items()}
    scores = {
        "medlib": lambda: mahalanobis_score(fitted["medlib"], judged),
        "medlib, not shrunk": lambda: mahalanobis_score(fitted["medlib, not shrunk"], judged),
        "scikit-learn": lambda: score_scikit_learn(fitted["scikit-learn"], judged),
    }
    scores = {name: score for name, score in scores.items() if name in fits}
    unit = dict.fromkeys(scores, 1.0)
    if detector:
        single = [torch.from_numpy(x.astype(np.float32)) for x in (known, judged)]
        whole = torch.from_numpy(labels)
        fits["pytorch-ood"] = lambda: detector(None).fit_features(single[0], whole)
        peer = fits["pytorch-ood"]()
        scores["pytorch-ood"] = lambda: peer.predict_features(single[1]).numpy()
        unit["pytorch-ood"] = 2.0 * wanted.known  # half a distance, in a covariance not divided
    found = {name: unit[name] * score().astype(float) for name, score in scores.items()}
    took = [
        shortest_seconds(works, rounds=wanted.rounds, clock=time.process_time)
        for works in (fits, scores)
    ]
    print(f"{classes} classes, {d} features: seconds, and so many times ours")
    for name in scores:
        like = "medlib" if name == "scikit-learn" else "medlib, not shrunk"
        apart = np.max(np.abs(found[name] / found[like] - 1)) if "medlib" not in name else 0.0
        pairs = [(t[name], t[name] / t["medlib"]) for t in took]
        told = "   ".join(
            f"{what} {seconds:7.3f} {ratio:6.2f} x"
            for what, (seconds, ratio) in zip(("fit", "score"), pairs, strict=True)
        )
        print(f"  {name:19s} {told}   apart {apart:.0e}")
    if detector:
        ratios = [t["pytorch-ood"] / t["medlib"] for t in took]
        ratios.append(sum(t["pytorch-ood"] for t in took) / sum(t["medlib"] for t in took))
        said = (
            f"{what} {'met' if ratio >= GOAL else f'MISSED ({ratio:.2f})'}"
            for what, ratio in zip(("fit", "score", "both"), ratios, strict=True)
        )
        print(f"  goal {GOAL:.0f} x pytorch-ood: {', '.join(said)}")


def fewer_images_than_features(detector, *, known: int = 800, d: int = 1280) -> None:
    """AUC of strangers one standard deviation off, where a covariance has no inverse."""
    import torch

    rng = np.random.default_rng(0)
    labels = np.arange(known) % 3
    mix = rng.normal(size=(d, d)) / np.sqrt(d)
    learned, usual = (features(known, d, mix=mix, rng=rng) for _ in range(2))
    strange = features(known, d, mix=1.1 * mix, rng=rng)
    ours = fit_gaussians(learned, labels)
    pairs = {"medlib": [mahalanobis_score(ours, x) for x in (strange, usual)]}
    if detector:
        single = [torch.from_numpy(x.astype(np.float32)) for x in (learned, strange, usual)]
        peer = detector(None).fit_features(single[0], torch.from_numpy(labels))
        pairs["pytorch-ood"] = [peer.predict_features(x).numpy() for x in single[1:]]
    told = ", ".join(f"{name} {auc(*pair).value:.3f}" for name, pair in pairs.items())
    print(f"{known} images, {d} features, strangers a tenth wider: AUC {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--known", type=int, default=4000)
    parser.add_argument("--judged", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    try:
        detector = pytorch_ood("pytorch_ood.detector").Mahalanobis
    except ImportError as error:
        detector = None
        print(f"not compared with pytorch-ood: {error}")
    print(f"{wanted.known} known, {wanted.judged} judged")
    for classes, d in CASES:
        compare(classes, d, wanted, detector)
    fewer_images_than_features(detector)


if __name__ == "__main__":
    main()
