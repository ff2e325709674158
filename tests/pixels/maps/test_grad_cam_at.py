"""Maps of all depths by one backward pass: bit for bit those that each depth gives by itself."""

import pytest
import torch
from torch import nn

from medlib.nets.efficientnet_lite import EfficientNetLite0, initialise
from medlib.pixels.maps.grad_cam import grad_cam, grad_cam_at

LAYERS = ("stem", "stages.0", "stages.2", "stages.5", "stages.6", "activation")


@pytest.fixture(scope="module")
def network():
    generator = torch.Generator().manual_seed(0)
    return initialise(EfficientNetLite0(classes=2), generator=generator).eval()


@pytest.fixture(scope="module")
def noise():
    return torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("layers", [LAYERS, LAYERS[::-1], LAYERS[2:4]])
def test_each_depth_is_what_it_gives_alone(network, noise, layers, signed):
    found = grad_cam_at(network, noise, layers=layers, target=1, signed=signed)
    assert tuple(found) == layers
    for layer in layers:
        alone = grad_cam(network, noise, layer=layer, target=1, signed=signed)
        assert found[layer].signed == signed
        assert alone.map.max() > 0
        assert torch.equal(found[layer].map, alone.map)
        assert torch.equal(found[layer].scores, alone.scores)


def test_the_winning_class_is_each_images_own(network, noise):
    found = grad_cam_at(network, noise, layers=["stages.6"])["stages.6"]
    assert torch.equal(found.target, network(noise).argmax(1))


def test_no_hook_and_no_gradient_is_left_behind(network, noise):
    grad_cam_at(network, noise, layers=LAYERS, target=0)
    assert not any(module._forward_hooks for module in network.modules())
    assert all(weight.grad is None for weight in network.parameters())
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("layers", "words"), [(["nowhere"], "no layer"), (["classifier"], "does not give maps")]
)
def test_refuses_what_gives_no_map(network, noise, layers, words):
    with pytest.raises(ValueError, match=words):
        grad_cam_at(network, noise, layers=layers, target=0)
    assert not any(module._forward_hooks for module in network.modules())


def test_refuses_training_mode_and_layers_that_sleep(noise):
    with pytest.raises(ValueError, match="training mode"):
        grad_cam_at(nn.Sequential(nn.Conv2d(3, 2, 1)), noise, layers=["0"], target=0)

    class Idle(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 2, 1)

        def forward(self, images):
            return self.used(images).mean((2, 3))

    with pytest.raises(ValueError, match="not used"):
        grad_cam_at(Idle().eval(), noise, layers=["idle"], target=0)
