"""To integers and back: never further off than stated, never round the clock."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.systems.aggregation.quantisation import (
    LARGEST,
    Quantisation,
    mean_of,
    plan,
    quantise,
    sum_of,
)


@st.composite
def federations(draw):
    """A quantisation, and updates within its range, the ends among them, with weights."""
    clients = draw(st.integers(1, 12))
    heaviest = draw(st.sampled_from([1, 7, 1000]))
    clip = draw(st.sampled_from([1e-30, 1e-3, 0.1, 1.0, 3.7, 1e20]))
    by = plan(clip=clip, clients=clients, heaviest=heaviest)
    shares = st.floats(-1, 1) | st.sampled_from([-1.0, 1.0, 0.0])
    rows = draw(st.lists(st.lists(shares, min_size=3, max_size=3), min_size=1, max_size=clients))
    weights = draw(st.lists(st.integers(1, heaviest), min_size=len(rows), max_size=len(rows)))
    return by, np.clip(np.array(rows) * clip, -clip, clip), weights


@settings(max_examples=60)
@given(federations())
def test_the_decoded_sum_is_within_the_stated_bound(federation):
    by, updates, weights = federation
    words = sum(
        quantise(row, by=by, weight=w).words for row, w in zip(updates, weights, strict=True)
    )
    truth = (np.array(weights, dtype=float)[:, None] * updates).sum(axis=0)
    rounding = 1e-15 * by.clip * sum(weights) * len(weights)  # of this sum of floats
    apart = np.abs(sum_of(words, by=by) - truth)
    assert (apart <= by.error_bound(weight=sum(weights)) + rounding).all()
    mean = mean_of(words, by=by, weight=sum(weights))
    apart = np.abs(mean - truth / sum(weights))
    assert (apart <= by.error_bound(weight=1) + rounding).all()


def test_the_bound_is_reached_so_no_smaller_one_would_do():
    by = Quantisation(clip=1.0, levels=4, clients=3)
    words = sum(quantise(np.array([0.3749999]), by=by).words for _ in range(3))
    apart = abs(sum_of(words, by=by)[0] - 3 * 0.3749999)
    assert 0.999 * by.error_bound(weight=3) < apart <= by.error_bound(weight=3)


@pytest.mark.parametrize("heaviest", [1, 900])
@pytest.mark.parametrize("end", [-1.0, 1.0])
def test_all_at_one_end_of_the_range_do_not_overflow(end, heaviest):
    by = plan(clip=1.0, clients=11, heaviest=heaviest)
    one = quantise(np.array([end]), by=by, weight=heaviest).words
    total = np.zeros(1, dtype=np.uint32)
    for _ in range(11):
        total += one
    assert sum_of(total, by=by)[0] == pytest.approx(11 * heaviest * end)
    assert 11 * heaviest * (by.levels + 1) > LARGEST, "a finer one would not fit"


def test_a_sum_that_could_overflow_is_refused_at_the_start():
    Quantisation(clip=1.0, levels=LARGEST // 10, clients=10)
    with pytest.raises(ValueError, match="at most 214748364 levels fit"):
        Quantisation(clip=1.0, levels=LARGEST // 10 + 1, clients=10)
    with pytest.raises(ValueError, match="product at most"):
        plan(clip=1.0, clients=2**20, heaviest=2**12)


@pytest.mark.parametrize("clip", [0.0, -1.0, np.inf, np.nan, 1e-320])
def test_a_range_that_is_none_is_refused(clip):
    with pytest.raises(ValueError, match="clip is"):
        plan(clip=clip, clients=3)


def test_values_outside_are_refused_or_clipped_and_counted():
    by = Quantisation(clip=1.0, levels=4, clients=1)
    values = np.array([0.0, 1.5, -9.0, 1.0])
    with pytest.raises(ValueError, match=r"value 1 is 1\.5, and 2 in all lie outside"):
        quantise(values, by=by)
    done = quantise(values, by=by, outside="clip")
    assert done.clipped == 2
    assert sum_of(done.words, by=by).tolist() == [0, 1, -1, 1]
    with pytest.raises(ValueError, match="choose 'refuse' or 'clip'"):
        quantise(values, by=by, outside="wrap")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("outside", ["refuse", "clip"])
def test_what_is_not_finite_is_refused_by_its_position(bad, outside):
    with pytest.raises(ValueError, match=r"value 2 is -?(nan|inf), and 1 in all are not"):
        quantise(np.array([0.0, 0.0, bad]), by=plan(clip=1.0, clients=1), outside=outside)


def test_weights_outside_what_was_agreed_are_refused():
    by = plan(clip=1.0, clients=2, heaviest=5)
    for weight in (0, 6):
        with pytest.raises(ValueError, match=rf"weight is {weight}; the clients agreed on 1\.\.5"):
            quantise(np.zeros(1), by=by, weight=weight)
    with pytest.raises(ValueError, match=r"weight is 11; it must lie in 1\.\.10"):
        mean_of(np.zeros(1, dtype=np.uint32), by=by, weight=11)


def test_single_precision_is_taken_as_it_is():
    values = np.array([0.1, -0.7], dtype=np.float32)
    by = plan(clip=1.0, clients=10)
    apart = sum_of(quantise(values, by=by).words, by=by) - values.astype(np.float64)
    assert (np.abs(apart) <= by.error_bound(weight=1)).all()


def test_single_precision_just_outside_is_outside():
    """0.1 in single precision is more than 0.1, by 32 of 2^31 levels: enough to overflow."""
    by = plan(clip=0.1, clients=1)
    values = np.array([0.1, -0.1, 0.05], dtype=np.float32)
    with pytest.raises(ValueError, match="and 2 in all lie outside"):
        quantise(values, by=by)
    done = quantise(values, by=by, outside="clip")
    assert done.clipped == 2
    assert done.words.view(np.int32).tolist()[:2] == [LARGEST, -LARGEST]


@pytest.mark.parametrize("n", [0, 1, 2**14 - 1, 2**14, 2**14 + 1, 40_000])
@pytest.mark.parametrize("weight", [1, 5])
def test_blocks_meet_without_a_seam(n, weight):
    values = np.random.default_rng(0).uniform(-1, 1, n)
    by = plan(clip=1.0, clients=4, heaviest=5)
    whole = np.rint(values / by.step).astype(np.int64) * weight
    assert (quantise(values, by=by, weight=weight).words == whole.astype(np.uint32)).all()


def test_masks_of_floats_do_not_cancel_and_masks_of_words_do():
    """The reason for all of this."""
    rng = np.random.default_rng(0)
    x, mask = rng.normal(size=100).astype(np.float32), rng.normal(size=100).astype(np.float32)
    left = (x + mask * np.float32(1e6)) - mask * np.float32(1e6)
    assert np.abs(left - x).max() > 1e-3
    words, noise = (rng.integers(0, 2**32, 100, dtype=np.uint32) for _ in range(2))
    assert ((words + noise) - noise == words).all()
