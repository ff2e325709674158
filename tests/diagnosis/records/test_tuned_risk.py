"""The setting with the least validation loss is kept, and an edge is told."""

from types import SimpleNamespace

import pytest
from torch import nn

from medlib.diagnosis.records.risk_training import Recipe
from medlib.diagnosis.records.tuned_risk import tuned_risk

LOSSES = {(0.1, 1.0): 0.6, (0.2, 1.0): 0.4, (0.3, 1.0): 0.5}


def fit(recipe):
    loss = LOSSES.get((recipe.rate, recipe.weight_decay), 0.9)
    return nn.Linear(1, 1), SimpleNamespace(validation_loss=(0.95, loss, 0.92))


def test_the_best_step_of_the_best_setting_wins():
    found = tuned_risk(fit, Recipe(steps=7), rates=(0.1, 0.2, 0.3), decays=(1.0, 2.0))
    assert (found.recipe.rate, found.recipe.weight_decay, found.recipe.steps) == (0.2, 1.0, 7)
    assert found.tried[0.2, 1.0] == 0.4
    assert len(found.tried) == 6
    assert not found.on_the_edge


def test_a_winner_at_an_end_of_its_ladder_is_told():
    assert tuned_risk(fit, Recipe(steps=7), rates=(0.2, 0.3), decays=(1.0,)).on_the_edge
    assert not tuned_risk(fit, Recipe(steps=7), rates=(0.2,), decays=(1.0,)).on_the_edge


def test_something_must_be_tried():
    with pytest.raises(ValueError, match="one rate"):
        tuned_risk(fit, Recipe(steps=7), rates=())
