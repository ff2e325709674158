"""The tuning of arms: by validation images alone, beyond an edge that wins, alike for all."""

from pathlib import Path

import numpy as np
import pytest
import torch

from medlib.nets.efficientnet_lite import EfficientNetLite0, initialise
from medlib.translation.moving import tuned
from medlib.translation.moving.arms import Arm
from medlib.translation.moving.gradual_unfreezing import GradualUnfreezing
from medlib.translation.moving.study import Pool, label_images
from medlib.translation.moving.tuned import (
    STRENGTHS,
    Bench,
    Trained,
    climb,
    fit_linear,
    scores_of,
    tune_head,
)

COMPANION = (
    Path(__file__)
    .parents[3]
    .joinpath("chapters/translation/extract_or_finetune/_every_arm_to_its_end.py")
)


@pytest.fixture(scope="module")
def source():
    return initialise(EfficientNetLite0(), generator=torch.Generator().manual_seed(0)).eval()


@pytest.fixture(scope="module")
def pools(source):
    rng = np.random.default_rng(0)
    marks = np.arange(16) % 2
    images = rng.integers(0, 255, (16, 32, 32, 3), dtype=np.uint8)
    images[marks == 1] //= 2
    return label_images(source, images[:8], marks[:8]), label_images(source, images[8:], marks[8:])


def bench_of(source, pools, **changes):
    given = {"batch_size": 4, "seed": 1, "every": 2} | changes
    return Bench(source, *pools, **given)


@pytest.mark.parametrize("scaled", [False, True])
def test_a_head_as_a_layer_is_the_regression(scaled):
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(2)
    x, y = rng.normal(3, [1, 20, 0.1], (30, 3)), np.arange(30) % 2
    x[:, 2] = 7.0  # a feature that never varies
    seen = StandardScaler().fit_transform(x) if scaled else x
    fitted = LogisticRegression(C=0.3, max_iter=5000).fit(seen, y)
    layer = fit_linear(x, y, scaled=scaled, strength=0.3)
    assert np.allclose(scores_of(layer, x), fitted.decision_function(seen), rtol=1e-4, atol=1e-5)
    logits = layer(torch.from_numpy(x).float()).detach().numpy()
    assert np.allclose(np.diff(logits)[:, 0], scores_of(layer, x), rtol=1e-3, atol=1e-3)


def test_the_head_that_validates_best_is_taken_and_the_first_of_equal_ones():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(40, 5)), np.arange(40) % 2
    x[:, 0] += y
    x[:, 1] *= 1000  # noise that drowns what is not scaled
    head = tune_head(x[:20], y[:20], x[20:], y[20:])
    every = {}
    for scaled in (False, True):
        for strength in STRENGTHS:
            layer = fit_linear(x[:20], y[:20], scaled=scaled, strength=strength)
            s = scores_of(layer, x[20:])
            every[scaled, strength] = np.mean(s[y[20:] == 1][:, None] > s[y[20:] == 0])
    assert head.scaled
    assert head.validation == pytest.approx(max(every.values()))
    assert (head.scaled, head.strength) == next(k for k, v in every.items() if v == head.validation)
    assert head.on_edge is (head.strength in (STRENGTHS[0], STRENGTHS[-1]))


@pytest.mark.parametrize(
    ("peak", "tried", "edge"),
    [
        (10, [1, 10, 100], False),
        (100, [1, 10, 100, 1000], False),
        (1e6, [1, 10, 100, 1000, 10000], True),
        (0.1, [0.01, 0.1, 1, 10, 100], False),
    ],
)
def test_an_edge_that_wins_is_gone_beyond_twice_at_most(peak, tried, edge):
    seen = []

    def trial(value):
        seen.append(value)
        return -abs(np.log10(value / peak)), value

    best, on_edge = climb([1, 10, 100], trial)
    assert sorted(seen) == pytest.approx(tried)
    assert best == pytest.approx(min(seen, key=lambda v: abs(np.log10(v / peak))))
    assert on_edge is edge


def test_of_equal_values_the_smallest_is_taken_and_one_value_is_refused():
    assert climb([1, 2, 4], lambda value: (0.5, value), most_more=0) == (1, True)
    for values in ([1.0], [2.0, 1.0], [1.0, 1.0]):
        with pytest.raises(ValueError, match="two or more, increasing"):
            climb(values, lambda value: (0.0, value))


