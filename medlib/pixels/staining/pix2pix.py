"""Pairs and a critic: close to the pair's image, and of a kind that the critic has seen.

The critic looks at input and output together, so it can object to stain that does not go with the
glow. Where pairs do not fit, it has been shown stain beside its place as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from medlib.nets.training import device_of
from medlib.pixels.staining.adversarial import adam, descend, finite, least_squares_loss, set_rate
from medlib.pixels.staining.patch_discriminator import new_discriminator
from medlib.pixels.staining.stainer import Stainer, StainerConfig, new_stainer

PairSampler = Callable[[torch.Generator], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class PairConfig:
    """Weights and rates.

    Attributes:
        pixel: weight of the mean absolute error to the pair's image; the critic's weight is 1.
        learning_rate: Adam's, with betas (0.5, 0.999); it falls linearly to 0 in the second half.
        critic_rate: of the critic.
        critic_width: feature maps of the critic's first layer.
    """

    pixel: float = 10.0
    learning_rate: float = 2e-3
    critic_rate: float = 1e-3
    critic_width: int = 16


def train_pix2pix(
    pairs: PairSampler,
    *,
    steps: int,
    config: PairConfig,
    network: StainerConfig,
    generator: torch.Generator,
    device: torch.device,
) -> Stainer:
    r"""A painter, trained against a critic of pairs.

    $\min_G\ (D(x, G(x)) - 1)^2 + \lambda\,|G(x) - y|$, and
    $\min_D\ (D(x, y) - 1)^2 + D(x, G(x))^2$.

    Args:
        pairs: gives a batch of pairs (x, y).
        steps: >= 1.
        config: weight λ and rates.
        network: size of the painter.
        generator: a CPU generator; first weights and every draw come from it.
        device: where to train.

    Returns:
        The painter, in evaluation mode.

    Raises:
        ValueError: if `steps` is below 1.
        FloatingPointError: if a loss is not finite; the message names the step.

    Example:
        >>> own = torch.Generator().manual_seed(0)
        >>> pair = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16)
        >>> painter = train_pix2pix(
        ...     lambda g: pair, steps=1, config=PairConfig(critic_width=2),
        ...     network=StainerConfig(width=2), generator=own, device=torch.device("cpu"))
        >>> painter(pair[0]).shape
        torch.Size([2, 3, 16, 16])

    Source: Isola et al. 2017, doi:10.1109/CVPR.2017.632, with the loss of Mao et al. 2017.
    """
    if steps < 1:
        raise ValueError(f"steps={steps}: train for at least 1 step")
    painter = new_stainer(network, generator=generator).to(device)
    both = network.channels_in + network.channels_out
    critic = new_discriminator(both, width=config.critic_width, generator=generator).to(device)
    maker = adam([painter], rate=config.learning_rate)
    judge = adam([critic], rate=config.critic_rate)
    for step in range(1, steps + 1):
        x, y = (part.to(device_of(painter)) for part in pairs(generator))
        set_rate(maker, config.learning_rate, step=step, steps=steps)
        set_rate(judge, config.critic_rate, step=step, steps=steps)
        made = painter(x)
        terms = {
            "adversarial": least_squares_loss(critic(torch.cat([x, made], 1)), real=True),
            "pixel": config.pixel * functional.l1_loss(made, y),
        }
        descend(maker, terms["adversarial"] + terms["pixel"])
        judged = least_squares_loss(critic(torch.cat([x, y], 1)), real=True)
        judged = judged + least_squares_loss(critic(torch.cat([x, made.detach()], 1)), real=False)
        descend(judge, judged / 2)
        finite({**terms, "critic": judged / 2}, step=step)
    return painter.eval()
