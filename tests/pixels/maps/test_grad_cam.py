"""Grad-CAM: equal to MONAI's and Captum's on a real network, and to CAM where theory says so."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from data_fetch import packaged
from medlib.nets.efficientnet_lite import load_imagenet, preprocess
from medlib.pixels.maps.grad_cam import grad_cam, grad_cam_plus_plus, hires_cam
from medlib.pixels.maps.layer_gradient import layer_gradient

LAYERS = ("stages.2", "stages.4", "stages.6")


@pytest.fixture(scope="module")
def network():
    return load_imagenet(packaged.imagenet_weights_path())


@pytest.fixture(scope="module")
def cats():
    """Two real crops of one real photograph."""
    cat = packaged.photograph("cat").array
    return preprocess(np.stack([cat[20:148, 100:228], cat[60:188, 140:268]]))


@pytest.mark.parametrize("layer", LAYERS)
def test_equals_monai(network, cats, layer):
    from monai.visualize import GradCAM

    theirs = GradCAM(load_imagenet(packaged.imagenet_weights_path()), target_layers=layer)
    expected = theirs.compute_map(cats, class_idx=282)[:, 0].detach()
    ours = grad_cam(network, cats, layer=layer, target=282).map
    assert expected.max() > 1e-4
    assert (ours - expected).abs().max() < 1e-5 * float(expected.max())


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("signed", [True, False])
def test_equals_captum(network, cats, layer, signed):
    attr = pytest.importorskip("captum.attr", reason="captum is a peer: pip install '.[peers]'")
    peer = attr.LayerGradCam(network, network.get_submodule(layer))
    expected = peer.attribute(cats, target=282, relu_attributions=not signed)[:, 0].detach()
    ours = grad_cam(network, cats, layer=layer, target=282, signed=signed).map
    assert expected.abs().max() > 1e-4
    assert (ours - expected).abs().max() < 1e-5 * float(expected.abs().max())


def test_plus_plus_equals_monai_where_the_gradient_is_constant(network, cats):
    """MONAI takes g³ inside the sum over places, the paper outside: alike below a plain mean."""
    from monai.visualize import GradCAMpp

    class Last(nn.Module):
        """The network, with its last maps given by a module of their own."""

        def __init__(self, whole):
            super().__init__()
            self.whole, self.last = copy.deepcopy(whole), nn.Identity()
            with torch.no_grad():  # MONAI adds 1e-7 to a denominator: make that negligible
                self.whole.classifier.weight.mul_(3)

        def forward(self, x):
            return self.whole.classifier(self.last(self.whole.depths(x)[-1]).mean(dim=(2, 3)))

    peer = GradCAMpp(Last(network).eval(), target_layers="last")
    expected = peer.compute_map(cats[:1], class_idx=282)[:, 0]
    ours = grad_cam_plus_plus(Last(network).eval(), cats[:1], layer="last", target=282).map
    expected, ours = (maps / maps.max() for maps in (expected.detach(), ours))
    np.testing.assert_allclose(ours, expected, atol=5e-4)


def test_hires_equals_captums_layer_gradient_times_activation(network, cats):
    attr = pytest.importorskip("captum.attr", reason="captum is a peer: pip install '.[peers]'")
    peer = attr.LayerGradientXActivation(network, network.get_submodule("stages.4"))
    expected = peer.attribute(cats, target=282).sum(1).detach()
    ours = hires_cam(network, cats, layer="stages.4", target=282, signed=True).map
    assert (ours - expected).abs().max() < 1e-5 * float(expected.abs().max())


def test_at_the_last_maps_it_is_cam_and_adds_up_to_the_logit(network, cats):
    """Below mean and linear layer α_k = w_k / (places), so Σ_ij Σ_k α_k A = logit - bias."""
    found = grad_cam(network, cats, layer="activation", target=282, signed=True)
    with torch.no_grad():
        last = network.depths(cats)[-1]
        weights, bias = network.classifier.weight[282], network.classifier.bias[282]
        cam = torch.einsum("k,bkij->bij", weights, last) / last[0, 0].numel()
    torch.testing.assert_close(found.map, cam, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.map.sum((1, 2)), found.scores - bias, atol=1e-4, rtol=1e-5)


def test_gradient_is_the_finite_difference(cats):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Softplus(), nn.Flatten(), nn.Linear(32, 3))
    net = net.double().eval()
    images = cats[:1, :, :6, :6].double()
    found = layer_gradient(net, images, layer="1", target=1)
    bumped = found.maps.clone()
    bumped[0, 1, 2, 3] += 1e-6
    with torch.no_grad():
        change = (net[3](bumped.flatten(1)) - net[3](found.maps.flatten(1)))[0, 1] / 1e-6
    assert float(found.gradients[0, 1, 2, 3]) == pytest.approx(float(change), rel=1e-5)


def test_each_image_gets_the_map_that_it_gets_alone(network, cats):
    together = grad_cam(network, cats, layer="stages.4", target=torch.tensor([281, 285]))
    alone = [
        grad_cam(network, cats[i : i + 1], layer="stages.4", target=(281, 285)[i]) for i in (0, 1)
    ]
    torch.testing.assert_close(
        together.map, torch.cat([a.map for a in alone]), atol=1e-5, rtol=1e-4
    )
    assert together.target.tolist() == [281, 285]


def test_an_activation_in_place_does_not_overwrite_what_was_caught():
    net = nn.Sequential(
        nn.Conv2d(1, 1, 1), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(4, 2)
    ).eval()
    nn.init.constant_(net[0].weight, -1.0)
    nn.init.zeros_(net[0].bias)
    found = layer_gradient(net, torch.ones(1, 1, 2, 2), layer="0", target=0)
    assert found.maps.unique().tolist() == [-1.0]
    assert found.gradients.abs().max() == 0  # ReLU passes nothing below zero


def test_leaves_the_network_as_it_was(network, cats):
    before = network(cats[:1]).detach()
    grad_cam(network, cats, layer="stages.4")
    assert all(p.grad is None for p in network.parameters())
    assert not any(m._forward_hooks for m in network.modules())
    assert torch.is_grad_enabled()
    assert torch.equal(network(cats[:1]).detach(), before)


def test_hook_and_gradient_mode_survive_an_error(network, cats):
    with pytest.raises(ValueError, match=r"classes 0\.\.999"):
        grad_cam(network, cats, layer="stages.4", target=1000)
    assert not any(m._forward_hooks for m in network.modules())
    assert torch.is_grad_enabled()


def test_explains_the_winner_unless_told(network, cats):
    found = grad_cam(network, cats, layer="stages.6")
    assert found.target.tolist() == network(cats).argmax(1).tolist()
    assert (found.map >= 0).all()


def test_errors_teach(network, cats):
    with pytest.raises(ValueError, match=r"no layer 'stages\.9'"):
        grad_cam(network, cats, layer="stages.9")
    with pytest.raises(ValueError, match="does not give maps"):
        grad_cam(network, cats, layer="classifier")
    training = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten()).train()
    with pytest.raises(ValueError, match="training mode"):
        grad_cam(training, cats, layer="0")
