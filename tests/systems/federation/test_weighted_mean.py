"""The mean is Flower's to the bit, in any order of arrival, and says who does not fit."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.systems.federation.quiet_flower import import_flower
from medlib.systems.federation.weighted_mean import check_states, weighted_mean

NAMES = ("east", "hill", "lake", "north", "port")


def hospitals(seed=0, n=5):
    generator = torch.Generator().manual_seed(seed)
    return {
        name: {
            "conv.weight": torch.randn(4, 3, 3, generator=generator),
            "norm.num_batches_tracked": torch.randint(900, (), generator=generator),
        }
        for name in NAMES[:n]
    }


@settings(max_examples=30)
@given(st.permutations(NAMES), st.lists(st.integers(1, 999), min_size=5, max_size=5))
def test_the_order_of_arrival_changes_no_bit(order, numbers):
    states, images = hospitals(), dict(zip(NAMES, numbers, strict=True))
    usual = weighted_mean(states, images=images)
    arrived = weighted_mean({name: states[name] for name in order}, images=images)
    for entry in usual:
        assert torch.equal(usual[entry], arrived[entry])


def test_added_as_they_arrive_bits_would_change():
    """What the law above guards against does happen with these states."""
    states = [state["conv.weight"] * 0.2 for state in hospitals().values()]
    sums = {sum(order).numpy().tobytes() for order in itertools.permutations(states)}
    assert len(sums) > 1


@settings(max_examples=30)
@given(st.lists(st.integers(1, 999), min_size=1, max_size=5), st.integers(0, 99))
def test_it_is_flowers_mean_to_the_bit(numbers, seed):
    import_flower()
    from flwr.app import ArrayRecord, MetricRecord, RecordDict
    from flwr.serverapp.strategy.strategy_utils import aggregate_arrayrecords

    states = hospitals(seed, n=len(numbers))
    images = dict(zip(states, numbers, strict=True))
    records = [
        RecordDict({"arrays": ArrayRecord(state), "metrics": MetricRecord({"n": images[name]})})
        for name, state in states.items()
    ]
    theirs = aggregate_arrayrecords(records, "n").to_torch_state_dict()
    ours = weighted_mean(states, images=images)
    assert torch.equal(ours["conv.weight"], theirs["conv.weight"])
    count = theirs["norm.num_batches_tracked"]
    assert count.dtype == torch.float64, "Flower averages counts as floats; ours stay integers"
    assert ours["norm.num_batches_tracked"] == count.round()


@settings(max_examples=30)
@given(st.lists(st.integers(1, 10**6), min_size=5, max_size=5))
def test_it_is_numpys_average_and_keeps_what_all_agree_on(numbers):
    states, images = hospitals(), dict(zip(NAMES, numbers, strict=True))
    stacked = np.stack([state["conv.weight"].double() for state in states.values()])
    want = np.average(stacked, axis=0, weights=numbers)
    mean = weighted_mean(states, images=images)["conv.weight"]
    np.testing.assert_allclose(mean.numpy(), want, atol=1e-6)
    alike = {k: {"n": torch.tensor(25), "w": torch.tensor([0.5])} for k in NAMES}
    mean = weighted_mean(alike, images=images)
    assert mean["n"] == 25, "not 24, by a rounding down"
    assert mean["n"].dtype == torch.int64
    assert mean["w"].item() == pytest.approx(0.5, rel=1e-6)


def test_what_was_sent_is_not_changed():
    states, before = hospitals(), hospitals()
    weighted_mean(states, images=dict.fromkeys(NAMES, 1))
    for name, entry in itertools.product(NAMES, states["east"]):
        assert torch.equal(states[name][entry], before[name][entry])


def test_states_that_disagree_are_refused_by_hospital_and_entry():
    states = hospitals(n=2)
    states["hill"]["head.bias"] = torch.zeros(2)
    with pytest.raises(ValueError, match=r"'hill' has an entry 'head.bias', hospital 'east' none"):
        check_states(states)
    states = hospitals(n=2)
    del states["hill"]["conv.weight"]
    with pytest.raises(
        ValueError, match=r"'east' has an entry 'conv.weight', hospital 'hill' none"
    ):
        check_states(states)
    states = hospitals(n=2)
    states["hill"]["conv.weight"] = torch.zeros(4, 3)
    with pytest.raises(ValueError, match=r"'hill': 'conv.weight' is \(4, 3\) torch.float32"):
        check_states(states)
    states["hill"]["conv.weight"] = torch.zeros(4, 3, 3, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"torch.float64, at hospital 'east' .* torch.float32"):
        weighted_mean(states, images={"east": 1, "hill": 1})
    with pytest.raises(ValueError, match="nothing to combine"):
        weighted_mean({}, images={})


@pytest.mark.parametrize("images", [{"east": 1}, {"east": 1, "hill": 0}, {"east": -1, "hill": 2}])
def test_a_hospital_without_images_is_refused(images):
    with pytest.raises(ValueError, match="its weight in the mean must be a number above 0"):
        weighted_mean(hospitals(n=2), images=images)
