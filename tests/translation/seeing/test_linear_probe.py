"""Features of all depths at once equal those one by one; the probe's scores meet scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, roc_auc_score

from medlib.nets.efficientnet_lite import DEPTHS
from medlib.nets.features import cached_features, fit_head
from medlib.translation.seeing.linear_probe import features_by_depth, probe


def test_one_pass_gives_every_depth(imagenet):
    images = torch.rand(5, 3, 64, 64, generator=torch.Generator().manual_seed(0)) - 0.5
    found = features_by_depth(imagenet, images, batch_size=2)
    assert tuple(found) == DEPTHS
    for depth in ("stem", "stage5", "head"):
        one = cached_features(imagenet, images, depth=depth, batch_size=2)
        np.testing.assert_allclose(found[depth], one, atol=1e-5)
    imagenet.train()
    try:
        again = features_by_depth(imagenet, images, batch_size=2)
        assert imagenet.training
    finally:
        imagenet.eval()
    np.testing.assert_array_equal(again["head"], found["head"])


@pytest.mark.parametrize("labels", [2, 4])
def test_scores_are_the_library_s(labels):
    rng = np.random.default_rng(labels)
    y = np.arange(80) % labels
    x = rng.normal(size=(80, 6)) + np.eye(6)[y]
    train, test = (x[:40], y[:40]), (x[40:], y[40:])
    got = probe(train, test, strength=0.5)
    head = fit_head(*train, strength=0.5)
    guess = head.predict_proba(test[0])
    each = [roc_auc_score(test[1] == k, guess[:, k]) for k in range(labels)]
    assert got.auc == pytest.approx(np.mean(each), abs=1e-12)
    assert got.accuracy == accuracy_score(test[1], head.predict(test[0]))
    assert got.auc > 0.6


def test_labels_must_occur_on_both_sides():
    x = np.zeros((4, 1))
    with pytest.raises(ValueError, match=r"labels are \[0, 1\] in training, \[0\] in the test"):
        probe((x, np.array([0, 1, 0, 1])), (x, np.array([0, 0, 0, 0])))
