"""A new head on a frozen network: features computed once against computed anew in every step.

    python bench/feature_cache.py [--images 400] [--size 64] [--steps 200] [--batch 16]

The peer is the plain training loop of PyTorch's transfer-learning tutorial: a frozen network in
evaluation mode, a new linear layer, every batch sent through both. Ours sends every image through
the network once and trains the same layer on the same batches of the kept features. Both end at the
same layer, to rounding; that is checked. The cache pays as soon as it is read more often than once.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch import nn
from torch.nn import functional as F

from data_fetch.packaged import imagenet_weights
from medlib.nets.batches import batches
from medlib.nets.efficientnet_lite import FEATURES, load_imagenet
from medlib.nets.features import cached_features


def trained(read, labels, *, steps: int, batch: int) -> nn.Linear:
    """A linear layer trained on what `read` returns for the rows of a batch."""
    layer = nn.Linear(FEATURES, 2)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.05)
    stream = batches(len(labels), batch_size=batch, generator=torch.Generator().manual_seed(2))
    for _, rows in zip(range(steps), stream, strict=False):
        optimiser.zero_grad()
        F.cross_entropy(layer(read(rows)), labels[rows]).backward()
        optimiser.step()
    return layer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=16)
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    draw = torch.Generator().manual_seed(0)
    network = load_imagenet(imagenet_weights().as_sample().path).eval()
    images = torch.randn(wanted.images, 3, wanted.size, wanted.size, generator=draw)
    labels = torch.arange(wanted.images) % 2
    how = {"steps": wanted.steps, "batch": wanted.batch}

    def recomputed() -> nn.Linear:
        def read(rows):
            with torch.no_grad():
                return network.features(images[rows])

        return trained(read, labels, **how)

    def cached() -> nn.Linear:
        kept = torch.from_numpy(cached_features(network, images))
        return trained(lambda rows: kept[rows], labels, **how)

    found, seconds = {}, {}
    for name, work in (("recomputed", recomputed), ("cached", cached)):
        begin = time.perf_counter()
        found[name] = work()
        seconds[name] = time.perf_counter() - begin
    first, second = (found[name].weight for name in ("recomputed", "cached"))
    apart = ((first - second).abs().max() / first.abs().max()).item()
    if not apart < 1e-3:  # heads that learned nothing (0 / 0) do not pass either
        raise SystemExit(f"the two heads differ by {apart:.1e} of the largest weight")
    reads = wanted.steps * wanted.batch / wanted.images
    print(
        f"{wanted.images} images of {wanted.size}², {wanted.steps} steps of {wanted.batch}:"
        f" each image is read {reads:.1f} times; 1 thread"
    )
    for name, taken in seconds.items():
        print(f"  {name:12} {taken:8.2f} s")
    ratio = seconds["recomputed"] / seconds["cached"]
    print(f"  ratio        {ratio:8.1f} x, heads equal to {apart:.0e}")


if __name__ == "__main__":
    main()
