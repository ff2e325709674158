"""Both heads share one encoder; the mask's pixels lie where the image's do."""

import pytest
import torch

from medlib.diagnosis.joint.two_headed import two_headed


def network(seed=0):
    return two_headed(first_logit=-3.5, generator=torch.Generator().manual_seed(seed))


def test_the_mask_begins_at_the_log_odds_asked_for():
    with torch.no_grad():
        pixels = network()(torch.zeros(2, 1, 48, 48)).pixels
    assert float(pixels.mean()) == pytest.approx(-3.5, abs=0.3)


def test_a_spot_changes_the_mask_around_itself_only():
    x = torch.zeros(1, 1, 48, 48)
    spot = x.clone()
    spot[..., 20:24, 28:32] = 5.0
    net = network()
    for part in net.encoder:
        if isinstance(part, torch.nn.GroupNorm):  # statistics of the whole image spread everywhere
            part.forward = lambda maps: maps
    with torch.no_grad():
        changed = (net(spot).pixels - net(x).pixels).abs()[0, 0] > 1e-6
    rows, columns = torch.nonzero(changed, as_tuple=True)
    assert rows.min() >= 4
    assert rows.max() <= 39
    assert abs(float(rows.float().mean()) - 21.5) < 2.5
    assert abs(float(columns.float().mean()) - 29.5) < 2.5


def test_the_same_generator_gives_the_same_weights():
    x = torch.ones(1, 1, 16, 16)
    assert torch.equal(network()(x).classes, network()(x).classes)
    assert not torch.equal(network()(x).classes, network(1)(x).classes)


def test_sides_that_are_no_multiples_of_four_are_refused():
    with pytest.raises(ValueError, match="multiples of 4"):
        network()(torch.zeros(1, 1, 46, 48))
