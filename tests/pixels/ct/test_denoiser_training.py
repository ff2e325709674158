import torch

from medlib.pixels.ct.denoiser import DenoiserConfig, new_denoiser
from medlib.pixels.ct.denoiser_training import fit_denoiser


def squares(model, part):
    return (model(part[0]) - part[1]).square().mean()


def test_one_order_one_network_and_the_first_is_left_alone():
    g = torch.Generator().manual_seed(0)
    net = new_denoiser(DenoiserConfig(depth=2, channels=4, scale=1.0), generator=g)
    noisy, clean = torch.randn(4, 20, 20, generator=g), torch.zeros(4, 20, 20)
    before = [p.clone() for p in net.parameters()]
    order = torch.Generator().manual_seed(3).get_state()
    one, two = (
        fit_denoiser(squares, (noisy, clean), untrained=net, order=order, n_steps=20)(noisy)
        for _ in range(2)
    )
    assert bool((one == two).all())
    assert all(bool((a == b).all()) for a, b in zip(before, net.parameters(), strict=True))
    assert one.square().mean() < noisy.square().mean()
