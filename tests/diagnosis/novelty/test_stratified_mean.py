"""The mean over a clinic's mix of cases."""

import numpy as np
import pytest

from medlib.diagnosis.novelty.stratified_mean import stratified_mean, stratified_share
from medlib.measures.mean_interval import mean_interval


def test_of_one_kind_it_is_the_mean_and_nearly_its_t_interval():
    x = np.random.default_rng(0).normal(size=2000)
    ours, peer = stratified_mean({"all": x}, shares={"all": 1.0}), mean_interval(x)
    assert ours.value == pytest.approx(peer.value)
    assert ours.high - ours.low == pytest.approx(peer.high - peer.low, rel=0.01)


def test_covers_the_mix_of_truths():
    rng, hits = np.random.default_rng(1), 0
    for _ in range(300):
        drawn = {"a": rng.normal(0, 1, 40), "b": rng.normal(5, 3, 30)}
        found = stratified_mean(drawn, shares={"a": 9, "b": 1})
        hits += found.low <= 0.5 <= found.high
    assert 270 <= hits <= 297


def test_bad_input_is_refused():
    two = np.ones(2)
    with pytest.raises(ValueError, match="kinds differ"):
        stratified_mean({"a": two}, shares={"b": 1})
    with pytest.raises(ValueError, match="all zero"):
        stratified_mean({"a": two}, shares={"a": 0})
    with pytest.raises(ValueError, match="fewer than two"):
        stratified_mean({"a": np.ones(1)}, shares={"a": 1})


def test_a_share_covers_the_truth_of_the_mix():
    rng, hits, shares = np.random.default_rng(2), 0, {"usual": 0.9, "rare": 0.1}
    truth = 0.9 * 0.05 / (0.9 * 0.05 + 0.1 * 0.8)  # alarms that are of usual cases
    for _ in range(300):
        alarm = {"usual": 1.0 * (rng.random(400) < 0.05), "rare": 1.0 * (rng.random(100) < 0.8)}
        found = stratified_share(
            {"usual": alarm["usual"], "rare": np.zeros(100)}, of=alarm, shares=shares
        )
        hits += found.low <= truth <= found.high
    assert 270 <= hits <= 297


def test_a_share_of_nothing_is_refused():
    none = {"a": np.zeros(3)}
    with pytest.raises(ValueError, match="no share of nothing"):
        stratified_share(none, of=none, shares={"a": 1})
