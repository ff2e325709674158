"""Volumes read slice by slice: one shared 2D network, then one vector for all slices.

Three ways to go from the slices' features f_1..f_D to one answer: their mean; a mean whose weights
are learned (attention); a recurrent network that reads them in order, from both ends.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from medlib.nets.efficientnet_lite import initialise
from medlib.nets.training import OneCycle, cross_entropy, train

__all__ = [
    "AGGREGATIONS",
    "AttentionOverSlices",
    "MeanOverSlices",
    "RecurrentOverSlices",
    "SliceWise",
    "fit_aggregation",
    "slice_features",
]


class MeanOverSlices(nn.Module):
    """Logits W·(1/D Σ_z f_z) + b: the order of the slices makes no difference.

    Example:
        >>> MeanOverSlices(40)(torch.zeros(2, 9, 40)).shape
        torch.Size([2, 2])
    """

    def __init__(self, channels: int, *, classes: int = 2):
        super().__init__()
        self.classifier = nn.Linear(channels, classes)

    def forward(self, features: Float[Tensor, "batch slices channels"]) -> Tensor:
        return self.classifier(features.mean(dim=1))


class AttentionOverSlices(nn.Module):
    """Logits W·Σ_z a_z f_z + b, a = softmax_z(v·tanh(U f_z)): a slice may count more, not earlier.

    Example:
        >>> AttentionOverSlices(40).weights(torch.zeros(1, 4, 40)).tolist()
        [[0.25, 0.25, 0.25, 0.25]]

    Source: Ilse et al. (2018), doi:10.48550/arXiv.1802.04712.
    """

    def __init__(self, channels: int, *, classes: int = 2, hidden: int = 16):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(channels, hidden), nn.Tanh(), nn.Linear(hidden, 1))
        self.classifier = nn.Linear(channels, classes)

    def weights(
        self, features: Float[Tensor, "batch slices channels"]
    ) -> Float[Tensor, "batch slices"]:
        """Return a, one weight a slice, >= 0, with sum 1."""
        return self.score(features).squeeze(-1).softmax(dim=1)

    def forward(self, features: Float[Tensor, "batch slices channels"]) -> Tensor:
        return self.classifier((self.weights(features)[..., None] * features).sum(dim=1))


class RecurrentOverSlices(nn.Module):
    """Gated recurrent units from both ends, their two last states to the logits: order counts.

    Example:
        >>> RecurrentOverSlices(40)(torch.zeros(2, 9, 40)).shape
        torch.Size([2, 2])

    Source of the unit: Cho et al. (2014), doi:10.3115/v1/D14-1179.
    """

    def __init__(self, channels: int, *, classes: int = 2, hidden: int = 16):
        super().__init__()
        self.cells = nn.GRU(channels, hidden, batch_first=True, bidirectional=True)
        self.classifier = nn.Linear(2 * hidden, classes)

    def forward(self, features: Float[Tensor, "batch slices channels"]) -> Tensor:
        last = self.cells(features)[1]  # (2, B, hidden)
        return self.classifier(torch.cat([last[0], last[1]], dim=-1))


AGGREGATIONS = {
    "mean": MeanOverSlices,
    "attention": AttentionOverSlices,
    "recurrent": RecurrentOverSlices,
}


class SliceWise(nn.Module):
    """A 2D network shared by all slices of a volume, and an aggregation of what it says.

    Args:
        plane_network: (B, C, H, W) to features (B, F).
        aggregation: (B, D, F) to logits.

    Example:
        >>> flat = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        >>> SliceWise(flat, MeanOverSlices(1))(torch.zeros(2, 1, 9, 8, 8)).shape
        torch.Size([2, 2])
    """

    def __init__(self, plane_network: nn.Module, aggregation: nn.Module):
        super().__init__()
        self.plane_network, self.aggregation = plane_network, aggregation

    def features(self, volumes: Float[Tensor, "batch channels slices height width"]) -> Tensor:
        """Return the features of every slice, (B, D, F)."""
        planes = volumes.transpose(1, 2).flatten(0, 1)
        return self.plane_network(planes).unflatten(0, (len(volumes), volumes.shape[2]))

    def forward(self, volumes: Float[Tensor, "batch channels slices height width"]) -> Tensor:
        return self.aggregation(self.features(volumes))


@torch.no_grad()
def slice_features(
    plane_network: nn.Module,
    volumes: Float[Tensor, "n channels slices height width"],
    *,
    batch_size: int = 16,
) -> Float[Tensor, "n slices features"]:
    """Return every slice's features: one pass for any number of aggregations fitted on them."""
    reader = SliceWise(plane_network, nn.Identity())
    return torch.cat([reader.features(part) for part in volumes.split(batch_size)])


def fit_aggregation(
    kind: str,
    features: Float[Tensor, "n slices features"],
    labels: Int[Tensor, " labels"],
    *,
    generator: torch.Generator,
    steps: int = 200,
    batch_size: int = 32,
    peak_rate: float = 1e-2,
) -> nn.Sequential:
    """Fit an aggregation on cached features, which it standardises first.

    Args:
        kind: one of `AGGREGATIONS`.
        features: from `slice_features`.
        labels: 0 or 1.
        generator: draws the weights, then the batches.
        steps, batch_size, peak_rate: of AdamW under one cycle.

    Returns:
        The aggregation, in evaluation mode: raw features (B, D, F) to two logits.

    Raises:
        ValueError: an unknown kind, or features and labels of different number.
    """
    if kind not in AGGREGATIONS:
        raise ValueError(f"no aggregation {kind!r}; there are {', '.join(AGGREGATIONS)}")
    if len(features) != len(labels):
        raise ValueError(f"{len(features)} volumes, but {len(labels)} labels")
    standard = Standardise(features.mean(dim=(0, 1)), features.std(dim=(0, 1)))
    network = nn.Sequential(standard, AGGREGATIONS[kind](features.shape[-1])).to(features.device)
    initialise(network, generator=generator)
    _initialise_cells(network, generator=generator)
    optimizer, schedule = OneCycle(peak_rate=peak_rate).start(network.parameters(), steps=steps)
    train(
        network,
        cross_entropy,
        (features, labels),
        steps=steps,
        batch_size=min(batch_size, len(features)),
        optimizer=optimizer,
        schedule=schedule,
        generator=generator,
        progress=kind,
    )
    return network


class Standardise(nn.Module):
    """(f - mean) / sd, with the numbers of the training set kept."""

    def __init__(self, mean: Float[Tensor, " features"], sd: Float[Tensor, " features"]):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("sd", sd.clamp(min=1e-6))

    def forward(self, features: Tensor) -> Tensor:
        return (features - self.mean) / self.sd


@torch.no_grad()
def _initialise_cells(network: nn.Module, *, generator: torch.Generator) -> None:
    for module in network.modules():
        if isinstance(module, nn.GRU):
            limit = module.hidden_size**-0.5
            for weight in module.parameters():
                drawn = torch.empty(weight.shape).uniform_(-limit, limit, generator=generator)
                weight.copy_(drawn)
