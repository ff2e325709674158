"""One network, several ways to keep it from reading the hospital, trained alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from medlib.nets.training import OneCycle, train
from medlib.translation.radiogenomics.balanced_auc import balanced_auc, cell_weights, site_offset
from medlib.translation.radiogenomics.gradient_reversal import ganin_schedule, reverse_gradient
from medlib.translation.radiogenomics.kernel_dependence import gaussian_kernel, unbiased_hsic
from medlib.translation.radiogenomics.linear_dependence import (
    mean_squared_correlation,
    squared_covariance,
    within_responses,
)
from medlib.translation.radiogenomics.scanner_augmentation import random_scanner
from medlib.translation.radiogenomics.site_intercepts import fitted_intercepts
from medlib.translation.radiogenomics.standardised_auc import standardised_auc
from medlib.translation.radiogenomics.tumour_network import SiteReader, TumourNetwork
from medlib.translation.radiogenomics.weighted_auc import weighted_auc

__all__ = ["RULES", "WAYS", "Fitted", "Look", "Patients", "Setting", "learn", "read", "worth"]

WAYS = (
    "plain",
    "augmented",
    "reweighted",
    "offset",
    "intercept",
    "adversary",
    "covariance",
    "within",
    "correlation",
    "kernel",
)
RULES = ("standardised", "balanced", "usual")  # AUCs of validation patients to choose by


@dataclass(frozen=True, eq=False, kw_only=True)
class Patients:
    """Images (n, 1, side, side) with hospital and response, 0 or 1, as tensors on one device."""

    images: Tensor
    site: Tensor
    response: Tensor

    def __len__(self) -> int:
        return len(self.site)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is chosen by validation.

    Attributes:
        rate: highest learning rate.
        decay: weight decay.
        strength: λ of the adversary or of the penalty; without meaning for other ways.
        reader_steps: steps of the adversary's reader for each of the network.
    """

    rate: float = 0.01
    decay: float = 0.01
    strength: float = 0.0
    reader_steps: int = 3


@dataclass(frozen=True, eq=False, kw_only=True)
class Look:
    """A look at validation patients in the course of a training.

    Attributes:
        step: after how many steps.
        state: parameters of the network then.
        worth: the AUC by each of `RULES`.
    """

    step: int
    state: dict[str, Tensor]
    worth: dict[str, float]


@dataclass(frozen=True, eq=False, kw_only=True)
class Fitted:
    """A training, with all looks that were taken: each rule keeps the step that it likes best.

    Attributes:
        looks: in order; the last is at the last step.
        reader_loss: of the adversary's reader on batches that it is about to learn from, mean over
            the last tenth of the steps, in nats; nan without one.
    """

    looks: tuple[Look, ...]
    reader_loss: float

    def best(self, rule: str) -> Look:
        """The look with the greatest AUC by this rule; of equal ones the first."""
        return max(self.looks, key=lambda look: look.worth[rule])

    def network(self, look: Look | None = None) -> TumourNetwork:
        """The network as it was at a look; the last, unless another is named."""
        network = TumourNetwork(generator=torch.Generator().manual_seed(0))
        state = (look or self.looks[-1]).state
        network.load_state_dict(state)
        return network.to(next(iter(state.values())).device).eval()


def worth(
    scores: Float[np.ndarray, " n"],
    site: Int[np.ndarray, " n"],
    response: Int[np.ndarray, " n"],
) -> dict[str, float]:
    """The AUC of scores by each of `RULES`: what may be chosen by.

    Example:
        >>> site = np.repeat([0, 1], 10)
        >>> response = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 0] + [1] * 8 + [0] * 2)
        >>> {rule: round(auc, 2) for rule, auc in worth(1.0 * site, site, response).items()}
        {'standardised': 0.5, 'balanced': 0.5, 'usual': 0.8}
    """
    return {
        "standardised": standardised_auc(scores, site, response),
        "balanced": balanced_auc(scores, site, response),
        "usual": weighted_auc(scores, response, weights=np.ones(len(scores))),
    }


