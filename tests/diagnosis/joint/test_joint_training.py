"""Both heads learn, each from what it was given, the same on every call."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F

from medlib.diagnosis.joint.joint_training import Masked, fit_two_headed


def bars(n, seed):
    """Bright bars on noise, upright or lying, and where they are."""
    rng = np.random.default_rng(seed)
    images = rng.normal(0, 0.3, size=(n, 1, 16, 16)).astype(np.float32)
    masks, labels = np.zeros(images.shape, dtype=bool), np.arange(n) % 2
    for i, label in enumerate(labels):
        row, column = rng.integers(1, 9, size=2)
        tall, wide = (2, 5) if label else (3, 3)
        masks[i, 0, row : row + tall, column : column + wide] = True
    images += np.float32(1.5) * masks
    return torch.from_numpy(images), torch.from_numpy(labels), torch.from_numpy(masks)


def fitted(*, same=True, weight=10.0, steps=150, seed=0, masks=True, **options):
    x, y, m = bars(64, 0)
    other = bars(64, 5)
    masked = Masked(x, m, True) if same else Masked(other[0], other[2], False)
    v, w, _ = bars(64, 9)
    return fit_two_headed(
        x, y, masked=masked if masks else None, weight=weight, validation=(v, w), steps=steps,
        generator=torch.Generator().manual_seed(seed),
        **{"every": 25, "peak_rate": 1e-2} | options,
    )  # fmt: skip


def dice_of(network):
    x, _, m = bars(64, 3)
    with torch.no_grad():
        marked = network(x).pixels > 0
    return float(2 * (marked & m).sum() / (marked.sum() + m.sum()))


def scores_of(network, x):
    with torch.no_grad():
        classes = network(x).classes
    return classes[:, 1] - classes[:, 0]


@pytest.mark.parametrize("same", [True, False])
def test_masks_of_the_same_or_of_other_images_teach_to_mark(same):
    assert dice_of(fitted(same=same).network) > 0.6
    assert dice_of(fitted(same=same, weight=0.0, steps=50).network) < 0.5


def test_the_class_is_learned_and_chosen_by_its_auc():
    done = fitted(masks=False)
    v, w, _ = bars(64, 9)
    assert done.kept["auc"].auc == max(kept.auc for kept in done.kept.values()) > 0.8
    assert done.kept["auc"].auc == pytest.approx(roc_auc_score(w, scores_of(done.network, v)))
    assert done.class_loss > 0
    assert math.isnan(done.pixel_loss)


def test_other_rules_keep_other_weights():
    done = fitted(weight=1.0, fewer=torch.arange(10))
    v, w, _ = bars(64, 9)
    assert (done.kept["first"].step, done.kept["last"].step) == (25, 150)
    assert done.kept["loss"].loss == min(done.kept[rule].loss for rule in ("auc", "loss", "last"))
    with torch.no_grad():
        said = done.at("loss")(v).classes
    assert float(F.cross_entropy(said, w)) == pytest.approx(done.kept["loss"].loss, rel=1e-4)
    few = scores_of(done.at("fewer"), v)[:10]
    assert done.kept["fewer"].auc == pytest.approx(roc_auc_score(w[:10], few))
    assert done.kept["fewer"].auc >= roc_auc_score(w[:10], scores_of(done.at("last"), v)[:10])


def test_all_ways_begin_alike_and_see_the_same_labelled_images():
    x = bars(8, 1)[0]
    alone = fitted(masks=False, steps=4)
    for same in (True, False):
        beside = fitted(same=same, weight=0.0, steps=4)
        assert torch.allclose(scores_of(alone.network, x), scores_of(beside.network, x), atol=1e-5)
    apart = fitted(masks=False, steps=4, seed=1)
    assert not torch.allclose(scores_of(alone.network, x), scores_of(apart.network, x), atol=1e-3)


def test_learned_weights_move_from_where_they_began():
    mean, total = fitted(weight="learned", steps=40), fitted(weight="learned_sum", steps=40)
    assert mean.kept["first"].weight > 1.5
    assert total.kept["first"].weight > 10 * mean.kept["first"].weight
    assert dice_of(mean.network) > 0.3
    assert fitted(weight="learned_sum", steps=1).kept["last"].weight == pytest.approx(256, rel=1e-5)


def test_balanced_gradients_move_the_weight_from_one():
    last = fitted(weight="balanced", steps=30).kept["last"]
    assert last.weight > 0
    assert last.weight != pytest.approx(1.0, rel=1e-3)


def test_the_mask_alone_teaches_no_class():
    done = fitted(weight="mask_alone")
    assert dice_of(done.at("last")) > 0.6
    start, end = fitted(weight="mask_alone", steps=1, peak_rate=1e-9), done.at("last")
    assert torch.allclose(start.network.classifier.weight, end.classifier.weight, rtol=0.05)


def test_the_same_generator_gives_the_same_bits():
    first, again = fitted(steps=3), fitted(steps=3)
    x = bars(4, 1)[0]
    assert torch.equal(first.network(x).classes, again.network(x).classes)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="one of learned, learned_sum, balanced, mask_alone"):
        fitted(weight="auto")
    with pytest.raises(ValueError, match="no masks to weigh"):
        fitted(weight="learned", masks=False)
    with pytest.raises(ValueError, match="must not be negative"):
        fitted(weight=-1.0)
    with pytest.raises(ValueError, match="an AUC needs both"):
        fitted(fewer=torch.tensor([0, 2]))
    x, y, m = bars(8, 0)
    with pytest.raises(ValueError, match="8 labelled images, but 6 with masks"):
        fit_two_headed(
            x, y, masked=Masked(x[:6], m[:6], True), weight=1.0, validation=(x, y), steps=1,
            peak_rate=1e-3, generator=torch.Generator(),
        )  # fmt: skip
