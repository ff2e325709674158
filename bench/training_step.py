"""One training step of EfficientNet-Lite0, channels last against PyTorch's default layout.

    python bench/training_step.py [--size 64 96 128] [--batch 16] [--steps 8] [--device cpu]

Forward, backward and the optimiser's step on the same weights and batches. The two layouts take
turns, and the median over the turns is reported, so that a busy moment hits both. Beside the ratio
stand images a second, and the arithmetic of the step (three times that of a forward pass) as a
share of the peak: what one large matrix product reaches on the same device, in the same run. The
profile says which operations the time goes to.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from medlib.nets.efficientnet_lite import EfficientNetLite0, initialise

KINDS = {
    "convolutions": ("convolution", "cudnn", "mkldnn_conv"),
    "normalisation": ("batch_norm",),
    "activations": ("hardtanh", "clamp"),
    "optimiser": ("adam",),
}


class DefaultLayout(EfficientNetLite0):
    """The same network with images and weights in PyTorch's default layout."""

    def __init__(self, *, classes: int = 1000):
        super().__init__(classes=classes)
        self.to(memory_format=torch.contiguous_format)

    def depths(self, images: torch.Tensor) -> list[torch.Tensor]:
        maps = [self.activation(self.stem(images.contiguous()))]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return [*maps, self.activation(self.head(maps[-1]))]


class Step:
    """A network, a batch, an optimiser: call it to make one training step."""

    def __init__(self, network: nn.Module, size: int, batch: int, device: torch.device) -> None:
        self.network = initialise(network, generator=torch.Generator().manual_seed(0)).to(device)
        draw = torch.Generator().manual_seed(1)
        self.images = torch.randn(batch, 3, size, size, generator=draw).to(device)
        self.labels = torch.arange(batch, device=device) % 2
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=1e-4, fused=True)
        self.losses: list[float] = []

    def __call__(self) -> float:
        """Make a step; return its wall seconds."""
        begin = time.perf_counter()
        self.optimiser.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.network(self.images), self.labels)
        loss.backward()
        self.optimiser.step()
        self.losses.append(loss.item())  # waits for a GPU, too
        return time.perf_counter() - begin


def peak_flops(device: torch.device, side: int = 2048) -> float:
    """Arithmetic a second that one product of two large float32 matrices reaches."""
    a = torch.randn(side, side, device=device)
    taken = []
    for _ in range(5):
        begin = time.perf_counter()
        (a @ a)[0, 0].item()
        taken.append(time.perf_counter() - begin)
    return 2 * side**3 / min(taken)


def shares(step: Step, device: torch.device) -> dict[str, float]:
    """Which kinds of operation a step's time goes to."""
    what = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * (device.type == "cuda")
    with profile(activities=what) as seen:
        step()
    on = "self_device_time_total" if device.type == "cuda" else "self_cpu_time_total"
    spent = {event.key: getattr(event, on) for event in seen.key_averages()}
    total = sum(spent.values())
    found = {
        kind: sum(t for name, t in spent.items() if any(word in name for word in words)) / total
        for kind, words in KINDS.items()
    }
    return found | {"the rest": 1 - sum(found.values())}


def compare(size: int, wanted: argparse.Namespace, device: torch.device, peak: float) -> None:
    nets = {"default": DefaultLayout(classes=2), "channels last": EfficientNetLite0(classes=2)}
    steps = {name: Step(net, size, wanted.batch, device) for name, net in nets.items()}
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        nets["default"](steps["default"].images)
    flops = 3 * counted.get_total_flops()  # the usual count: backward is twice forward
    for step in steps.values():
        step()  # warm
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(wanted.steps):
        for name, step in steps.items():
            taken[name].append(step())
    first, second = (step.losses for step in steps.values())
    if not torch.allclose(torch.tensor(first), torch.tensor(second), rtol=0.05, atol=0.02):
        raise SystemExit(f"the layouts train differently: {first} and {second}")
    print(f"\n{wanted.batch} images of {size}², {device}, {torch.get_num_threads()} thread(s)")
    median = {name: statistics.median(times) for name, times in taken.items()}
    for name, seconds in median.items():
        speed = flops / seconds
        lost = ", ".join(f"{k} {v:.0%}" for k, v in shares(steps[name], device).items())
        print(
            f"  {name:14} {wanted.batch / seconds:7.1f} images/s   {speed / 1e9:7.1f} GFLOP/s,"
            f" {speed / peak:.0%} of peak   ({lost})"
        )
    print(f"  ratio          {median['default'] / median['channels last']:7.2f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, nargs="+", default=[64, 96, 128])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=8, help="timed steps of each layout")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    wanted = parser.parse_args()
    device = torch.device(wanted.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit("--device cuda: this machine has no GPU that PyTorch can use")
    if device.type == "cpu":
        torch.set_num_threads(1)
    peak = peak_flops(device)
    print(f"peak, one product of 2048² float32 matrices: {peak / 1e9:.1f} GFLOP/s")
    for size in wanted.size:
        compare(size, wanted, device, peak)


if __name__ == "__main__":
    main()
