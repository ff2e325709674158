"""Projection and filtered backprojection against scikit-image, side by side in one process.

    python bench/projector.py [--size 256] [--views 180] [--batch 16]

The same images, the same angles, both on one thread. scikit-image works image by image (radon, then
iradon); ours is one sparse product for the batch. The matrix is built once for a geometry: its cost
is printed apart, with the number of batches after which it has paid for itself.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from skimage.data import shepp_logan_phantom
from skimage.transform import iradon, radon, resize

from medlib.pixels.ct.fbp import fbp
from medlib.pixels.ct.projection import ParallelBeam, project, system_matrices

GOAL = 10.0


def seconds(work, *, repeats: int = 1) -> float:
    """Shortest wall time of several runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--views", type=int, default=180)
    parser.add_argument("--batch", type=int, default=16)
    wanted = parser.parse_args()
    torch.set_num_threads(1)

    phantom = resize(shepp_logan_phantom(), (wanted.size, wanted.size))
    images = np.stack([phantom * (1 + 0.01 * i) for i in range(wanted.batch)]).astype(np.float32)
    beam = ParallelBeam(size=wanted.size, n_views=wanted.views, pixel_cm=1.0)
    build = seconds(lambda: system_matrices(beam, torch.float32, torch.device("cpu")))

    results = {}

    def ours() -> None:
        results["ours"] = fbp(project(torch.from_numpy(images), beam=beam), beam=beam)

    def theirs() -> None:
        results["theirs"] = [
            iradon(radon(image, beam.angles_deg, circle=False), beam.angles_deg, circle=False)
            for image in images
        ]

    ours_s, theirs_s = seconds(ours, repeats=3), seconds(theirs)
    ratio = theirs_s / ours_s
    error = [
        float(np.sqrt(np.mean((np.asarray(results[who]) - images) ** 2)))
        for who in ("ours", "theirs")
    ]
    print(
        f"projection + FBP, {wanted.batch} images of {wanted.size}², {wanted.views} views, 1 thread"
    )
    print(f"  scikit-image radon + iradon   {theirs_s:8.3f} s   RMS error {error[1]:.4f}")
    print(f"  medlib.pixels                 {ours_s:8.3f} s   RMS error {error[0]:.4f}")
    print(
        f"  ratio                         {ratio:8.1f} x   goal {GOAL:.0f} x: "
        f"{'met' if ratio >= GOAL else 'MISSED'}"
    )
    print(
        f"  matrix built once             {build:8.3f} s   repaid after "
        f"{build / max(theirs_s - ours_s, 1e-9):.2f} batches"
    )


if __name__ == "__main__":
    main()
