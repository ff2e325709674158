"""Both rates at 95 %: their values are others', and their intervals know what was drawn."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from medlib.diagnosis.novelty.grouped_rates import held_up_by_group, passed_by_group
from medlib.diagnosis.novelty.separation import fpr_at_tpr, passed_at_kept

GOLDEN = Path(__file__).parents[2] / "golden" / "pytorch_ood_fpr_at_tpr.json"
FEW = {"n_resamples": 3}


@given(st.integers(0, 200), st.integers(2, 60), st.sampled_from([0.5, 0.8, 0.95, 1.0]))
def test_values_equal_scikit_learns_curve_whichever_class_is_positive(seed, n, share):
    rng = np.random.default_rng(seed)
    out, known = rng.integers(0, 9, size=n) + 1.0, rng.integers(0, 9, size=37) * 1.0
    groups = rng.integers(3, size=n)
    scores, strange = np.concatenate([out, known]), np.repeat([1, 0], [n, 37])
    fpr, tpr, _ = roc_curve(strange, scores, drop_intermediate=False)
    held = held_up_by_group(out, known, groups, tpr=share, rng=rng, **FEW)
    assert held.value == pytest.approx(fpr[tpr >= share - 1e-9].min())
    fpr, tpr, _ = roc_curve(1 - strange, -scores, drop_intermediate=False)
    passed = passed_by_group(out, known, groups, kept=share, rng=rng, **FEW)
    assert passed.value == pytest.approx(fpr[tpr >= share - 1e-9].min())
    assert held.n == passed.n == len(np.unique(groups))


def test_values_equal_pytorch_oods():
    cases = json.loads(GOLDEN.read_text("utf-8"))["cases"]
    assert len(cases) >= 5
    for case in cases:
        scores, labels = np.array(case["scores"]), np.array(case["labels"])
        sets = scores[labels < 0], scores[labels >= 0], np.zeros((labels < 0).sum())
        rng = np.random.default_rng(0)
        held = held_up_by_group(*sets, tpr=case["tpr"], rng=rng, **FEW).value
        assert held == pytest.approx(case["fpr_at_tpr"], abs=1e-12)
        turned = passed_by_group(*sets, kept=case["tpr"], rng=rng, **FEW).value
        assert turned == pytest.approx(case["fpr_at_tpr_turned"], abs=1e-12)


@pytest.mark.parametrize(
    ("grouped", "plain"), [(held_up_by_group, fpr_at_tpr), (passed_by_group, passed_at_kept)]
)
def test_groups_of_one_give_the_interval_over_images(grouped, plain):
    rng = np.random.default_rng(3)
    out, known = rng.normal(1.5, 1, 150), rng.normal(size=300)
    ours = grouped(out, known, np.arange(150), rng=rng, n_resamples=4000)
    theirs = plain(out, known, rng=rng, n_resamples=4000)
    assert ours.value == theirs.value
    assert ours.low == pytest.approx(theirs.low, abs=0.02)
    assert ours.high == pytest.approx(theirs.high, abs=0.02)


@pytest.mark.parametrize(
    ("grouped", "plain"), [(held_up_by_group, fpr_at_tpr), (passed_by_group, passed_at_kept)]
)
def test_only_the_interval_over_groups_covers_what_groups_scatter(grouped, plain):
    rng, groups = np.random.default_rng(0), np.repeat(np.arange(20), 12)
    some = {"rng": rng, "n_resamples": 200}
    far = rng.normal(1, 1, 400_000) + rng.normal(0, 1, 400_000)
    true = plain(far, rng.normal(size=400_000), rng=rng, n_resamples=1).value
    hits = {grouped: 0, plain: 0}
    for _ in range(60):
        out = rng.normal(1, 1, 240) + rng.normal(0, 1, 20)[groups]
        known = rng.normal(size=300)
        found = {grouped: grouped(out, known, groups, **some), plain: plain(out, known, **some)}
        for how, one in found.items():
            hits[how] += one.low <= true <= one.high
    assert hits[grouped] >= 50
    assert hits[plain] <= 45


def test_bad_input_is_refused():
    rng = np.random.default_rng(0)
    for rate, share in ((held_up_by_group, "tpr"), (passed_by_group, "kept")):
        with pytest.raises(ValueError, match="out of range"):
            rate(np.array([]), np.array([1.0]), np.array([]), rng=rng)
        with pytest.raises(ValueError, match="share 0"):
            rate(np.ones(2), np.ones(2), np.ones(2), rng=rng, **{share: 0.0})
        with pytest.raises(ValueError, match="groups of shape"):
            rate(np.ones(2), np.ones(2), np.ones(3), rng=rng)
