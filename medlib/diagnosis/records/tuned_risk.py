"""An arm at its own rate and weight decay, chosen on its own validation files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torch import nn

from medlib.diagnosis.records.risk_training import Recipe
from medlib.nets.training import History

__all__ = ["DECAYS", "RATES", "TunedRisk", "tuned_risk"]

RATES = (3e-3, 1e-2, 3e-2)
DECAYS = (0.1, 1.0)


@dataclass(frozen=True, eq=False)
class TunedRisk:
    """What was chosen.

    Attributes:
        network: trained by the recipe that validates best.
        recipe: that one.
        tried: (rate, weight decay) -> least validation loss in nats.
        on_the_edge: whether the rate is the lowest or the highest that was tried.
    """

    network: nn.Module
    recipe: Recipe
    tried: dict[tuple[float, float], float]
    on_the_edge: bool


def tuned_risk(
    fit: Callable[[Recipe], tuple[nn.Module, History]],
    recipe: Recipe,
    *,
    rates: Sequence[float] = RATES,
    decays: Sequence[float] = DECAYS,
) -> TunedRisk:
    """Train at each rate and weight decay; keep what has the least validation loss.

    Args:
        fit: trains by a recipe, from the same first weights and batches at every call.
        recipe: what does not vary.
        rates, decays: to try.

    Raises:
        ValueError: nothing to try.
    """
    if not rates or not decays:
        raise ValueError("give one rate and one weight decay or more to try")
    tried, best = {}, None
    for rate in rates:
        for decay in decays:
            own = replace(recipe, rate=rate, weight_decay=decay)
            network, history = fit(own)
            tried[rate, decay] = min(history.validation_loss)
            if best is None or tried[rate, decay] < tried[best[1].rate, best[1].weight_decay]:
                best = network, own
    edge = len(rates) > 1 and best[1].rate in (min(rates), max(rates))
    return TunedRisk(best[0], best[1], tried, edge)
