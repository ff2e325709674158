"""Scaling and squaring against MONAI's `DVF2DDF`, and both ways to warp, side by side in one run.

    python bench/registration.py [--rounds 5]

Forward and backward, as in a training step, on the same velocities with channels in the order of
the axes; MONAI is told to repeat the edge, as ours does. All answers and gradients are compared.
"ordered" is the warp whose gradient is summed in one order, which a GPU needs and a CPU can do
without: what it would cost there. One thread; the works take turns, and the least time counts.
"""

from __future__ import annotations

import argparse
import warnings

import torch
from _taking_turns import shortest_seconds

from medlib.translation.registration.displacement import identity_grid
from medlib.translation.registration.stationary_velocity import exponential
from medlib.translation.registration.warp import warp

GOAL = 1.0
SQUARINGS = 7


def velocities(batch: int, *grid: int) -> torch.Tensor:
    """Waves of three voxels, simulated."""
    like = torch.zeros(batch, len(grid), *grid)
    return 3 * torch.sin(identity_grid(like).expand_as(like).flip(1) / 9 + 1)


def by_ordered(velocity: torch.Tensor) -> torch.Tensor:
    """Ours, as it is on a GPU."""
    by = velocity / 2**SQUARINGS
    for _ in range(SQUARINGS):
        by = by + warp(by, by_voxels=by, ordered=True)
    return by


def compare(batch: int, *grid: int, rounds: int) -> None:
    """Time all three on one size, and print how far apart they are."""
    from monai.networks.blocks import DVF2DDF

    ways = {
        "medlib": lambda v: exponential(v, squarings=SQUARINGS),
        "MONAI": DVF2DDF(num_steps=SQUARINGS, padding_mode="border"),
        "medlib, ordered": by_ordered,
    }
    velocity = velocities(batch, *grid).requires_grad_()
    answers = {}

    def work(name: str) -> None:
        by = ways[name](velocity)
        (gradient,) = torch.autograd.grad(by.square().mean(), velocity)
        answers[name] = by.detach(), gradient

    taken = shortest_seconds({name: lambda name=name: work(name) for name in ways}, rounds=rounds)
    print(f"{batch} fields of {' x '.join(map(str, grid))}, {SQUARINGS} squarings, and back")
    for name, seconds in taken.items():
        pairs = zip(answers[name], answers["MONAI"], strict=True)
        apart, gradients = (float((a - b).abs().max() / b.abs().max()) for a, b in pairs)
        print(
            f"  {name:16s} {1e3 * seconds:8.1f} ms   ratio {taken['MONAI'] / seconds:5.2f} x"
            f"   apart {apart:.0e}, gradients {gradients:.0e}"
        )
    met = taken["MONAI"] / taken["medlib"] >= GOAL
    print(f"  goal {GOAL:.1f} x: {'met' if met else 'MISSED'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI says that it uses torch's own grid_sample
        compare(8, 96, 96, rounds=wanted.rounds)
        compare(1, 48, 56, 48, rounds=wanted.rounds)


if __name__ == "__main__":
    main()
