"""A reader with a rate of its own: chosen on validation volumes only, and trained on and on."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from medlib.translation.volumes.slice_aggregation import AGGREGATIONS, slice_wise
from medlib.translation.volumes.tuned_reader import Course, Look, tuned_reader, with_head
from medlib.translation.volumes.volume_study import Patches, mean_of_slices, score
from tests.translation.volumes.spotted_patches import patches


def plane_network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        ).eval()  # fmt: skip


@pytest.fixture
def parts():
    sizes = {"train": 40, "validation": 40, "test": 60}
    return {name: patches(n, seed, brighter=40) for seed, (name, n) in enumerate(sizes.items())}


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def network(parts):
    return with_head(mean_of_slices(plane_network()), parts)


def tuned(parts, **options):
    options = {"lengths": [4, 8], "batch_size": 8, "generator": draws()} | options
    return tuned_reader(network(parts), parts, **options)


def weights_of(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def test_going_on_is_the_same_as_one_long_training(parts):
    whole, split = (Course(network(parts), rate=1e-2, generator=draws()) for _ in range(2))
    whole.advance(parts["train"], to=11, batch_size=8)
    split.advance(parts["train"], to=3, batch_size=8)
    split.advance(parts["train"], to=11, batch_size=8)
    assert whole.step == split.step == 11
    assert torch.equal(weights_of(whole.averaged), weights_of(split.averaged))


def test_the_mean_of_the_weights_is_the_one_of_the_formula(parts):
    course = Course(network(parts), rate=1e-2, generator=draws())
    mean = weights_of(course.network)
    for step in range(1, 6):
        course.advance(parts["train"], to=step, batch_size=40)
        mean = mean + 9 / (step + 8) * (weights_of(course.network) - mean)
    assert torch.allclose(weights_of(course.averaged), mean, atol=1e-6)
    assert not torch.allclose(mean, weights_of(course.network), atol=1e-6)


def test_the_network_and_the_generator_are_left_as_they_were(parts):
    net, generator = network(parts), draws(3)
    before, state = copy.deepcopy(net.state_dict()), generator.get_state()
    tuned_reader(net, parts, lengths=[3], batch_size=8, generator=generator)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert torch.equal(state, generator.get_state())


def test_the_normalisation_keeps_its_statistics(parts):
    kept = {name: value for name, value in network(parts).state_dict().items() if "running" in name}
    found = tuned(parts).network.state_dict()
    assert kept
    assert all(torch.equal(value, found[name]) for name, value in kept.items())


def test_nothing_is_chosen_by_test_volumes(parts):
    test = parts["test"]
    spoiled = parts | {"test": Patches(test.volumes, 1 - test.labels)}
    fair, other = tuned(parts), tuned(spoiled)
    assert fair.rate == other.rate
    assert torch.equal(weights_of(fair.network), weights_of(other.network))
    assert [look.test for look in other.looks] == pytest.approx([1 - x.test for x in fair.looks])


def test_the_rate_is_the_best_of_those_tried_on_validation_volumes(parts):
    found = tuned(parts, ladder=[1e-6, 1e-4, 1e-2, 1.0], start=1e-4)
    first = found.looks[1]
    assert found.tried[first.rate] == max(found.tried.values()) == first.validation
    assert [look.step for look in found.looks] == [0, 4, 8]
    assert found.looks[-1].rate == found.rate


class Racer:
    """Stands in for a training: what each rate reaches after so many steps is written down."""

    reached = {  # noqa: RUF012
        4: {1e-4: 0.6, 1e-3: 0.8, 1e-2: 0.9, 1e-1: 0.5},
        8: {1e-4: 0.95, 1e-3: 0.9, 1e-2: 0.7, 1e-1: 0.5},
    }

    def __init__(self, network, *, rate, generator):
        self.averaged, self.rate, self.step = network, rate, 0

    def advance(self, learn, *, to, batch_size):
        self.step = to

    def look(self, parts):
        auc = self.reached.get(self.step, {}).get(self.rate, 0.5)
        return Look(self.step, self.rate, auc, 1 - auc, auc)


def test_the_quickest_rate_gives_way_to_one_that_is_better_later(parts, monkeypatch):
    monkeypatch.setattr("medlib.translation.volumes.tuned_reader.Course", Racer)
    ladder = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]
    found = tuned(parts, ladder=ladder, start=1e-2)
    assert sorted(found.tried) == [1e-3, 1e-2, 1e-1]
    # 1e-3 overtakes; beyond it 1e-4 was never tried, so it is trained up to there, and 1e-5 too
    assert [look.rate for look in found.looks] == [1e-2, 1e-2, 1e-4]
    assert (found.rate, found.on_the_edge) == (1e-4, False)
    alone = tuned(parts, ladder=ladder, start=1e-2, carried=1)
    assert (alone.rate, alone.looks[-1].validation) == (1e-2, 0.7)


def test_a_rate_at_the_edge_of_those_tried_asks_for_the_next_one(parts):
    ladder = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]
    found = tuned(parts, ladder=ladder, start=1e-5, lengths=[30])
    assert len(found.tried) > 3
    assert list(found.tried) == ladder[: len(found.tried)]
    assert not found.on_the_edge or found.rate == ladder[-1]
    with pytest.raises(ValueError, match="carry on"):
        tuned(parts, carried=0)


def test_a_rate_at_the_end_of_the_ladder_is_said_to_be_untuned(parts):
    assert tuned(parts, ladder=[1e-9], start=1e-9).on_the_edge


def test_before_any_training_it_is_the_head_alone(parts):
    found = tuned(parts)
    logits = np.diff(score(network(parts), parts["test"].volumes))[:, 0]
    labels = parts["test"].labels
    pairs = logits[labels == 1][:, None] > logits[labels == 0]
    assert found.looks[0].step == 0
    assert found.looks[0].test == pytest.approx(pairs.mean(), abs=1e-3)


def test_training_learns(parts):
    looks = tuned(parts, lengths=[60, 120], ladder=[1e-2, 3e-2, 1e-1], start=3e-2).looks
    assert looks[-1].validation_loss < looks[0].validation_loss
    assert looks[-1].test > 0.8


@pytest.mark.parametrize("lengths", [[], [0, 4], [8, 4], [4, 4]])
def test_lengths_must_ascend(parts, lengths):
    with pytest.raises(ValueError, match="ascending"):
        tuned(parts, lengths=lengths)


@pytest.mark.parametrize(("ladder", "start"), [([1e-3, 1e-2], 1e-4), ([1e-2, 1e-3], 1e-3)])
def test_a_ladder_that_leads_nowhere_is_refused(parts, ladder, start):
    with pytest.raises(ValueError, match="ladder"):
        tuned(parts, ladder=ladder, start=start)


@pytest.mark.parametrize("kind", AGGREGATIONS)
def test_slice_wise_readers_can_be_trained_from_end_to_end(parts, kind):
    plane = plane_network()
    net = slice_wise(kind, plane, parts["train"].volumes, generator=draws())
    twin = slice_wise(kind, plane, parts["train"].volumes, generator=draws())
    volumes = parts["test"].volumes[:2]
    assert net(volumes).shape == (2, 2)
    assert torch.equal(net(volumes), twin(volumes))
    found = tuned_reader(net, parts, lengths=[2], batch_size=8, generator=draws())
    assert not torch.equal(weights_of(found.network), weights_of(net))
    assert torch.equal(weights_of(net.plane_network), weights_of(plane))


def test_an_unknown_aggregation_is_refused(parts):
    with pytest.raises(ValueError, match="attention"):
        slice_wise("median", plane_network(), parts["train"].volumes, generator=draws())
