"""Labelled data: a Sample whose items carry a label each, and what each label means."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from data_fetch.sample import Sample


@dataclass(frozen=True, eq=False, kw_only=True)
class Labelled:
    """Items along the first axis of `sample.array`, each with a label.

    Unpacks into the two that are wanted most: ``sample, labels = labelled``.

    Args:
        sample: the items with their provenance.
        labels: of each item, an index into `names`.
        names: what each label means. Of two, the second is the one to be found: "positive".
        patients: whose each item is, where items share a patient: split data by this, not by item.

    Raises:
        ValueError: not one label (or patient) an item, or a label that has no name.

    >>> from data_fetch.sample import sha256_of_array
    >>> dots = np.zeros((3, 8, 8), dtype=np.uint8)
    >>> sample = Sample(dots, name="example/dots", kind="simulated", unit="intensity 0..255",
    ...                 sha256=sha256_of_array(dots))
    >>> drawn = Labelled(sample=sample, labels=np.array([0, 1, 1]), names=("light", "dark"))
    >>> len(drawn), drawn.names[drawn.labels[2]]
    (3, 'dark')
    """

    sample: Sample
    labels: Int[np.ndarray, " n"]
    names: tuple[str, ...]
    patients: Int[np.ndarray, " items"] | None = None

    def __post_init__(self) -> None:
        n = len(self.sample.array)
        for what, values in (("labels", self.labels), ("patients", self.patients)):
            if values is not None and values.shape != (n,):
                raise ValueError(f"{n} items, but {what} of shape {values.shape}: give one an item")
        known = set(range(len(self.names)))
        if unknown := set(np.unique(self.labels).tolist()) - known:
            raise ValueError(
                f"label {min(unknown)} has no name; there are {len(self.names)}: "
                f"{', '.join(self.names)}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.sample, self.labels))
