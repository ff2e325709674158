"""Distances between surfaces against MONAI's, on masks of small lesions, side by side in one run.

    python bench/surface_distances.py [--scans 100]

Ours measures once and answers every question of a pair of masks; MONAI's two functions measure
once each. All answers are compared. The works take turns, so that a busy machine is fair to all;
the shortest time of each counts.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import torch

from data_fetch.tasks.white_matter_lesions import PIXEL_MM, white_matter_lesions
from medlib.diagnosis.scoring.surfaces import surface_distances

GOAL = 1.0
SPACING_MM = (PIXEL_MM, PIXEL_MM)


def ours(marked, truth) -> np.ndarray:
    """HD95 and normalised surface Dice of each pair."""
    found = [
        surface_distances(m, t, spacing_mm=SPACING_MM) for m, t in zip(marked, truth, strict=True)
    ]
    return np.array([(one.hausdorff_mm(), one.within(PIXEL_MM)) for one in found])


def monais(marked, truth) -> np.ndarray:
    """The same by MONAI."""
    from monai.metrics import compute_hausdorff_distance, compute_surface_dice

    masks = torch.from_numpy(marked[:, None]), torch.from_numpy(truth[:, None])
    hd95 = compute_hausdorff_distance(
        *masks, include_background=True, percentile=95, spacing=SPACING_MM
    )
    nsd = compute_surface_dice(
        *masks, class_thresholds=[PIXEL_MM], include_background=True, spacing=SPACING_MM
    )
    return np.stack([hd95.numpy()[:, 0], nsd.numpy()[:, 0]], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scans", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    truth = white_matter_lesions(wanted.scans, rng=rng, empty_share=0.0).masks
    marked = np.roll(truth, 1, axis=2)
    kept = truth.any(axis=(1, 2)) & marked.any(axis=(1, 2))
    works = {"medlib.diagnosis": ours, "MONAI": monais}
    times, answers = {name: [] for name in works}, {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI warns of an argument of its own
        for _ in range(wanted.rounds):
            for name, work in works.items():
                start = time.perf_counter()
                answers[name] = work(marked[kept], truth[kept])
                times[name].append(time.perf_counter() - start)
    apart = np.abs(answers["medlib.diagnosis"] - answers["MONAI"]).max()
    print(f"HD95 and surface Dice of {kept.sum()} pairs of masks, 1 thread, apart {apart:.0e}")
    fastest = {name: min(taken) for name, taken in times.items()}
    for name, seconds in fastest.items():
        ratio = seconds / fastest["medlib.diagnosis"]
        print(f"  {name:18s} {1e3 * seconds / kept.sum():6.2f} ms a pair   ratio {ratio:5.2f} x")
    met = fastest["MONAI"] / fastest["medlib.diagnosis"] >= GOAL
    print(f"  goal {GOAL:.1f} x: {'met' if met else 'MISSED'}")


if __name__ == "__main__":
    main()
