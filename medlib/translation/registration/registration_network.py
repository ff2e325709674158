"""A network that sees two images and says, in one pass, a displacement or velocities.

A U-Net: maps are halved by strided convolutions and doubled by repeating each voxel, what a scale
has seen is handed across, and the last layer works at full resolution. Its weights start so small
that the first map is the identity. A last layer that doubles the map itself, as some U-Nets end,
leaves a chequerboard in the field, and folds that are the architecture's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from medlib.nets.global_draws import global_draws_from
from medlib.nets.training import device_of
from medlib.translation.registration.field_model import FieldModel

__all__ = ["Registered", "RegistrationNetwork", "register", "registration_network"]


@dataclass(frozen=True, eq=False)
class Registered:
    """Fields of pairs, on the CPU, in voxels.

    Attributes:
        by_voxels: from fixed to moving.
        back_voxels: from moving to fixed.
        numbers: what was fitted: u or v, as the model has it.
    """

    by_voxels: Float[Tensor, "batch dims *grid"]
    back_voxels: Float[Tensor, "batch dims *grid"]
    numbers: Float[Tensor, "batch channels *grid"]


class RegistrationNetwork(nn.Module):
    """The U-Net; `registration_network` draws its first weights from a generator.

    Args:
        model: how its output becomes a map.
        dims: 2 or 3.
        width: channels at full resolution; the coarser scales have twice as many.
        scales: how often maps are halved.

    Raises:
        ValueError: other dimensions, no channel, or no scale.

    Source: Balakrishnan et al. (2019), doi:10.1109/TMI.2019.2897538; Ronneberger et al. (2015),
    doi:10.1007/978-3-319-24574-4_28.
    """

    def __init__(
        self, model: FieldModel, *, dims: int = 2, width: int = 16, scales: int = 3
    ) -> None:
        super().__init__()
        if dims not in (2, 3) or width < 1 or scales < 1:
            raise ValueError(f"dims={dims}, width={width}, scales={scales}: 2 or 3, and 1 or more")
        convolution = nn.Conv2d if dims == 2 else nn.Conv3d
        wide = 2 * width
        self.model, self.scales = model, scales
        self.first = convolution(2, width, 3, padding=1)
        self.down = nn.ModuleList(
            convolution(width if s == 0 else wide, wide, 3, stride=2, padding=1)
            for s in range(scales)
        )
        self.up = nn.ModuleList(
            convolution(wide + (wide if s else width), wide if s else width, 3, padding=1)
            for s in reversed(range(scales))
        )
        self.refine = convolution(width, width, 3, padding=1)
        self.last = convolution(width, model.channels(dims=dims), 3, padding=1)
        nn.init.normal_(self.last.weight, std=1e-5)
        nn.init.zeros_(self.last.bias)

    def forward(
        self, fixed: Float[Tensor, "batch 1 *grid"], moving: Float[Tensor, "batch 1 *grid"]
    ) -> Float[Tensor, "batch channels *grid"]:
        """Return u or v, as the model has it, in voxels.

        Raises:
            ValueError: shapes differ, or a side cannot be halved so often.
        """
        if fixed.shape != moving.shape:
            raise ValueError(f"fixed {tuple(fixed.shape)} and moving {tuple(moving.shape)} differ")
        if any(side % 2**self.scales for side in fixed.shape[2:]):
            raise ValueError(
                f"sides {tuple(fixed.shape[2:])} must be multiples of {2**self.scales}: pad them"
            )
        x = functional.leaky_relu(self.first(torch.cat([fixed, moving], dim=1)), 0.2)
        seen = []
        for layer in self.down:
            seen.append(x)
            x = functional.leaky_relu(layer(x), 0.2)
        for layer in self.up:
            x = functional.interpolate(x, scale_factor=2, mode="nearest")
            x = functional.leaky_relu(layer(torch.cat([x, seen.pop()], dim=1)), 0.2)
        return self.last(functional.leaky_relu(self.refine(x), 0.2))


def registration_network(
    model: FieldModel,
    *,
    generator: torch.Generator,
    dims: int = 2,
    width: int = 16,
    scales: int = 3,
) -> RegistrationNetwork:
    """A new network, its first weights drawn from a generator of one's own.

    Two models of equally many channels get the same weights from the same state of the generator.

    Raises:
        ValueError: as `RegistrationNetwork`.

    Example:
        >>> own = torch.Generator().manual_seed(0)
        >>> network = registration_network(FieldModel("displacement"), generator=own, width=4)
        >>> pair = torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16)
        >>> network(*pair).shape, bool(network(*pair).abs().max() < 1e-3)
        (torch.Size([1, 2, 16, 16]), True)
    """
    with global_draws_from(generator):
        return RegistrationNetwork(model, dims=dims, width=width, scales=scales)


@torch.no_grad()
def register(
    network: RegistrationNetwork,
    fixed: Float[Tensor, "batch 1 *grid"],
    moving: Float[Tensor, "batch 1 *grid"],
    *,
    batch_size: int = 16,
) -> Registered:
    """Ask a network for the maps of pairs, and their ways back.

    Example:
        >>> own = torch.Generator().manual_seed(0)
        >>> network = registration_network(FieldModel("displacement"), generator=own, width=4)
        >>> register(network, torch.rand(3, 1, 8, 8), torch.rand(3, 1, 8, 8)).back_voxels.shape
        torch.Size([3, 2, 8, 8])
    """
    device, parts = device_of(network), []
    for pair in zip(fixed.split(batch_size), moving.split(batch_size), strict=True):
        numbers = network(*(image.to(device) for image in pair))
        fields = network.model.displacement(numbers), network.model.way_back(numbers), numbers
        parts.append([field.cpu() for field in fields])
    return Registered(*(torch.cat(fields) for fields in zip(*parts, strict=True)))
