"""What is kept of a training: its weights by several rules, so that none decides alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional as F

from medlib.nets.training import device_of

__all__ = ["Keeping", "Kept"]


@dataclass(frozen=True, eq=False)
class Kept:
    """A network's weights at one validation, and what was measured there.

    Attributes:
        step: counted from 1.
        auc, loss: of the class, on validation images.
        weight: of the mask's loss at that step; 0 without masks.
        state: the network's weights.
    """

    step: int
    auc: float
    loss: float
    weight: float
    state: Mapping[str, Tensor]


class Keeping:
    """A validation for `train` that keeps the weights by every rule, not by one alone.

    Args:
        validation: images and labels, 0 or 1, of a class.
        fewer: which of them make the choice "fewer".
        weight: gives the mask's weight at that moment.

    Raises:
        ValueError: images of one class only, among all or among the fewer.

    Attributes:
        kept: by rule, what `Fitted` says of them.
    """

    def __init__(
        self,
        validation: tuple[Float[Tensor, "v channels height width"], Int[Tensor, " labels"]],
        *,
        fewer: Int[Tensor, " some"] | None,
        weight: Callable[[], float],
    ):
        self.images, self.labels = validation[0], validation[1].cpu()
        self.parts = {"auc": slice(None)} | ({} if fewer is None else {"fewer": fewer.cpu()})
        self.weight, self.step = weight, 0
        self.kept: dict[str, Kept] = {}
        for part in self.parts.values():
            if len(self.labels[part].unique()) < 2:
                raise ValueError("validation images are of one class: an AUC needs both")

    def count(self, step: int, _: float) -> None:
        """Take note of the step, as `on_step`."""
        self.step = step

    def __call__(self, model: nn.Module) -> float:
        """Validate; one less the AUC."""
        images = self.images.to(device_of(model))
        scores = torch.cat([model(part).classes for part in images.split(256)]).cpu()
        state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        for rule, part in self.parts.items():
            said, truth = scores[part], self.labels[part]
            auc = float(roc_auc_score(truth, said[:, 1] - said[:, 0]))
            loss = float(F.cross_entropy(said, truth))
            here = Kept(self.step, auc, loss, self.weight(), state)
            self._keep(rule, here, better=lambda a, b: (-a.auc, a.loss) < (-b.auc, b.loss))
            if rule == "auc":
                self._keep("loss", here, better=lambda a, b: a.loss < b.loss)
                self.kept.setdefault("first", here)
                self.kept["last"] = here
        return 1.0 - self.kept["last"].auc

    def _keep(self, rule: str, here: Kept, *, better) -> None:
        if rule not in self.kept or better(here, self.kept[rule]):
            self.kept[rule] = here
