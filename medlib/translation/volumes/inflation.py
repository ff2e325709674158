"""A 2D network made 3D: every kernel copied along depth and divided by a chosen number.

A k×k kernel w becomes w_d = w/s for each of k slices d. s = k keeps the mean of an input that does
not change along depth, s = √k the variance of independent slices; with slices of correlation ρ_h
the variance is kept by s² = k + 2 Σ (k - h) ρ_h, which has both as limits.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from medlib.translation.volumes.slice_correlation import variance_ratio
from medlib.translation.volumes.volume_layers import in_three_dimensions

__all__ = ["RULES", "InflatedConv", "depth_divisor", "inflate", "inflate_conv"]

RULES = ("mean", "variance", "centre", "correlation")
DEPTH_PADDINGS = ("zeros", "replicate")


def depth_divisor(
    rule: str, *, depth: int, correlations: Sequence[float] | np.ndarray | None = None
) -> float:
    """Return s, by which the copies of a kernel are divided.

    mean: s = k. variance: s = √k. correlation: s = √(k + 2 Σ (k - h) ρ_h). centre: s = 1, for
    there is one copy only, in the middle.

    Args:
        rule: one of `RULES`.
        depth: k, the number of slices that the kernel will cover.
        correlations: ρ_1..ρ_{k-1}, for the rule "correlation".

    Raises:
        ValueError: an unknown rule, correlations missing, of another number, or impossible.

    Example:
        >>> depth_divisor("correlation", depth=3, correlations=[1.0, 1.0])
        3.0
    """
    if rule not in RULES:
        raise ValueError(f"rule is {rule!r}; choose one of {', '.join(RULES)}")
    if depth < 1:
        raise ValueError(f"depth={depth}: a kernel covers at least 1 slice")
    if rule != "correlation":
        return {"mean": float(depth), "variance": math.sqrt(depth), "centre": 1.0}[rule]
    if correlations is None or len(correlations) != depth - 1:
        given = "none" if correlations is None else len(correlations)
        raise ValueError(
            f"a kernel of {depth} slices needs {depth - 1} correlations, one a lag; given: {given}"
        )
    ratio = variance_ratio(correlations)
    if ratio <= 0:
        raise ValueError(
            f"correlations {list(correlations)}: the slices cancel, no divisor can keep a variance"
        )
    return math.sqrt(ratio)


class InflatedConv(nn.Conv3d):
    """A 3D convolution that treats each plane exactly as the 2D convolution it came from.

    y_z = b + Σ_d conv2d(x_{z·t + d - p}, W_d), with t the stride and p the padding along depth. The
    planes are convolved by the 2D layer's own `forward`, so its stride, groups, dilation and way of
    padding carry over, whatever they are; on a CPU this is also faster than `conv3d`.

    Args:
        plane: the 2D layer.
        depth: slices that the kernel covers.
        depth_stride: t.
        depth_padding: "zeros", or "replicate": the first and last slices are repeated outwards.
    """

    def __init__(self, plane: nn.Conv2d, *, depth: int, depth_stride: int, depth_padding: str):
        super().__init__(
            plane.in_channels,
            plane.out_channels,
            (depth, *plane.kernel_size),
            (depth_stride, *plane.stride),
            groups=plane.groups,
            dilation=(1, *plane.dilation),
            bias=plane.bias is not None,
            device=plane.weight.device,
            dtype=plane.weight.dtype,
        )
        plane = copy.deepcopy(plane).to("meta")
        plane.bias = None
        # In a tuple, so that its empty weight is not registered as one of ours.
        self._plane = (plane,)
        self.depth_padding = depth_padding

    def forward(
        self, volumes: Float[Tensor, "batch channels slices height width"]
    ) -> Float[Tensor, "batch outputs thinned rows columns"]:
        slices, depth = volumes.shape[2], self.kernel_size[0]
        total = None
        for tap in range(depth):
            wanted = torch.arange(0, slices, self.stride[0]) + tap - (depth - 1) // 2
            if self.depth_padding == "zeros" and bool(
                (wanted >= slices).logical_or(wanted < 0).all()
            ):
                continue
            answer = self._on_planes(volumes, self.weight[:, :, tap])
            answer = _pick(answer, wanted, repeat=self.depth_padding == "replicate")
            total = answer if total is None else total + answer
        total = total.transpose(1, 2)  # (B, C, D', H', W')
        return total if self.bias is None else total + self.bias[:, None, None, None]

    def _on_planes(self, volumes: Tensor, weight: Tensor) -> Tensor:
        batch, channels, slices, height, width = volumes.shape
        # Channels stay last in memory, so that the planes are views and the fast kernels are used.
        planes = volumes.permute(0, 2, 3, 4, 1).reshape(-1, height, width, channels)
        answer = functional_call(self._plane[0], {"weight": weight}, planes.permute(0, 3, 1, 2))
        return answer.unflatten(0, (batch, slices))  # (B, D, C, H', W')


def _pick(planes: Tensor, wanted: Tensor, *, repeat: bool) -> Tensor:
    """Slices (B, D, ...) at the wanted places; outside, the nearest slice or zeros."""
    slices = planes.shape[1]
    inside = (wanted >= 0) & (wanted < slices)
    if bool(inside.all()) and len(wanted) == slices:
        return planes
    chosen = planes[:, wanted.clamp(0, slices - 1).to(planes.device)]
    return chosen if repeat else chosen * inside.to(planes).reshape(1, -1, 1, 1, 1)


@torch.no_grad()
def inflate_conv(
    conv: nn.Conv2d,
    *,
    rule: str = "mean",
    depth: int | None = None,
    correlations: Sequence[float] | np.ndarray | None = None,
    depth_stride: int = 1,
    depth_padding: str = "zeros",
) -> InflatedConv:
    """Return the 3D convolution that `rule` makes of a 2D one; a bias is kept as it is.

    Args:
        conv: any 2D convolution: grouped, strided, dilated, padded in any way.
        rule: one of `RULES`.
        depth: slices that the kernel will cover; by default as many as it has rows.
        correlations: ρ_1..ρ_{depth-1}, for the rule "correlation".
        depth_stride: stride along depth.
        depth_padding: "zeros" or "replicate".

    Raises:
        ValueError: an even depth (the copies would have no middle), an unknown padding, or what
            `depth_divisor` refuses.

    Example:
        >>> conv = nn.Conv2d(4, 4, 3, padding=1, groups=4)
        >>> inflate_conv(conv)(torch.zeros(1, 4, 7, 8, 8)).shape
        torch.Size([1, 4, 7, 8, 8])

    Source: Carreira and Zisserman (2017), doi:10.1109/CVPR.2017.502 (s = k).
    """
    depth = conv.kernel_size[0] if depth is None else depth
    if depth % 2 == 0:
        raise ValueError(f"depth={depth}: an even number of slices has no middle; use an odd one")
    if depth_padding not in DEPTH_PADDINGS:
        raise ValueError(
            f"depth_padding is {depth_padding!r}; choose {' or '.join(DEPTH_PADDINGS)}"
        )
    divisor = depth_divisor(rule, depth=depth, correlations=correlations)
    inflated = InflatedConv(
        conv, depth=depth, depth_stride=depth_stride, depth_padding=depth_padding
    )
    if rule == "centre":
        inflated.weight.zero_()
        inflated.weight[:, :, depth // 2] = conv.weight
    else:
        inflated.weight.copy_(conv.weight[:, :, None].expand_as(inflated.weight) / divisor)
    if conv.bias is not None:
        inflated.bias.copy_(conv.bias)
    return inflated


def inflate(
    network: nn.Module,
    *,
    rule: str = "mean",
    depth: int | None = None,
    correlations: Mapping[str, Sequence[float] | np.ndarray] | None = None,
    strided_depth: bool = False,
    depth_padding: str = "replicate",
) -> nn.Module:
    """Return a copy of a 2D network in which every layer that knows of planes knows of volumes.

    Convolutions are inflated by `inflate_conv`; batch normalisations keep every number; pooling and
    dropout get their 3D form; a 1×1 convolution stays one slice deep.

    Args:
        network: left as it is.
        rule, depth, depth_padding: as in `inflate_conv`; `depth` holds for kernels of more than one
            row.
        correlations: for the rule "correlation": ρ_1.. by the name of each such layer.
        strided_depth: True lets layers with a stride thin out the slices as they do the rows;
            False keeps every slice.

    Raises:
        ValueError: a 2D layer that has no 3D form here; the message names it.

    Example:
        >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.MaxPool2d(2))
        >>> inflate(net)(torch.zeros(1, 1, 5, 8, 8)).shape
        torch.Size([1, 2, 5, 3, 3])
    """
    replaced = (nn.Conv2d, nn.BatchNorm2d)  # each gets a successor, so nothing of it is copied
    network = copy.deepcopy(
        network, {id(m): m for m in network.modules() if isinstance(m, replaced)}
    )
    options = {"rule": rule, "depth_padding": depth_padding}
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d):
            flat = module.kernel_size == (1, 1)
            own = {"rule": "mean", "depth": 1} if flat else {"depth": depth}
            if rule == "correlation" and not flat:
                own["correlations"] = (correlations or {}).get(name)
            stride = module.stride[0] if strided_depth else 1
            new = inflate_conv(module, **{**options, **own}, depth_stride=stride)
        else:
            new = in_three_dimensions(module, name=name, strided_depth=strided_depth)
        if new is module:
            continue
        new.train(module.training)
        if not name:
            return new
        parent, _, leaf = name.rpartition(".")
        setattr(network.get_submodule(parent), leaf, new)
    return network
