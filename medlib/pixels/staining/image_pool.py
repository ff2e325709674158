"""A memory of made images, so that a critic does not forget how the generator used to cheat."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


class ImagePool:
    """Hands back each new image or, half of the time, an older one in its place.

    Until it is full it keeps what comes and returns it. From then on, with probability ½, the new
    image takes the place of a random older one, and that older one is returned.

    Args:
        capacity: images kept; 0 returns every image as it came.
        generator: a CPU generator.

    Raises:
        ValueError: a negative capacity.

    Example:
        >>> pool = ImagePool(2, generator=torch.Generator().manual_seed(0))
        >>> pool.swap(torch.ones(3, 1, 1, 1)).shape
        torch.Size([3, 1, 1, 1])

    Source: Shrivastava et al. 2017, doi:10.1109/CVPR.2017.241, as used by Zhu et al. 2017.
    """

    def __init__(self, capacity: int, *, generator: torch.Generator) -> None:
        if capacity < 0:
            raise ValueError(f"capacity is {capacity}; keep 0 images or more")
        self.capacity = capacity
        self._generator = generator
        self._kept: list[Tensor] = []

    def swap(
        self, images: Float[Tensor, "n channels height width"]
    ) -> Float[Tensor, "n channels height width"]:
        """Exchange a batch for one of new and older images; gradients end here."""
        return torch.stack([self._swap_one(image) for image in images.detach()])

    def _swap_one(self, image: Tensor) -> Tensor:
        if len(self._kept) < self.capacity:
            self._kept.append(image)
            return image
        old = float(torch.rand(1, generator=self._generator)) < 0.5
        if not (self.capacity and old):
            return image
        place = int(torch.randint(self.capacity, (1,), generator=self._generator))
        image, self._kept[place] = self._kept[place], image
        return image
