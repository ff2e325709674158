"""Integrated gradients: complete, equal to Captum's, and honest about its quadrature."""

import numpy as np
import pytest
import torch
from torch import nn

from data_fetch import packaged
from medlib.nets.efficientnet_lite import load_imagenet, preprocess
from medlib.pixels.maps.integrated_gradients import integrated_gradients


@pytest.fixture(scope="module")
def smooth():
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 4, 3), nn.Softplus(), nn.Flatten(), nn.Linear(4 * 36, 3)
    return nn.Sequential(*layers).double().eval()


@pytest.fixture(scope="module")
def images():
    return torch.rand(2, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_shares_add_up_to_the_change_of_score(smooth, images):
    found = integrated_gradients(smooth, images, baseline=torch.zeros(1), steps=8, target=1)
    with torch.no_grad():
        change = smooth(images)[:, 1] - smooth(torch.zeros_like(images))[:, 1]
    torch.testing.assert_close(found.map.sum((1, 2)), change)
    assert found.completeness_gap.abs().max() < 1e-6


def test_the_gap_is_measured_not_assumed(smooth, images):
    """With one point the quadrature is the plain midpoint rule: its gap can be worked out apart."""
    found = integrated_gradients(smooth, 9 * images, baseline=torch.zeros(1), steps=1, target=1)
    middle = (4.5 * images).requires_grad_()
    (gradient,) = torch.autograd.grad(smooth(middle)[:, 1].sum(), middle)
    with torch.no_grad():
        change = smooth(9 * images)[:, 1] - smooth(torch.zeros_like(images))[:, 1]
    gap = (9 * images * gradient).sum((1, 2, 3)) - change
    np.testing.assert_allclose(found.completeness_gap, gap, rtol=1e-5)
    assert found.completeness_gap.abs().min() > 1e-3


def test_an_image_equal_to_its_baseline_has_nothing_to_share(smooth, images):
    found = integrated_gradients(smooth, images, baseline=images, steps=2)
    assert found.map.abs().max() == 0


def test_equals_captum_on_a_real_photograph():
    attr = pytest.importorskip("captum.attr", reason="captum is a peer: pip install '.[peers]'")
    network = load_imagenet(packaged.imagenet_weights_path())
    cat = preprocess(packaged.photograph("cat").array[20:84, 100:164])
    theirs, gap = attr.IntegratedGradients(network).attribute(
        cat, baselines=1.0, target=282, n_steps=6, method="gausslegendre",
        return_convergence_delta=True,
    )  # fmt: skip
    ours = integrated_gradients(network, cat, baseline=torch.ones(1), steps=6, target=282)
    torch.testing.assert_close(ours.map, theirs.sum(1).float().detach(), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours.completeness_gap, gap.float(), atol=1e-4, rtol=1e-4)


def test_errors_teach(smooth, images):
    with pytest.raises(ValueError, match="at least 1 point"):
        integrated_gradients(smooth, images, baseline=torch.zeros(1), steps=0)
    with pytest.raises(ValueError, match="does not broadcast"):
        integrated_gradients(smooth, images, baseline=torch.zeros(5))
