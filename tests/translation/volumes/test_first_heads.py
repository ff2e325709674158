"""First heads and aggregations: chosen on validation volumes, and nobody starts behind."""

import numpy as np
import pytest
import torch
from torch import nn

from medlib.measures.auc import auc_of
from medlib.translation.volumes.first_heads import with_aggregation, with_head
from medlib.translation.volumes.slice_aggregation import AGGREGATIONS
from medlib.translation.volumes.volume_study import Patches, mean_of_slices, score
from tests.translation.volumes.spotted_patches import patches


class Planes(nn.Module):
    """Mean and spread of a plane."""

    def forward(self, planes):
        values = planes.flatten(1)
        return torch.stack([values.mean(dim=1), values.std(dim=1)], dim=1)


@pytest.fixture
def parts():
    return {name: patches(60, seed) for seed, name in enumerate(("train", "validation", "test"))}


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def reached(network, part):
    return auc_of(np.diff(score(network, part.volumes))[:, 0], part.labels).value


@pytest.mark.parametrize("kind", AGGREGATIONS)
def test_an_aggregation_is_fitted_before_it_is_trained_with_its_network(parts, kind):
    network = with_aggregation(kind, Planes(), parts, generator=draws())
    assert reached(network, parts["test"]) > 0.9


def test_the_rate_is_chosen_on_validation_volumes(parts):
    validation = parts["validation"]
    options = {"rates": [1e-9, 1e-2], "generator": draws()}
    good = with_aggregation("mean", Planes(), parts, **options)
    turned = parts | {"validation": Patches(validation.volumes, 1 - validation.labels)}
    spoiled = with_aggregation("mean", Planes(), turned, **options)
    assert reached(good, parts["test"]) > 0.9
    one, other = (next(net.aggregation[1].parameters()) for net in (good, spoiled))
    assert not torch.equal(one, other)


def test_test_volumes_are_never_looked_at_and_the_generator_is_left(parts):
    generator = draws(3)
    state = generator.get_state()
    known = {name: parts[name] for name in ("train", "validation")}
    one, other = (
        with_aggregation("recurrent", Planes(), known, generator=generator, rates=[1e-2])
        for _ in range(2)
    )
    assert torch.equal(state, generator.get_state())
    volumes = parts["test"].volumes
    assert np.array_equal(score(one, volumes), score(other, volumes))
    assert np.isfinite(score(with_head(mean_of_slices(Planes()), known), volumes)).all()


def test_an_unknown_aggregation_is_refused(parts):
    with pytest.raises(ValueError, match="attention"):
        with_aggregation("median", Planes(), parts, generator=draws())
