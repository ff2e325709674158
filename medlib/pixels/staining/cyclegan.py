"""Learning a translation without pairs: two generators, two critics, and a cycle.

G makes stained images from unstained ones, F goes back. A critic of each kind asks for realism;
the cycle asks that F(G(x)) be x again. Neither asks that G(x) be *right*: an invertible
exchange of looks that leaves stained tissue as likely as it was satisfies both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from medlib.nets.training import device_of
from medlib.pixels.staining.adversarial import adam, descend, finite, least_squares_loss, set_rate
from medlib.pixels.staining.image_pool import ImagePool
from medlib.pixels.staining.patch_discriminator import PatchDiscriminator, new_discriminator
from medlib.pixels.staining.stainer import Stainer, StainerConfig, new_stainer

Sampler = Callable[[torch.Generator], Tensor]
PairSampler = Callable[[torch.Generator], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class CycleConfig:
    """Weights of the losses, and how to train.

    Attributes:
        cycle: weight of the cycle term (mean absolute error of F(G(x)) and G(F(y))).
        identity: weight of |G(y) - y| and |F(x) - x|: what already has the right look shall stay as
            it is; only used where both kinds have equally many channels.
        anchor: weight of the mean absolute error on registered pairs, if there are any.
        learning_rate: Adam's, with betas (0.5, 0.999); it falls linearly to 0 in the second half.
        critic_rate: of the critics.
        pool: images that each critic remembers.
        critic_width: feature maps of the critics' first layer.
    """

    cycle: float = 10.0
    identity: float = 0.0
    anchor: float = 40.0
    learning_rate: float = 2e-3
    critic_rate: float = 1e-3
    pool: int = 32
    critic_width: int = 16


@dataclass
class CycleGan:
    """The four networks: `stain` (x to y), `unstain` (y to x), and a critic of each kind."""

    stain: Stainer
    unstain: Stainer
    critic_stained: PatchDiscriminator
    critic_unstained: PatchDiscriminator
    history: list[dict[str, float]] = field(default_factory=list)

    def to(self, device: torch.device) -> CycleGan:
        """Move all four; returns itself."""
        for network in self.networks:
            network.to(device)
        return self

    @property
    def networks(self) -> tuple[nn.Module, ...]:
        """The four networks."""
        return self.stain, self.unstain, self.critic_stained, self.critic_unstained


def new_cyclegan(
    config: CycleConfig, *, network: StainerConfig, generator: torch.Generator
) -> CycleGan:
    """Make the four networks, their first weights from `generator` alone, on the CPU.

    Args:
        config: for the critics' width.
        network: size of the staining network; the one that goes back is its mirror.
        generator: a CPU generator.

    Example:
        >>> own = torch.Generator().manual_seed(0)
        >>> gan = new_cyclegan(CycleConfig(), network=StainerConfig(2, 3), generator=own)
        >>> gan.unstain.config.channels_in, gan.unstain.config.channels_out
        (3, 2)
    """
    back = StainerConfig(
        network.channels_out, network.channels_in, network.width, network.dilations
    )
    width = config.critic_width
    return CycleGan(
        new_stainer(network, generator=generator),
        new_stainer(back, generator=generator),
        new_discriminator(network.channels_out, width=width, generator=generator),
        new_discriminator(network.channels_in, width=width, generator=generator),
    )


def generator_terms(
    gan: CycleGan, x: Tensor, y: Tensor, *, config: CycleConfig
) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    r"""The generators' loss, term by term, and what they made.

    $\mathcal L = (D_y(G(x)) - 1)^2 + (D_x(F(y)) - 1)^2 + \lambda(|F(G(x)) - x| + |G(F(y)) - y|)$,
    and, where both kinds have equally many channels, $\iota(|G(y) - y| + |F(x) - x|)$.

    Args:
        gan: the networks.
        x: unstained batch.
        y: stained batch, of other places.
        config: the weights λ and ι.

    Returns:
        Weighted terms "adversarial", "cycle" and, where it applies, "identity"; then G(x) and F(y).

    Source: Zhu et al. 2017, doi:10.1109/ICCV.2017.244.
    """
    made_y, made_x = gan.stain(x), gan.unstain(y)
    terms = {
        "adversarial": least_squares_loss(gan.critic_stained(made_y), real=True)
        + least_squares_loss(gan.critic_unstained(made_x), real=True),
        "cycle": config.cycle
        * (functional.l1_loss(gan.unstain(made_y), x) + functional.l1_loss(gan.stain(made_x), y)),
    }
    if config.identity and x.shape[1] == y.shape[1]:
        terms["identity"] = config.identity * (
            functional.l1_loss(gan.stain(y), y) + functional.l1_loss(gan.unstain(x), x)
        )
    return terms, made_y, made_x


def train_cyclegan(
    gan: CycleGan,
    *,
    sample_x: Sampler,
    sample_y: Sampler,
    steps: int,
    config: CycleConfig,
    generator: torch.Generator,
    anchors: PairSampler | None = None,
) -> CycleGan:
    """Train the four networks in turn: first both generators, then both critics, once a step.

    Every draw comes from `generator`; two calls with equal arguments on one machine give
    equal bits.

    Args:
        gan: trained in place, on the device where it is.
        sample_x: gives a batch of unstained images.
        sample_y: gives a batch of stained ones, independent of the first.
        steps: >= 1.
        config: weights and rates.
        generator: a CPU generator.
        anchors: gives a batch of registered pairs (x, y), or None.

    Returns:
        The same `gan`, in evaluation mode; `gan.history` has the loss terms of each step.

    Raises:
        ValueError: if `steps` is below 1.
        FloatingPointError: if a loss is not finite; the message names the step.

    Source: Zhu et al. 2017, doi:10.1109/ICCV.2017.244.
    """
    if steps < 1:
        raise ValueError(f"steps={steps}: train for at least 1 step")
    device = device_of(gan.stain)
    makers = adam([gan.stain, gan.unstain], rate=config.learning_rate)
    critics = adam([gan.critic_stained, gan.critic_unstained], rate=config.critic_rate)
    pools = [ImagePool(config.pool, generator=generator) for _ in range(2)]
    for network in gan.networks:
        network.train()
    for step in range(1, steps + 1):
        x, y = sample_x(generator).to(device), sample_y(generator).to(device)
        set_rate(makers, config.learning_rate, step=step, steps=steps)
        set_rate(critics, config.critic_rate, step=step, steps=steps)
        terms, made_y, made_x = generator_terms(gan, x, y, config=config)
        if anchors is not None:
            pair_x, pair_y = (part.to(device) for part in anchors(generator))
            terms["anchor"] = config.anchor * functional.l1_loss(gan.stain(pair_x), pair_y)
        descend(makers, sum(terms.values()))
        judged = sum(
            least_squares_loss(critic(true), real=True)
            + least_squares_loss(critic(pool.swap(made)), real=False)
            for critic, true, made, pool in (
                (gan.critic_stained, y, made_y, pools[0]),
                (gan.critic_unstained, x, made_x, pools[1]),
            )
        )
        descend(critics, judged / 2)
        gan.history.append(finite({**terms, "critics": judged / 2}, step=step))
    for network in gan.networks:
        network.eval()
    return gan