@pytest.mark.parametrize("statistics", ["source", "batch"])
def test_a_training_keeps_the_weights_that_validate_best(source, pools, statistics):
    bench = bench_of(source, pools)
    arm = Arm("full", peak_rate=1e-3, statistics=statistics)
    fit = bench.fit(arm, head=bench.head(statistics).layer, steps=6)
    assert [step for step, _ in fit.curve] == [0, 2, 4, 6]
    assert fit.validation == pytest.approx(max(auc for _, auc in fit.curve))
    assert fit.best_step == next(
        step for step, auc in fit.curve if auc == max(a for _, a in fit.curve)
    )
    again = bench.fit(arm, head=bench.head(statistics).layer, steps=6)
    assert fit.curve == again.curve


@pytest.mark.parametrize("statistics", ["source", "batch"])
def test_an_arm_that_only_gets_worse_is_left_as_it_began(source, pools, statistics, monkeypatch):
    bench = bench_of(source, pools)
    head = bench.head(statistics).layer
    arm = Arm("full", peak_rate=1e-3, statistics=statistics)
    aucs = iter([0.625, 0.625, 0.5, 0.625])  # three checks, then the start
    monkeypatch.setattr(tuned, "roc_auc_score", lambda *_: next(aucs))
    fit = bench.fit(arm, head=head, steps=6)
    assert fit.best_step == 0
    assert fit.curve == ((0, 0.625), (2, 0.625), (4, 0.625), (6, 0.5))
    kept = dict(fit.network.named_parameters())
    assert all(torch.equal(kept[name], weight) for name, weight in fit.start.items())


def test_a_training_from_scratch_has_no_start_to_keep(source, pools):
    bench = bench_of(source, pools)
    arm = Arm("scratch", pretrained=False, statistics="batch", peak_rate=1e-3)
    fit = bench.fit(arm, head=bench.head("batch").layer, steps=4)
    assert [step for step, _ in fit.curve] == [2, 4]
    other = bench_of(source, pools, seed=2).fit(arm, head=bench.head("batch").layer, steps=4)
    stems = [one.network.stem[0].weight for one in (fit, other)]
    assert not torch.equal(*stems), "the seed draws the weights and the batches"


@pytest.mark.parametrize(
    ("validations", "rates"),
    [
        ([0.7], [1.0]),
        ([0.8], [1.0]),
        ([0.6, 0.9], [1.0, 1 / 3]),
        ([0.6, 0.5, 0.4], [1.0, 1 / 3, 1 / 9]),
    ],
)
def test_a_longer_training_that_validates_worse_gets_a_lower_rate(
    source, pools, monkeypatch, validations, rates
):
    tried = []

    def fit(_bench, arm, *, head, steps):
        tried.append(arm.peak_rate)
        return made(source, arm, steps=steps, validation=validations[len(tried) - 1])

    monkeypatch.setattr(Bench, "fit", fit)
    thawing = Arm("gradual", peak_rate=1.0, unfreezing=GradualUnfreezing.within(steps=9))
    longer = bench_of(source, pools).fit_longer(
        made(source, thawing, steps=9, validation=0.7), head=source.classifier, steps=90
    )
    assert tried == pytest.approx(rates)
    assert longer.validation == max(validations)
    assert longer.arm.unfreezing == GradualUnfreezing.within(steps=90)


def made(network, arm, *, steps, validation):
    kept = {"steps": steps, "validation": validation, "best_step": 1, "curve": ()}
    return Trained(arm=arm, network=network, start={}, **kept)


def test_a_head_for_batch_statistics_is_fitted_under_them(source, pools):
    heads = {name: bench_of(source, pools).head(name).layer for name in ("source", "batch")}
    assert not torch.equal(heads["source"].weight, heads["batch"].weight)
    untouched = source.state_dict()["stem.1.running_mean"]
    assert torch.equal(untouched, torch.zeros_like(untouched)), "the source's own were renewed"


def test_few_labels_are_part_of_many(pools):
    train = Pool(pools[0].images, pools[0].labels, np.arange(8.0)[:, None])
    few, many = (set(train.pick(n).features[:, 0]) for n in (4, 8))
    assert few < many


def test_the_trial_looks_at_its_test_images_when_all_is_chosen():
    before, after = COMPANION.read_text("utf-8").split("# ## Results")
    code = before.split("# ## Images")[1].splitlines()
    uses = [line for line in code if "test" in line and line[0] != "#"]
    assert uses == [
        'SIZES = {"train": pool, "validation": n_validation, "test": n_test}',
        'train, validation, test = parts["train"].pick(labels), parts["validation"], parts["test"]',
    ]
    assert "test.images" in after
