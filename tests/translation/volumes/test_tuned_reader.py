"""A reader with a rate of its own: chosen on validation volumes only, and trained on and on."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from medlib.translation.volumes.first_heads import with_aggregation, with_head
from medlib.translation.volumes.slice_aggregation import AGGREGATIONS
from medlib.translation.volumes.tuned_reader import (
    _TORN,
    Course,
    _Standing,
    _standing,
    tuned_reader,
)
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
    whole, split = (
        Course(network(parts), rate=1e-2, renewed=False, generator=draws()) for _ in range(2)
    )
    whole.advance(parts["train"], to=11, batch_size=8)
    split.advance(parts["train"], to=3, batch_size=8)
    split.advance(parts["train"], to=11, batch_size=8)
    assert whole.step == split.step == 11
    assert torch.equal(weights_of(whole.averaged), weights_of(split.averaged))


def test_the_mean_of_the_weights_is_the_one_of_the_formula(parts):
    course = Course(network(parts), rate=1e-2, renewed=False, generator=draws())
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


@pytest.mark.parametrize("renewed", [False, True])
def test_the_normalisation_keeps_its_statistics_or_gets_those_of_training_volumes(parts, renewed):
    course = Course(network(parts), rate=1e-2, renewed=renewed, generator=draws())
    course.advance(parts["train"], to=3, batch_size=8)
    judged = course.judged(parts["train"])
    reader, came_with = judged[0].plane_network, plane_network()[1].running_mean
    with torch.no_grad():
        maps = reader[0](parts["train"].volumes.transpose(1, 2).flatten(0, 1))
    assert not judged.training
    expected = maps.mean(dim=(0, 2, 3)) if renewed else came_with
    torch.testing.assert_close(reader[1].running_mean, expected)
    assert not torch.allclose(maps.mean(dim=(0, 2, 3)), came_with)


def test_nothing_is_chosen_by_test_volumes(parts):
    test = parts["test"]
    spoiled = parts | {"test": Patches(test.volumes, 1 - test.labels)}
    fair, other = tuned(parts), tuned(spoiled)
    assert [look.rate for look in fair.looks] == [look.rate for look in other.looks]
    assert torch.equal(weights_of(fair.network), weights_of(other.network))
    assert [look.test for look in other.looks] == pytest.approx([1 - x.test for x in fair.looks])


def test_the_training_is_the_best_of_those_tried_on_validation_volumes(parts):
    found = tuned(parts, ladder=[1e-6, 1e-4, 1e-2, 1.0], start=1e-4)
    assert [look.step for look in found.looks] == [0, 4, 8]
    for look in found.looks[1:]:
        best = look.tried[look.rate, look.renewed]
        assert best == max(look.tried.values()) == look.validation


class Racer(nn.Module):
    """Stands in for a training: what each rate reaches after so many steps is written down."""

    kept = {  # noqa: RUF012
        4: {1e-4: 0.6, 1e-3: 0.8, 1e-2: 0.9, 1e-1: 0.5},
        8: {1e-4: 0.95, 1e-3: 0.9, 1e-2: 0.7, 1e-1: 0.5},
    }
    renewed = {}  # noqa: RUF012
    torn = ()

    def __init__(self, network, *, rate, renewed, generator):
        super().__init__()
        self.rate, self.reached, self.step = rate, self.renewed if renewed else self.kept, 0

    @property
    def averaged(self):
        return self

    def judged(self, learn):
        return self

    def advance(self, learn, *, to, batch_size):
        self.step = to
        if self.rate in self.torn:
            raise FloatingPointError("the training loss is nan")


@pytest.fixture
def race(monkeypatch, parts):
    """Run `tuned_reader` with racers; returns its looks."""
    module = "medlib.translation.volumes.tuned_reader"

    def auc(network, part):
        reached = network.reached if isinstance(network, Racer) else {}
        return reached.get(network.step, {}).get(network.rate, 0.5) if reached else 0.5

    monkeypatch.setattr(f"{module}.Course", Racer)
    monkeypatch.setattr(f"{module}._auc", auc)
    monkeypatch.setattr(f"{module}._standing", lambda net, part: _Standing(auc(net, part), -0.5))
    return lambda **options: tuned(parts, ladder=[1e-5, 1e-4, 1e-3, 1e-2, 1e-1], **options).looks


def kept_rates(look):
    return {rate: auc for (rate, renewed), auc in look.tried.items() if not renewed}


def test_a_rate_wins_only_over_both_neighbours_trained_as_long(race):
    _, first, last = race(start=1e-2)
    assert (first.rate, sorted(kept_rates(first))) == (1e-2, [1e-3, 1e-2, 1e-1])
    # 1e-3 overtakes, so 1e-4, never tried before, is trained up to there; it wins, so 1e-5 is too
    assert (last.rate, last.renewed, last.on_the_edge) == (1e-4, False, False)
    assert kept_rates(last) == {1e-5: 0.5, 1e-4: 0.95, 1e-3: 0.9, 1e-2: 0.7, 1e-1: 0.5}


def test_a_rate_left_behind_is_taken_up_again(race, monkeypatch):
    reached = {4: {1e-3: 0.6, 1e-2: 0.8, 1e-1: 0.9}, 8: {1e-3: 0.9, 1e-2: 0.8, 1e-1: 0.7}}
    monkeypatch.setattr(Racer, "kept", reached)
    _, first, last = race(start=1e-2)
    assert (first.rate, first.on_the_edge) == (1e-1, True)
    assert (last.rate, sorted(kept_rates(last))) == (1e-3, [1e-4, 1e-3, 1e-2, 1e-1])


def test_whether_normalisation_learns_is_chosen_at_each_length(race, monkeypatch):
    monkeypatch.setattr(Racer, "renewed", {4: {1e-3: 0.85}, 8: {1e-3: 0.97}})
    _, first, last = race(start=1e-2)
    assert (first.rate, first.renewed) == (1e-2, False)
    assert (last.rate, last.renewed, last.validation) == (1e-3, True, 0.97)


def test_a_torn_training_never_wins(race, monkeypatch):
    monkeypatch.setattr(Racer, "torn", (1e-2,))
    assert [look.rate for look in race(start=1e-3)] == [0, 1e-3, 1e-4]
    monkeypatch.setattr(Racer, "torn", (1e-5, 1e-4, 1e-3, 1e-2, 1e-1))
    with pytest.raises(FloatingPointError, match="lower ones"):
        race(start=1e-3)


def test_a_network_whose_answers_are_not_finite_is_torn(parts):
    net = network(parts)
    assert _standing(net, parts["validation"]).auc > 0.5
    with torch.no_grad():
        net[-1].bias.fill_(float("nan"))
    assert _standing(net, parts["validation"]) == _TORN


def test_a_rate_at_the_end_of_the_ladder_is_said_to_be_untuned(parts):
    assert [look.on_the_edge for look in tuned(parts, ladder=[1e-9], start=1e-9).looks] == [
        False, True, True,
    ]  # fmt: skip


def test_before_any_training_it_is_the_head_alone(parts):
    found = tuned(parts)
    logits = np.diff(score(network(parts), parts["test"].volumes))[:, 0]
    labels = parts["test"].labels
    pairs = logits[labels == 1][:, None] > logits[labels == 0]
    assert found.looks[0].step == 0
    assert found.looks[0].test == pytest.approx(pairs.mean(), abs=1e-3)


def test_training_learns(parts):
    looks = tuned(parts, lengths=[60, 120], ladder=[1e-2, 3e-2, 1e-1], start=3e-2).looks
    assert looks[-1].validation > looks[0].validation
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
def test_slice_wise_readers_are_trained_from_end_to_end(parts, kind):
    plane = plane_network()
    net = with_aggregation(kind, plane, parts, generator=draws(), rates=[1e-2])
    found = tuned_reader(net, parts, lengths=[2], batch_size=8, generator=draws())
    moved, were = weights_of(found.network), weights_of(net)
    ours = len(weights_of(plane))
    assert not torch.equal(moved[:ours], were[:ours])
    assert not torch.equal(moved[ours:], were[ours:])
    assert torch.equal(weights_of(net.plane_network), weights_of(plane))
