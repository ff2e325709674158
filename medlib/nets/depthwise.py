"""A depthwise convolution whose gradient is quick on maps smaller than its kernel.

On a CPU, PyTorch's own gradient by the weights of a 5×5 depthwise kernel on maps of 2×2 takes
twenty times as long as the sum that it computes. Small images end on such maps.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

__all__ = ["depthwise"]


def depthwise(x: Tensor, weight: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    """Return each channel filtered by its own kernel, as `conv2d` with as many groups as channels.

    Args:
        x: (B, C, H, W).
        weight: (C, 1, K, K).

    Returns:
        Bit for bit what `conv2d` gives, (B, C, H', W'). Its gradients are `conv2d`'s too; on a CPU
        and maps H' < K that by the weights is summed tap by tap and differs by rounding. Gradients
        of gradients are not defined there.

    Example:
        >>> x = torch.ones(1, 2, 2, 2)
        >>> depthwise(x, torch.ones(2, 1, 5, 5), padding=2)[0, 0].tolist()
        [[4.0, 4.0], [4.0, 4.0]]
    """
    kernel, height = weight.shape[-1], x.shape[-2]
    rows = (height + 2 * padding - kernel) // stride + 1
    if x.device.type == "cpu" and weight.requires_grad and rows < kernel:
        return _SmallMaps.apply(x, weight, stride, padding)
    return F.conv2d(x, weight, None, stride, padding, groups=len(weight))


class _SmallMaps(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, stride, padding):
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, weight, None, stride, padding, groups=len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        stride, padding = ctx.stride, ctx.padding
        by_x = by_weight = None
        if ctx.needs_input_grad[0]:
            by_x = torch.nn.grad.conv2d_input(
                x.shape, weight, gradient, stride, padding, groups=len(weight)
            )
        if ctx.needs_input_grad[1]:
            by_weight = torch.zeros_like(weight)
            for row in range(weight.shape[2]):
                above = _overlap(row - padding, x.shape[2], gradient.shape[2], stride)
                for column in range(weight.shape[3]):
                    beside = _overlap(column - padding, x.shape[3], gradient.shape[3], stride)
                    if above and beside:
                        seen = x[:, :, above[0], beside[0]]
                        by_weight[:, 0, row, column] = (
                            seen * gradient[:, :, above[1], beside[1]]
                        ).sum((0, 2, 3))
        return by_x, by_weight, None, None


def _overlap(shift: int, inputs: int, outputs: int, stride: int) -> tuple[slice, slice] | None:
    """Return which inputs a tap meets and at which outputs: input = stride · output + shift."""
    first = max(-(shift // stride), 0)  # the smallest output with an input ≥ 0
    last = min((inputs - 1 - shift) // stride, outputs - 1)
    if first > last:
        return None
    start = stride * first + shift
    return slice(start, stride * last + shift + 1, stride), slice(first, last + 1)
