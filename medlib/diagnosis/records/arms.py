"""The arms of a comparison: what each sees of a record. All else is the same for all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from medlib.diagnosis.records.filling import RULES
from medlib.diagnosis.records.gru_d import GruD, RiskByHour
from medlib.diagnosis.records.hourly import hours_since, measured

__all__ = ["ARMS", "Arm"]

Rows = Float32[np.ndarray, "patients hours channels"]


@dataclass(frozen=True)
class Arm:
    """What a network sees.

    Attributes:
        rule: how gaps are filled, a name in `filling.RULES`.
        values: whether it sees values at all; else it sees when something was measured, not what.
        masks, intervals, decays: as in `GruD`.

    Raises:
        ValueError: there is no such rule, or decays on rows that are not carried forward.
    """

    rule: str = "forward"
    values: bool = True
    masks: bool = False
    intervals: bool = False
    decays: bool = False

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"rule {self.rule!r}: there are {', '.join(RULES)}")
        if self.decays and self.rule != "forward":
            raise ValueError("GRU-D lets the *last* value fade: its rule is forward")

    def inputs(self, rows: Rows) -> tuple[Tensor, Tensor, Tensor]:
        """Filled values, masks and intervals of rows with nan; it looks at these rows only.

        Cut the rows first and fill then, and nothing of what comes later can be in them.

        Args:
            rows: on the scale of the training patients.
        """
        mask = measured(rows)
        filled = RULES[self.rule](rows) if self.values else np.zeros_like(rows)
        return tuple(
            torch.from_numpy(part.astype("f4")) for part in (filled, mask, hours_since(mask))
        )

    def network(self, channels: int, *, hidden: int, generator: torch.Generator) -> RiskByHour:
        """A network that sees this, with first weights from `generator`."""
        switches = {"masks": self.masks, "intervals": self.intervals, "decays": self.decays}
        cell = GruD(channels, hidden, **switches, generator=generator)
        return RiskByHour(cell, generator=generator)


#: In the order in which the chapter meets them.
ARMS = {
    "mean fill": Arm("mean"),
    "carried forward": Arm("forward"),
    "back fill": Arm("back"),
    "interpolation": Arm("interpolation"),
    "back fill with masks": Arm("back", masks=True, intervals=True),
    "masks and intervals": Arm("forward", masks=True, intervals=True),
    "GRU-D": Arm("forward", masks=True, decays=True),
    "masks alone": Arm("forward", values=False, masks=True, intervals=True),
}
