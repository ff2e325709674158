"""Images with the truth at every pixel: a Sample and, for each image, a mask."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool

from data_fetch.sample import Sample


@dataclass(frozen=True, eq=False, kw_only=True)
class Segmented:
    """Images along the first axis of `sample.array`, each with the mask of what is to be found.

    Unpacks into its two parts: ``sample, masks = segmented``.

    Args:
        sample: the images with their provenance.
        masks: True where the thing is.
        what: what the masks mark, in a word or two.

    Raises:
        ValueError: not one mask an image, or a mask of another size.

    >>> from data_fetch.sample import sha256_of_array
    >>> dark = np.zeros((2, 4, 4), dtype=np.float32)
    >>> sample = Sample(dark, name="example/dark", kind="simulated", unit="intensity 0..1",
    ...                 sha256=sha256_of_array(dark))
    >>> len(Segmented(sample=sample, masks=dark > 0, what="nothing"))
    2
    """

    sample: Sample
    masks: Bool[np.ndarray, "..."]
    what: str

    def __post_init__(self) -> None:
        images = self.sample.array.shape
        if self.masks.dtype != bool or self.masks.shape != images[: self.masks.ndim]:
            raise ValueError(
                f"images of shape {images}, but masks of {self.masks.dtype} and shape"
                f" {self.masks.shape}: give one mask of bool an image, of its size"
            )

    def __len__(self) -> int:
        return len(self.masks)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.sample, self.masks))
