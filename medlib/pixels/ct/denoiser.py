"""A small residual network for denoising, and the loss that photon statistics imply.

The network predicts the noise and subtracts it: predicting noise is easier than redrawing anatomy.
It is trained on noisy targets, as a hospital would have to: nobody has noise-free scans. That works
because the least-squares answer to a target with independent, zero-mean noise is the same as to the
clean one; the noise only makes learning slower, unequally so where it is unequally strong. Knowing
its variance, one can give each pixel the weight that it deserves.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from medlib.nets.global_draws import global_draws_from


@dataclass(frozen=True)
class DenoiserConfig:
    """Size of the network and the unit in which it works.

    Attributes:
        depth: convolutions, two or more.
        channels: feature maps between them.
        scale: images are divided by this on entry, in the image's unit: about the noise's size.
    """

    depth: int = 5
    channels: int = 24
    scale: float = 100.0

    def __post_init__(self) -> None:
        if self.depth < 2 or self.channels < 1 or not self.scale > 0:
            raise ValueError(f"{self}: depth >= 2, channels >= 1 and scale > 0")


class ResidualDenoiser(nn.Module):
    """x ↦ x - noise(x), with a plain stack of 3 × 3 convolutions and ReLUs for the noise.

    The last convolution starts at zero, so that the untrained network returns its input.

    Args:
        config: its size.

    Example:
        >>> image = torch.randn(1, 1, 8, 8)
        >>> bool((ResidualDenoiser(DenoiserConfig(depth=3, channels=4))(image) == image).all())
        True

    Source: Zhang et al. 2017, doi:10.1109/TIP.2017.2662206.
    """

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        self.config = config
        widths = [1] + [config.channels] * (config.depth - 1) + [1]
        layers: list[nn.Module] = []
        for i, (fan_in, fan_out) in enumerate(pairwise(widths)):
            layers.append(nn.Conv2d(fan_in, fan_out, 3, padding=1, padding_mode="replicate"))
            if i < config.depth - 1:
                layers.append(nn.ReLU())
        self.noise = nn.Sequential(*layers)
        nn.init.zeros_(layers[-1].weight)
        nn.init.zeros_(layers[-1].bias)

    def forward(self, image: Tensor) -> Tensor:
        """Denoise (batch, 1, height, width)."""
        if image.ndim != 4 or image.shape[1] != 1:
            raise ValueError(f"image is {tuple(image.shape)}; it must be (batch, 1, height, width)")
        return image - self.config.scale * self.noise(image / self.config.scale)

    @property
    def reach_px(self) -> int:
        """How many pixels away the network can see."""
        return self.config.depth


def new_denoiser(config: DenoiserConfig, *, generator: torch.Generator) -> ResidualDenoiser:
    """Make a network whose first weights come from `generator` alone.

    Args:
        config: its size.
        generator: a CPU generator.

    Returns:
        The network, on the CPU.

    Example:
        >>> seeds = [torch.Generator().manual_seed(s) for s in (3, 3, 4)]
        >>> a, b, c = [new_denoiser(DenoiserConfig(), generator=s).noise[0].weight for s in seeds]
        >>> bool((a == b).all()), bool((a == c).all())
        (True, False)
    """
    with global_draws_from(generator):
        return ResidualDenoiser(config)


def known_variance_loss(prediction: Tensor, target: Tensor, *, variance: Tensor) -> Tensor:
    """Gaussian negative log-likelihood of noisy targets: ½ mean[(y - ŷ)²/σ² + ln σ²].

    Args:
        prediction: ŷ, (batch, 1, height, width).
        target: y, the same shape.
        variance: σ² of y at each pixel, in (image unit)²; known from physics, not learned.

    Returns:
        Scalar, without a constant; with equal variances the same gradient as mean squared error up
        to a factor.

    Raises:
        ValueError: if shapes differ or a variance is not positive.

    Example:
        >>> one = torch.ones(1, 1, 2, 2)
        >>> round(float(known_variance_loss(one, one + 2, variance=4 * one)), 3)  # ½ (1 + ln 4)
        1.193
    """
    if not prediction.shape == target.shape == variance.shape:
        raise ValueError(
            f"prediction {tuple(prediction.shape)}, target {tuple(target.shape)} and variance "
            f"{tuple(variance.shape)} must have one shape"
        )
    if not bool((variance > 0).all()):
        raise ValueError("variance must be positive everywhere: it divides")
    return functional.gaussian_nll_loss(prediction, target, variance)


def random_crops(
    *stacks: Tensor, n: int, size: int, generator: torch.Generator
) -> tuple[Tensor, ...]:
    """Cut the same random squares out of several stacks of images.

    Args:
        stacks: each (images, height, width); the same image at the same index in all of them.
        n: squares to cut.
        size: their side, in pixels.
        generator: a CPU generator.

    Returns:
        For each stack (n, 1, size, size).

    Raises:
        ValueError: if the stacks differ in shape, or a square does not fit.

    Example:
        >>> stack = torch.arange(64.0).reshape(1, 8, 8)
        >>> a, b = random_crops(stack, -stack, n=5, size=3, generator=torch.Generator())
        >>> a.shape, bool((a == -b).all())
        (torch.Size([5, 1, 3, 3]), True)
    """
    count, height, width = stacks[0].shape
    if any(stack.shape != stacks[0].shape for stack in stacks) or size > min(height, width):
        shapes = ", ".join(str(tuple(stack.shape)) for stack in stacks)
        raise ValueError(f"cannot cut squares of {size} pixels alike out of stacks of {shapes}")
    which = torch.randint(count, (n,), generator=generator).tolist()
    rows = torch.randint(height - size + 1, (n,), generator=generator).tolist()
    columns = torch.randint(width - size + 1, (n,), generator=generator).tolist()
    places = list(zip(which, rows, columns, strict=True))
    return tuple(
        torch.stack([stack[None, i, r : r + size, c : c + size] for i, r, c in places])
        for stack in stacks
    )


@torch.no_grad()
def denoise(model: ResidualDenoiser, images: Tensor, *, batch_size: int = 32) -> Tensor:
    """Run the network over (n, height, width) images in batches.

    Args:
        model: on the images' device.
        images: (n, height, width).
        batch_size: images at a time.

    Returns:
        (n, height, width).

    Example:
        >>> model = ResidualDenoiser(DenoiserConfig(depth=2, channels=2))
        >>> denoise(model, torch.zeros(3, 8, 8)).shape
        torch.Size([3, 8, 8])
    """
    model.eval()
    return torch.cat([model(part[:, None])[:, 0] for part in images.split(batch_size)])
