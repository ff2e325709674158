"""Features and heads: one pass equals the network's own; the folded head is the same function."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from medlib.nets.features import as_linear, cached_features, fit_head, predict


@pytest.fixture(scope="module")
def images():
    return torch.randn(5, 3, 48, 48, generator=torch.Generator().manual_seed(0))


def test_cached_features_are_what_the_classifier_sees(imagenet, images):
    features = cached_features(imagenet, images, batch_size=2)
    with torch.no_grad():
        expected = imagenet.features(images).numpy()
        logits = imagenet(images).numpy()
    np.testing.assert_allclose(features, expected, atol=1e-5)
    np.testing.assert_allclose(predict(imagenet, images, batch_size=3), logits, atol=1e-4)


def test_features_use_evaluation_mode_and_leave_the_mode(imagenet, images):
    before = {n: b.clone() for n, b in imagenet.named_buffers()}
    expected = cached_features(imagenet, images)
    imagenet.train()
    try:
        again = cached_features(imagenet, images)
        predict(imagenet, images)
        assert imagenet.training
    finally:
        imagenet.eval()
    np.testing.assert_array_equal(expected, again)
    assert all(torch.equal(before[n], b) for n, b in imagenet.named_buffers())
    with pytest.raises(ValueError, match="no depth 'stage9'"):
        cached_features(imagenet, images, depth="stage9")


def test_head_minimises_its_stated_loss():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(40, 3)) * [1, 5, 0.1] + 2
    y = (x[:, 1] + rng.normal(size=40) * 4 > 2).astype(int)
    head = fit_head(x, y, strength=0.3)
    z = (x - x.mean(0)) / x.std(0)

    def loss(parameters):
        score = z @ parameters[:3] + parameters[3]
        return np.logaddexp(0, -(2 * y - 1) * score).sum() + (parameters[:3] ** 2).sum() / 0.6

    best = minimize(loss, np.zeros(4)).x
    np.testing.assert_allclose(head[-1].coef_[0], best[:3], atol=2e-3)
    np.testing.assert_allclose(head.decision_function(x), z @ best[:3] + best[3], atol=5e-3)


def test_folded_head_gives_the_same_probabilities():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(30, 4)) * [1, 100, 0.01, 3] + [0, 50, -1, 2]
    y = np.arange(30) % 2
    head = fit_head(x, y, strength=1.0)
    with torch.no_grad():
        folded = as_linear(head)(torch.tensor(x, dtype=torch.float32)).softmax(-1).numpy()
    np.testing.assert_allclose(folded, head.predict_proba(x), atol=1e-5)
    three = fit_head(x, np.arange(30) % 3)
    with pytest.raises(ValueError, match="3 classes"):
        as_linear(three)
