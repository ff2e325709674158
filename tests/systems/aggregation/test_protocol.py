"""Whole rounds: the sum to the bit, whoever vanishes whenever, as long as t are left."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.systems.aggregation.protocol import STEPS, aggregate
from medlib.systems.aggregation.quantisation import plan, quantise, sum_of
from medlib.systems.aggregation.stream import CIPHERS


def words(n, length=5, seed=0):
    return np.random.default_rng(seed).integers(0, 2**32, (n, length), dtype=np.uint32)


@st.composite
def rounds(draw):
    n = draw(st.integers(2, 7))
    threshold = draw(st.integers(n // 2 + 1, n))
    leaves = draw(st.lists(st.sampled_from([None, None, *STEPS]), min_size=n, max_size=n))
    drop = {step: [i + 1 for i, at in enumerate(leaves) if at == step] for step in STEPS}
    return words(n, draw(st.integers(1, 9)), draw(st.integers(0, 999))), threshold, drop


@settings(max_examples=60)
@given(rounds(), st.sampled_from(CIPHERS))
def test_the_sum_is_exact_or_the_round_is_refused(one, cipher):
    updates, threshold, drop = one
    left = len(updates) - sum(len(gone) for gone in drop.values())
    if left < threshold:
        with pytest.raises(ValueError, match=f"the threshold is {threshold}"):
            aggregate(updates, threshold=threshold, rng=None, drop=drop, cipher=cipher)
        return
    done = aggregate(updates, threshold=threshold, rng=None, drop=drop, cipher=cipher)
    gone = {i for step in STEPS[:3] for i in drop[step]}
    assert done.survivors == tuple(i + 1 for i in range(len(updates)) if i + 1 not in gone)
    assert (done.sum == updates[[i - 1 for i in done.survivors]].sum(0, dtype=np.uint32)).all()


@pytest.mark.parametrize("step", STEPS)
def test_at_every_step_two_of_seven_may_vanish_and_no_third(step):
    updates = words(7)
    done = aggregate(updates, threshold=5, rng=None, drop={step: [2, 7]})
    expected = updates if step in ("confirm", "reveal") else updates[[0, 2, 3, 4, 5]]
    assert (done.sum == expected.sum(0, dtype=np.uint32)).all()
    with pytest.raises(ValueError, match=r"4 clients are left at .* the threshold is 5"):
        aggregate(updates, threshold=5, rng=None, drop={step: [2, 4, 7]})


def test_floats_go_in_and_their_sum_comes_out():
    rng = np.random.default_rng(3)
    updates = rng.normal(size=(5, 40)).clip(-3, 3)
    by = plan(clip=3.0, clients=5)
    rows = np.stack([quantise(row, by=by).words for row in updates])
    done = aggregate(rows, threshold=3, rng=None, drop={"mask": [4]})
    truth = updates[[0, 1, 2, 4]].sum(axis=0)
    assert np.abs(sum_of(done.sum, by=by) - truth).max() <= by.error_bound(weight=4)


def test_a_seeded_round_is_the_same_twice_and_the_systems_own_is_not(monkeypatch):
    sent = []
    from medlib.systems.aggregation import client

    original = client.mask
    monkeypatch.setattr(client, "mask", lambda *a, **k: sent.append(original(*a, **k)) or sent[-1])
    for rng in (np.random.default_rng(1), np.random.default_rng(1), None, None):
        aggregate(words(3), threshold=2, rng=rng)
    one, two, three, four = (np.stack(sent[i : i + 3]) for i in (0, 3, 6, 9))
    assert (one == two).all()
    assert (three != four).mean() > 0.9
    assert (one != words(3)).mean() > 0.9


def test_bytes_are_what_the_messages_weigh():
    n, length = 6, 100
    done = aggregate(words(n, length), threshold=4, rng=None)
    head, share = 13, 8 + 12 + 66 + 16
    up = (head + 128) + (head + (n - 1) * share) + (head + 4 * length) + (head + 64)
    up += head + 2 * 4 + n * (4 + 33)
    down = (head + n * (head + 128)) + (head + (n - 1) * share)
    down += (head + 4 + 4 * n) + (head + n * (4 + 64))
    assert set(done.up.values()) == {up}
    assert set(done.down.values()) == {down}


def test_who_vanishes_sends_and_is_sent_less():
    done = aggregate(words(6, 100), threshold=4, rng=None, drop={"advertise": [1], "mask": [2]})
    assert done.up[1] == done.down[1] == 0
    assert 0 < done.up[2] < done.up[3] - 4 * 100
    assert done.client_cpu_s[1] == 0 < done.client_cpu_s[3]
    assert done.server_cpu_s > 0


def test_a_round_cannot_be_changed_afterwards():
    done = aggregate(words(2), threshold=2, rng=None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        done.survivors = ()


def test_what_is_wrong_is_refused():
    with pytest.raises(ValueError, match="drop has 'sleep'"):
        aggregate(words(3), threshold=2, rng=None, drop={"sleep": [1]})
    with pytest.raises(ValueError, match=r"drop has 'mask': \[4\]"):
        aggregate(words(3), threshold=2, rng=None, drop={"mask": [4]})
    with pytest.raises(ValueError, match=r"threshold is 2; with 4 clients it must lie in 3\.\.4"):
        aggregate(words(4), threshold=2, rng=None)
