"""A small network that reads films: taught by a radiologist's grades, then left as it is."""

from __future__ import annotations

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from medlib.nets.training import OneCycle, device_of, train

__all__ = ["FilmReader", "as_input", "film_vectors", "fit_film_reader"]

VECTOR = 16
CPU = torch.device("cpu")


class FilmReader(nn.Module):
    """Three convolutions of stride 2, mean and maximum over places, a vector, and a grade.

    No statistics are shared between films: what one becomes depends on no other, earlier or later.

    Args:
        generator: of the first weights.

    Example:
        >>> reader = FilmReader(generator=torch.Generator().manual_seed(0))
        >>> reader(torch.zeros(3, 32, 32)).shape
        torch.Size([3])
    """

    def __init__(self, *, generator: torch.Generator) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(16, 16, 3, stride=2, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.out = nn.Linear(32, VECTOR)
        self.grade = nn.Linear(VECTOR, 1)
        with torch.no_grad():
            for layer in self.modules():
                if isinstance(layer, nn.Linear | nn.Conv2d):
                    reach = layer.weight[0].numel() ** -0.5
                    layer.weight.uniform_(-reach, reach, generator=generator)
                    layer.bias.uniform_(-reach, reach, generator=generator)

    def vector(self, films: Float[Tensor, "films rows columns"]) -> Float[Tensor, "films 16"]:
        """What is kept of a film, each number in -1..1."""
        maps = self.layers(films[:, None])
        pooled = torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1)
        return torch.tanh(self.out(pooled))

    def forward(self, films: Float[Tensor, "films rows columns"]) -> Float[Tensor, " films"]:
        """The grade: share of the lungs that is cloudy."""
        return self.grade(self.vector(films))[:, 0]


def as_input(images: UInt8[Tensor, "films rows columns"]) -> Float[Tensor, "films rows columns"]:
    """Intensities 0..255 as numbers from -1 to 1."""
    return images.float() / 127.5 - 1


def fit_film_reader(
    images: UInt8[Tensor, "films rows columns"],
    grades: Float[Tensor, " films"],
    *,
    steps: int,
    generator: torch.Generator,
    rate: float = 1e-2,
    batch_size: int = 64,
    device: torch.device = CPU,
) -> FilmReader:
    """Teach a reader the grades of the training patients' films, by squared error.

    Args:
        images: uint8 films.
        grades: share of the lungs that is cloudy, as a radiologist says, 0..1.
        steps, rate, batch_size: of the training, AdamW on one cycle.
        generator: of first weights and batches.
        device: where to compute.
    """
    reader = FilmReader(generator=generator).to(device)
    optimizer, schedule = OneCycle(rate).start(reader.parameters(), steps=max(steps, 4))
    train(
        reader,
        lambda net, batch: ((net(as_input(batch[0])) - batch[1]) ** 2).mean(),
        (images, grades),
        steps=steps,
        batch_size=min(batch_size, len(grades)),
        optimizer=optimizer,
        schedule=schedule,
        generator=generator,
    )
    return reader


@torch.no_grad()
def film_vectors(
    reader: FilmReader, images: UInt8[Tensor, "films rows columns"]
) -> Float[Tensor, "films 16"]:
    """The vector of each film."""
    device = device_of(reader)
    parts = [reader.vector(as_input(part.to(device))).cpu() for part in images.split(256)]
    return torch.cat(parts) if parts else torch.zeros(0, VECTOR)
