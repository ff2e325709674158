"""Medians and trimmed means are NumPy's, SciPy's and Flower's, and no one liar moves them."""

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.systems.federation.quiet_flower import import_flower
from medlib.systems.federation.robust_mean import median, trimmed_mean
from medlib.systems.federation.weighted_mean import weighted_mean

NAMES = ("A", "B", "C", "D", "E")


def hospitals(seed=0, n=5):
    generator = torch.Generator().manual_seed(seed)
    return {
        name: {
            "w": torch.randn(3, 4, generator=generator),
            "seen": torch.randint(900, (), generator=generator),
        }
        for name in NAMES[:n]
    }


def stacked(states):
    return np.stack([state["w"].numpy() for state in states.values()])


@settings(max_examples=20)
@given(st.integers(0, 99), st.integers(1, 5))
def test_the_median_is_numpys(seed, n):
    states = hospitals(seed, n)
    found = median(states)
    np.testing.assert_allclose(found["w"].numpy(), np.median(stacked(states), axis=0), rtol=1e-6)
    counts = [float(state["seen"]) for state in states.values()]
    assert found["seen"].dtype == torch.int64
    assert abs(found["seen"].item() - np.median(counts)) <= 0.5


@settings(max_examples=20)
@given(st.integers(0, 99), st.sampled_from([(1, 0), (3, 1), (4, 0), (4, 1), (5, 1), (5, 2)]))
def test_the_trimmed_mean_is_scipys_and_flowers(seed, how):
    import_flower()
    from flwr.serverapp.strategy.fedtrimmedavg import trim_mean

    n, each_end = how
    states = hospitals(seed, n)
    share = (each_end + 0.25) / n  # theirs is a share, cut down to a whole number of hospitals
    found = trimmed_mean(states, each_end=each_end)["w"].numpy()
    theirs = scipy.stats.trim_mean(stacked(states), share, axis=0)
    np.testing.assert_allclose(found, theirs, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found, trim_mean(stacked(states), share), rtol=1e-5, atol=1e-7)


@settings(max_examples=20)
@given(st.permutations(NAMES), st.sampled_from([median, trimmed_mean]))
def test_the_order_of_hospitals_changes_no_bit(order, rule):
    states = hospitals()
    other = rule({name: states[name] for name in order})
    assert all(torch.equal(tensor, other[entry]) for entry, tensor in rule(states).items())


@settings(max_examples=40)
@given(
    st.sampled_from(NAMES),
    st.one_of(st.floats(-1e30, 1e30), st.sampled_from([np.inf, -np.inf, np.nan])),
    st.sampled_from([median, trimmed_mean]),
)
def test_one_liar_of_five_stays_within_what_the_honest_said(liar, lie, rule):
    states = hospitals()
    honest = np.stack([s["w"].numpy() for name, s in states.items() if name != liar])
    states[liar]["w"] = torch.full((3, 4), lie)
    found = rule(states)["w"].numpy()
    slack = 1e-6  # of a mean's rounding
    assert (found >= honest.min(axis=0) - slack).all()
    assert (found <= honest.max(axis=0) + slack).all()


def test_the_weighted_mean_does_not_stay():
    states = hospitals()
    honest = max(state["w"].max() for state in states.values())
    states["C"]["w"] = torch.full((3, 4), 1e6)
    assert (weighted_mean(states, images=dict.fromkeys(NAMES, 1))["w"] > 1e4 * honest).all()


def test_two_liars_of_five_move_what_is_trimmed_once():
    states = hospitals()
    states["A"]["w"] = states["B"]["w"] = torch.full((3, 4), 1e6)
    assert (trimmed_mean(states, each_end=1)["w"] > 1e5).all()
    assert (trimmed_mean(states, each_end=2)["w"] < 10).all()
    assert torch.equal(trimmed_mean(states, each_end=2)["w"], median(states)["w"])


def test_numbers_of_images_do_not_count():
    states = hospitals()
    for rule in (median, trimmed_mean):
        assert torch.equal(rule(states, images={"A": 10**6})["w"], rule(states)["w"])


@pytest.mark.parametrize("each_end", [-1, 2, 3])
def test_nothing_left_is_refused(each_end):
    with pytest.raises(ValueError, match=f"each_end={each_end} leaves nothing of 4 hospitals"):
        trimmed_mean(hospitals(n=4), each_end=each_end)


def test_states_that_disagree_are_refused():
    states = hospitals()
    del states["B"]["seen"]
    for rule in (median, trimmed_mean):
        with pytest.raises(ValueError, match="'A' has an entry 'seen', hospital 'B' none"):
            rule(states)