def learn(
    way: str,
    patients: Patients,
    *,
    setting: Setting,
    validation: Patients,
    steps: int,
    batch_size: int = 64,
    looks: int = 6,
    generator: torch.Generator,
) -> Fitted:
    r"""Train one network in one way.

    With $\ell$ the cross-entropy of the response, f the features, g the logit and s the hospital:

    - plain: $\ell(g, y)$; augmented: the same, each image by a random scanner;
    - reweighted: $w(s, y)\, \ell(g, y)$ with weights P(s)P(y)/P(s, y);
    - offset: $\ell(g + o_s, y)$, with the hospital's log-odds $o_s$, counted once;
    - intercept: $\ell(g + u_s, y)$, with $u_s$ fitted to each batch, given g; both are left out
      after training;
    - adversary: plain, and the reader's $\ell(r(R(f)), s)$ through a gradient reversal;
    - covariance: plain + λ times the squared covariance of g with s; within: the same, given y;
    - correlation: plain + λ times the mean squared correlation of (f, g) with s;
    - kernel: plain + λ times the unbiased HSIC of g and s, over that of s with itself.

    Args:
        way: one of `WAYS`.
        patients: to learn from.
        setting: rate, decay, strength.
        validation: patients of the same hospitals, looked at in the course of the training.
        steps: of the optimiser.
        batch_size: patients a step.
        looks: how often there is a look at validation.
        generator: first weights, batches, turns; on the CPU. The first weights of the network and
            the batches do not depend on the way.

    Raises:
        ValueError: another way, or a penalty of negative strength.

    Source: Ganin and Lempitsky (2015), doi:10.48550/arXiv.1409.7495, for the adversary.
    """
    if way not in WAYS:
        raise ValueError(f"way is {way!r}; choose one of {', '.join(WAYS)}")
    if setting.strength < 0 or setting.reader_steps < 1:
        raise ValueError(f"{setting}: strength >= 0, and one step of the reader at least")
    seeds = torch.randint(2**62, (4,), generator=generator).tolist()
    weights, batches, other, turns = (torch.Generator().manual_seed(seed) for seed in seeds)
    device = patients.images.device
    network = TumourNetwork(generator=weights).to(device)
    reader = SiteReader(generator=other).to(device)
    extra = _extra_columns(way, patients)
    groups = [{"params": list(network.parameters()), "lr": setting.rate}]
    own = torch.optim.Adam(reader.parameters(), lr=0.01)
    optimizer, schedule = OneCycle(peak_rate=setting.rate, weight_decay=setting.decay).start(
        groups, steps=steps
    )
    step, reader_losses = 0, []

    def loss(model: TumourNetwork, batch: tuple[Tensor, ...]) -> Tensor:
        nonlocal step
        done, step = step / steps, step + 1
        images, site, response, column = batch
        images = _turned(images, turns)
        if way == "augmented":
            images = random_scanner(images, generator=other)
        logit, features = model(images)
        truth = response.to(logit.dtype)
        if way == "offset":
            return F.binary_cross_entropy_with_logits(logit + column, truth)
        if way == "intercept":
            added = fitted_intercepts(logit, site, response)[site]
            return F.binary_cross_entropy_with_logits(logit + added, truth)
        if way == "reweighted":
            return F.binary_cross_entropy_with_logits(logit, truth, weight=column)
        value = F.binary_cross_entropy_with_logits(logit, truth)
        if way == "adversary":
            strength = ganin_schedule(done, final=setting.strength)
            against, told = _against(reader, own, features, site, setting.reader_steps, strength)
            reader_losses.append(told)
            value = value + against
        elif way in _PENALTIES:
            value = value + setting.strength * _PENALTIES[way](logit, features, site, response)
        return value

    looked: list[Look] = []

    def validate(model: TumourNetwork) -> float:
        scores = read(model, validation.images)[0]
        site, response = validation.site.cpu().numpy(), validation.response.cpu().numpy()
        state = {name: value.clone() for name, value in model.state_dict().items()}
        looked.append(Look(step=step, state=state, worth=worth(scores, site, response)))
        return 0.0  # which step is kept is for a rule to say, afterwards

    train(
        network, loss, (patients.images, patients.site, patients.response, extra), steps=steps,
        batch_size=min(batch_size, len(patients)), optimizer=optimizer, schedule=schedule,
        generator=batches, validate=validate, every=max(1, steps // looks),
    )  # fmt: skip
    tail = reader_losses[-max(1, len(reader_losses) // 10) :]
    return Fitted(looks=tuple(looked), reader_loss=float(np.mean(tail)) if tail else float("nan"))


@torch.no_grad()
def read(
    network: TumourNetwork, images: Tensor
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n features"]]:
    """Logits and features of images, in parts.

    Example:
        >>> net = TumourNetwork(generator=torch.Generator().manual_seed(0)).eval()
        >>> logits, features = read(net, torch.zeros(3, 1, 32, 32))
        >>> logits.shape, features.shape
        ((3,), (3, 8))
    """
    parts = [network(part) for part in images.split(500)]
    logits, features = (torch.cat([part[i] for part in parts]).cpu().numpy() for i in (0, 1))
    return logits.astype(float), features.astype(float)


def _extra_columns(way: str, patients: Patients) -> Tensor:
    """What a way adds for each patient: its hospital's log-odds, or its weight."""
    site, response = patients.site.cpu().numpy(), patients.response.cpu().numpy()
    column = np.zeros(len(patients))
    if way == "offset":
        found = site_offset(site, response)
        column = np.array([found[place] for place in site.tolist()])
    elif way == "reweighted":
        column = cell_weights(site, response)
    return torch.from_numpy(column).to(patients.images)


def _turned(images: Tensor, generator: torch.Generator) -> Tensor:
    """A batch turned by right angles, and mirrored or not: a tumour has no up."""
    turn, mirror = torch.randint(4, (2,), generator=generator).tolist()
    images = torch.rot90(images, turn, dims=(-2, -1))
    return images.flip(-1) if mirror % 2 else images


def _against(
    reader: SiteReader,
    own: torch.optim.Optimizer,
    features: Tensor,
    site: Tensor,
    reader_steps: int,
    strength: float,
) -> tuple[Tensor, float]:
    """Teach the reader first, then the network through the reversal.

    The loss that is returned is that before the reader has learned from this batch: after three
    steps on the same patients it would flatter the reader.
    """
    truth = site.to(features.dtype)
    before = float("nan")
    for turn in range(reader_steps):
        own.zero_grad(set_to_none=True)
        told = F.binary_cross_entropy_with_logits(reader(features.detach()), truth)
        told.backward()
        own.step()
        if turn == 0:
            before = float(told.detach())
    reversed_features = reverse_gradient(features, strength=strength)
    against = F.binary_cross_entropy_with_logits(reader(reversed_features), truth)
    return against, before


def _joined(logit: Tensor, features: Tensor) -> Tensor:
    return torch.cat([features, logit[:, None]], dim=1)


def _kernel(logit: Tensor, features: Tensor, site: Tensor, response: Tensor) -> Tensor:
    places = gaussian_kernel(site.to(logit.dtype)[:, None], width=1.0)
    most = unbiased_hsic(places, places).clamp_min(1e-6)
    return unbiased_hsic(gaussian_kernel(logit[:, None]), places) / most


_PENALTIES: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    "covariance": lambda g, f, s, y: squared_covariance(g, s),
    "within": lambda g, f, s, y: within_responses(g, s, y),
    "correlation": lambda g, f, s, y: mean_squared_correlation(_joined(g, f), s),
    "kernel": _kernel,
}
