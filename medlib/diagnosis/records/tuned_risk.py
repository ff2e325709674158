"""An arm at its own rate and weight decay, chosen on its own validation files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torch import nn

from medlib.diagnosis.records.risk_training import Recipe
from medlib.nets.training import History

__all__ = ["DECAYS", "RATES", "TunedRisk", "tuned_risk"]

RATES = (1e-2, 3e-2, 1e-1)
DECAYS = (0.01, 0.1, 1.0)


@dataclass(frozen=True, eq=False)
class TunedRisk:
    """What was chosen.

    Attributes:
        network: trained by the recipe that validates best.
        recipe: that one.
        tried: (rate, weight decay) -> least validation loss in nats.
        rate_on_the_edge, decay_on_the_edge: whether it is the lowest or the highest of those tried.
    """

    network: nn.Module
    recipe: Recipe
    tried: dict[tuple[float, float], float]
    rate_on_the_edge: bool
    decay_on_the_edge: bool


def tuned_risk(
    fit: Callable[[Recipe], tuple[nn.Module, History]],
    recipe: Recipe,
    *,
    rates: Sequence[float] = RATES,
    decays: Sequence[float] = DECAYS,
) -> TunedRisk:
    """Choose the rate at the recipe's weight decay, then the decay at that rate.

    What has the least validation loss is kept. Nothing is trained twice.

    Args:
        fit: trains by a recipe, from the same first weights and batches at every call.
        recipe: what does not vary, and the weight decay at which rates are compared.
        rates, decays: to try.

    Raises:
        ValueError: nothing to try.
    """
    if not rates or not decays:
        raise ValueError("give one rate and one weight decay or more to try")
    tried, best = {}, None
    for rate in rates:
        best = _better(fit, replace(recipe, rate=rate), tried, best)
    rate = best[1].rate
    for decay in decays:
        best = _better(fit, replace(recipe, rate=rate, weight_decay=decay), tried, best)
    return TunedRisk(
        *best,
        tried,
        _on_the_edge(rate, rates),
        _on_the_edge(best[1].weight_decay, decays),
    )


def _better(fit, own, tried, best):
    """The better of what was best so far and of a recipe, which is trained unless it was before."""
    setting = own.rate, own.weight_decay
    if setting in tried:
        return best
    network, history = fit(own)
    tried[setting] = min(history.validation_loss)
    if best is None or tried[setting] < tried[best[1].rate, best[1].weight_decay]:
        return network, own
    return best


def _on_the_edge(value: float, ladder: Sequence[float]) -> bool:
    return len(ladder) > 1 and value in (min(ladder), max(ladder))
