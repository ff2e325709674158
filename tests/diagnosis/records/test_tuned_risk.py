"""The setting with the least validation loss is kept, and an edge is told."""

from types import SimpleNamespace

import pytest
from torch import nn

from medlib.diagnosis.records.risk_training import Recipe
from medlib.diagnosis.records.tuned_risk import tuned_risk

LOSSES = {(0.1, 1.0): 0.6, (0.2, 1.0): 0.4, (0.3, 1.0): 0.5, (0.2, 2.0): 0.3, (0.3, 2.0): 0.1}
RECIPE = Recipe(steps=7, weight_decay=1.0)


def fit(recipe):
    loss = LOSSES.get((recipe.rate, recipe.weight_decay), 0.9)
    return nn.Linear(1, 1), SimpleNamespace(validation_loss=(0.95, loss, 0.92))


def test_first_the_rate_then_the_decay_and_nothing_twice():
    found = tuned_risk(fit, RECIPE, rates=(0.1, 0.2, 0.3), decays=(0.5, 1.0, 2.0, 3.0))
    assert (found.recipe.rate, found.recipe.weight_decay, found.recipe.steps) == (0.2, 2.0, 7)
    assert found.tried[0.2, 2.0] == 0.3
    assert list(found.tried) == [
        (0.1, 1.0), (0.2, 1.0), (0.3, 1.0), (0.2, 0.5), (0.2, 2.0), (0.2, 3.0)
    ]  # fmt: skip
    assert not found.rate_on_the_edge
    assert not found.decay_on_the_edge


def test_a_winner_at_an_end_of_its_ladder_is_told():
    found = tuned_risk(fit, RECIPE, rates=(0.2, 0.3), decays=(1.0, 2.0))
    assert found.rate_on_the_edge
    assert found.decay_on_the_edge
    alone = tuned_risk(fit, RECIPE, rates=(0.2,), decays=(1.0,))
    assert not alone.rate_on_the_edge
    assert not alone.decay_on_the_edge


def test_something_must_be_tried():
    with pytest.raises(ValueError, match="one rate"):
        tuned_risk(fit, RECIPE, rates=())
