"""How much of the image one unit of the network can see, and how much of it it looks at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from medlib.nets.efficientnet_lite import DEPTHS, EfficientNetLite0
from medlib.nets.training import device_of

__all__ = [
    "LUO_THRESHOLD",
    "GradientField",
    "ReceptiveField",
    "energy_centre",
    "gradient_field",
    "side_above",
    "side_holding",
    "theoretical_field",
    "theoretical_fields",
]

#: 1 - 95.45 %: a Gaussian holds 95.45 % of its mass within two standard deviations.
LUO_THRESHOLD = 0.0455


@dataclass(frozen=True)
class ReceptiveField:
    """The pixels on which a unit depends at all: the same square for each unit, moved.

    Args:
        size_px: side f of the square.
        stride_px: how far the square moves from one unit to the next, d.
        start_px: first pixel of unit 0's square, 0 = the image's first; negative in the padding.
    """

    size_px: int
    stride_px: int
    start_px: int

    def interval(self, unit: int) -> tuple[int, int]:
        """Return the first pixel and the one after the last along one axis, for unit 0, 1, ...

        Example:
            >>> ReceptiveField(size_px=3, stride_px=2, start_px=0).interval(5)
            (10, 13)
        """
        start = self.start_px + unit * self.stride_px
        return start, start + self.size_px

    def centre(self, unit: int) -> float:
        """Return the middle of the unit's square, in pixels; a pixel's middle is an integer."""
        start, stop = self.interval(unit)
        return (start + stop - 1) / 2


@dataclass(frozen=True, eq=False)
class GradientField:
    """How strongly each pixel moves one unit: E Σ_c (∂y_c/∂x)², and where its square lies.

    Args:
        energy: (H, W), summed over the input's colours, averaged over images.
        centre_px: row and column of the middle of the theoretical square.
    """

    energy: Float[np.ndarray, "height width"]
    centre_px: tuple[float, float]


def theoretical_field(layers: Iterable[nn.Conv2d]) -> ReceptiveField:
    """Return the receptive field of one unit behind a chain of convolutions.

    Each layer with kernel k, stride s and p pixels of padding before the first one does

        f ← f + (k - 1) d,   a ← a - p d,   d ← d s,   from f = 1, a = 0, d = 1.

    Args:
        layers: square convolutions in the order in which an image passes them. With a stride,
            padding is TensorFlow's "SAME" for a side that the stride divides: p = (k - s) // 2;
            for s = 1 that is the usual (k - 1) / 2. A skip connection sees no more than the layers
            that it skips and is left out.

    Raises:
        ValueError: a kernel or a stride that is not square, or a dilated kernel.

    Example:
        >>> theoretical_field([nn.Conv2d(3, 8, 3, 2), nn.Conv2d(8, 8, 3, padding=1)])
        ReceptiveField(size_px=7, stride_px=2, start_px=-2)

    Source: Araujo, Norris and Sim (2019), doi:10.23915/distill.00021.
    """
    size, start, stride = 1, 0, 1
    for layer in layers:
        for what in ("kernel_size", "stride"):
            if len(set(getattr(layer, what))) != 1:
                raise ValueError(f"{what}={getattr(layer, what)}; expected a square one")
        if layer.dilation != (1, 1):
            raise ValueError(f"dilation={layer.dilation}; expected (1, 1)")
        k, s = layer.kernel_size[0], layer.stride[0]
        size += (k - 1) * stride
        start -= (k - s) // 2 * stride
        stride *= s
    return ReceptiveField(size_px=size, stride_px=stride, start_px=start)


def theoretical_fields(network: EfficientNetLite0) -> dict[str, ReceptiveField]:
    """Return the receptive field at each of `DEPTHS`, for images whose sides 32 divides.

    Example:
        >>> fields = theoretical_fields(EfficientNetLite0())
        >>> fields["stem"].size_px, fields["stage3"].size_px, fields["head"].size_px
        (3, 67, 851)
    """
    layers: list[nn.Conv2d] = []
    fields = {}
    for depth, part in zip(DEPTHS, (network.stem, *network.stages, network.head), strict=True):
        layers += [module for module in part.modules() if isinstance(module, nn.Conv2d)]
        fields[depth] = theoretical_field(layers)
    return fields


def gradient_field(
    network: EfficientNetLite0,
    images: Float[Tensor, "n 3 height width"],
    *,
    depth: str,
    generator: torch.Generator,
) -> GradientField:
    """Measure how strongly each pixel moves the unit in the middle of the maps at one depth.

    With y_c the channels of that unit and signs s_c = ±1 drawn afresh for each image,

        E_s (∂ Σ_c s_c y_c / ∂x)² = Σ_c (∂y_c/∂x)²:

    one backward pass an image instead of one a channel, and no channel cancels another.

    Args:
        network: used in evaluation mode, and left in the mode it was in.
        images: preprocessed, sides multiples of 32; larger than the field, or its end is cut off.
        depth: one of `DEPTHS`.
        generator: draws the signs; on the CPU.

    Raises:
        ValueError: an unknown depth, or sides that 32 does not divide.

    Example:
        >>> net, noise = EfficientNetLite0().eval(), torch.Generator().manual_seed(0)
        >>> seen = gradient_field(net, torch.ones(1, 3, 32, 32), depth="stem", generator=noise)
        >>> seen.energy.shape, int((seen.energy > 0).sum()), seen.centre_px
        ((32, 32), 9, (17.0, 17.0))

    Source: Luo et al. (2016), doi:10.48550/arXiv.1701.04128; the random signs are Hutchinson's.
    """
    if depth not in DEPTHS:
        raise ValueError(f"no depth {depth!r}; there are {', '.join(DEPTHS)}")
    if images.shape[-2] % 32 or images.shape[-1] % 32:
        raise ValueError(f"images are {tuple(images.shape[-2:])} pixels; 32 must divide each side")
    was_training, device = network.training, device_of(network)
    network.eval()
    energy = np.zeros(images.shape[-2:])
    for image in images.split(1):
        x = image.to(device).detach().requires_grad_(True)
        maps = _maps(network, x, depth)
        unit = tuple(side // 2 for side in maps.shape[-2:])
        y = maps[0, :, unit[0], unit[1]]
        signs = torch.randint(0, 2, y.shape, generator=generator).to(y) * 2 - 1
        (slope,) = torch.autograd.grad((signs * y).sum(), x)
        energy += slope[0].double().square().sum(0).cpu().numpy()
    network.train(was_training)
    field = theoretical_fields(network)[depth]
    return GradientField(energy / len(images), (field.centre(unit[0]), field.centre(unit[1])))


def energy_centre(seen: GradientField) -> tuple[float, float]:
    """Return the energy's centre of mass, Σ_p p E(p) / Σ_p E(p), as (row, column) in pixels.

    It need not be the middle of the theoretical square: uneven padding shifts that square, and
    a trained network may pull its weight back to where its unit stands.

    Raises:
        ValueError: no energy at all: nothing reaches the unit.

    Example:
        >>> energy_centre(GradientField(np.diag([1.0, 0.0, 3.0]), (1.0, 1.0)))
        (1.5, 1.5)
    """
    total = seen.energy.sum()
    if not total > 0:
        raise ValueError("no pixel moves the unit: the gradient is zero everywhere")
    rows, columns = (np.arange(side) for side in seen.energy.shape)
    row = float(seen.energy.sum(axis=1) @ rows / total)
    return row, float(seen.energy.sum(axis=0) @ columns / total)


def side_holding(
    seen: GradientField,
    *,
    share: float = 0.95,
    centre_px: tuple[float, float] | None = None,
) -> int:
    """Return the side of the smallest square around a centre that holds `share` of the energy.

    Args:
        seen: from `gradient_field`.
        share: 0 < share <= 1; 1 around `seen.centre_px` gives the theoretical field, if gradients
            reach its corners.
        centre_px: row and column, rounded to a pixel; by default the energy's centre of mass.

    Returns:
        Odd number of pixels.

    Raises:
        ValueError: a share outside its range, or no energy at all: nothing reaches the unit.

    Example:
        >>> spread = np.zeros((9, 9))
        >>> spread[4, 4], spread[4, 6] = 0.9, 0.1
        >>> seen = GradientField(spread, (4.0, 4.0))
        >>> side_holding(seen, share=0.9), side_holding(seen, share=0.95)
        (1, 5)
    """
    if not 0 < share <= 1:
        raise ValueError(f"share={share}: 0 < share <= 1")
    total, mass = seen.energy.sum(), energy_centre(seen)
    away = [
        np.abs(np.arange(side) - round(middle))
        for side, middle in zip(seen.energy.shape, centre_px or mass, strict=True)
    ]
    ring = np.maximum.outer(*away)
    held = np.cumsum(np.bincount(ring.ravel(), weights=seen.energy.ravel()))
    # rounding in the sum must not ask for one more, empty ring
    return 2 * int(np.argmax(held >= share * total * (1 - 1e-12))) + 1


def side_above(seen: GradientField, *, threshold: float = LUO_THRESHOLD) -> float:
    """Return √(number of pixels whose root energy is above `threshold` times the largest).

    Raises:
        ValueError: a threshold outside 0 < threshold < 1.

    Example:
        >>> side_above(GradientField(np.diag([1.0, 4.0, 0.001]), (1.0, 1.0)))
        1.4142135623730951

    Source: Luo et al. (2016), section 3, doi:10.48550/arXiv.1701.04128.
    """
    if not 0 < threshold < 1:
        raise ValueError(f"threshold={threshold}: 0 < threshold < 1")
    slope = np.sqrt(seen.energy)
    return float(np.sqrt((slope > threshold * slope.max()).sum()))


def _maps(network: EfficientNetLite0, images: Tensor, depth: str) -> Tensor:
    """The maps at one depth, without the layers behind it."""
    x = network.activation(network.stem(images.contiguous(memory_format=torch.channels_last)))
    for stage in network.stages[: DEPTHS.index(depth)]:
        x = stage(x)
    return network.activation(network.head(x)) if depth == "head" else x
