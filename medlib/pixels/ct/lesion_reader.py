"""Where a lesion is looked for, and by whom: a square cut around its place, and the observer there.

A filter or a network needs the lesion's surroundings, the observer only what lies close: `near` is
the square that is processed, `around` the square within it, centred on the place, that is read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from medlib.pixels.ct.observer import laguerre_gauss, train_observer

NEAR_PX, AROUND_PX = 64, 31


@dataclass(frozen=True)
class LesionReader:
    """A channelised Hotelling observer at one place, which learns from the first scans of a set.

    Args:
        site: (row, column) of the lesion in the whole image.
        size: side of the whole image, in pixels, at least 64.
        width_px: width of the Laguerre-Gauss channels.
        n_learn: scans of each kind to learn from; the others are scored.
        n_channels: channels.

    Example:
        >>> reader = LesionReader(site=(60, 70), size=128, width_px=12.0, n_learn=100)
        >>> reader.near, reader.spot
        ((Ellipsis, slice(28, 92, None), slice(38, 102, None)), (32, 32))
    """

    site: tuple[int, int]
    size: int
    width_px: float
    n_learn: int
    n_channels: int = 6

    def __post_init__(self) -> None:
        half = AROUND_PX // 2
        if self.size < NEAR_PX or not all(half <= at < self.size - half for at in self.site):
            raise ValueError(
                f"the square of {AROUND_PX} pixels around {self.site} leaves the image of"
                f" {self.size} x {self.size}; the lesion must lie further inside"
            )

    @property
    def corner(self) -> tuple[int, int]:
        """First row and column of the square that is processed."""
        last = self.size - NEAR_PX
        return tuple(min(max(at - NEAR_PX // 2, 0), last) for at in self.site)

    @property
    def near(self) -> tuple:
        """Index that cuts the processed square out of whole images."""
        return (..., *(slice(start, start + NEAR_PX) for start in self.corner))

    @property
    def spot(self) -> tuple[int, int]:
        """The lesion's (row, column) in the processed square."""
        return tuple(at - start for at, start in zip(self.site, self.corner, strict=True))

    @property
    def around(self) -> tuple:
        """Index that cuts what the observer reads out of processed squares."""
        half = AROUND_PX // 2
        return (..., *(slice(at - half, at + half + 1) for at in self.spot))

    @property
    def channels(self) -> Tensor:
        """(channels, 31, 31), in float64."""
        return laguerre_gauss(size=AROUND_PX, n_channels=self.n_channels, width_px=self.width_px)

    def scores(self, present: Tensor, absent: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Scores of the scans it did not learn from, with the lesion and without.

        Args:
            present, absent: processed squares, (n, 64, 64), n > n_learn.

        Raises:
            ValueError: no scan is left to be scored.
        """
        if min(len(present), len(absent)) <= self.n_learn:
            raise ValueError(
                f"{len(present)} scans with and {len(absent)} without, of which {self.n_learn} are"
                " learned from: none is left to be scored"
            )
        present, absent = present[self.around], absent[self.around]
        learned = present[: self.n_learn], absent[: self.n_learn]
        observer = train_observer(*learned, channels=self.channels)
        return observer.score(present[self.n_learn :]), observer.score(absent[self.n_learn :])

    def flattered(self, present: Tensor, absent: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Scores of the very scans that it learned from: what must not be done, for a control."""
        learned = present[self.around][: self.n_learn], absent[self.around][: self.n_learn]
        observer = train_observer(*learned, channels=self.channels)
        return observer.score(learned[0]), observer.score(learned[1])
