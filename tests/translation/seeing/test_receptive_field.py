"""The arithmetic meets the gradients' support; the measures of spread do what they say."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from medlib.nets.efficientnet_lite import DEPTHS, EfficientNetLite0, SameConv2d
from medlib.translation.seeing.receptive_field import (
    GradientField,
    ReceptiveField,
    energy_centre,
    gradient_field,
    side_above,
    side_holding,
    theoretical_field,
    theoretical_fields,
)


@pytest.fixture(scope="module")
def always_on():
    """All weights positive, no saturation: no gradient can vanish or cancel inside the field."""
    network = EfficientNetLite0().eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight.shape[1])
        if hasattr(module, "activation"):
            module.activation = nn.Identity()
    return network


@pytest.mark.parametrize("depth", DEPTHS[:6])
def test_theoretical_field_is_the_support_of_the_gradient(always_on, depth):
    field = theoretical_fields(always_on)[depth]
    size = 192 if depth != "stage5" else 384
    x = torch.full((1, 3, size, size), 0.5, requires_grad=True)
    maps = always_on.depths(x)[DEPTHS.index(depth)]
    row, column = maps.shape[2] // 2, maps.shape[3] // 2 - 1
    maps[0, 0, row, column].backward()
    support = np.argwhere((x.grad[0].abs().sum(0) > 0).numpy())
    (top, bottom), (left, right) = field.interval(row), field.interval(column)
    assert support.min(0).tolist() == [top, left]
    assert (support.max(0) + 1).tolist() == [bottom, right]
    assert len(support) == field.size_px**2
    assert field.centre(row) == (support[:, 0].min() + support[:, 0].max()) / 2


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([1, 3, 5, 7]), st.sampled_from([1, 2])), max_size=4))
def test_any_chain_of_convolutions(shapes):
    chain = [SameConv2d(1, 1, k, s, padding=k // 2) for k, s in shapes if k >= s]
    for layer in chain:
        nn.init.ones_(layer.weight)
    field = theoretical_field(chain)
    side = 16 * (field.size_px // 16 + 3)
    x = torch.ones(1, 1, side, side, requires_grad=True)
    y = nn.Sequential(*chain)(x) if chain else x * 1.0
    unit = y.shape[-1] // 2
    y[0, 0, unit, unit].backward()
    seen = np.flatnonzero(x.grad[0, 0].sum(0).numpy())
    assert (seen[0], seen[-1] + 1) == field.interval(unit)
    assert side // y.shape[-1] == field.stride_px


def test_what_the_arithmetic_does_not_cover_is_refused():
    with pytest.raises(ValueError, match="kernel_size="):
        theoretical_field([nn.Conv2d(1, 1, (3, 5))])
    with pytest.raises(ValueError, match="dilation="):
        theoretical_field([nn.Conv2d(1, 1, 3, dilation=2)])


def test_random_signs_estimate_the_sum_over_channels(imagenet):
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) - 0.5
    signs = torch.Generator().manual_seed(1)
    seen = gradient_field(imagenet, images.expand(400, -1, -1, -1), depth="stage1", generator=signs)
    jacobian = torch.autograd.functional.jacobian(
        lambda x: imagenet.depths(x)[1][0, :, 16, 16], images, vectorize=False
    )
    exact = jacobian[:, 0].double().square().sum((0, 1)).numpy()
    assert seen.centre_px == (33.0, 33.0)
    assert seen.energy.sum() == pytest.approx(exact.sum(), rel=0.05)
    np.testing.assert_allclose(seen.energy, exact, atol=0.2 * exact.max())
    assert not seen.energy[exact == 0].any()


def test_gradients_stay_inside_the_field_and_the_mode_stays(imagenet):
    images = torch.rand(2, 3, 128, 96, generator=torch.Generator().manual_seed(2)) - 0.5
    imagenet.train()
    try:
        before = {name: b.clone() for name, b in imagenet.named_buffers()}
        seen = gradient_field(
            imagenet, images, depth="stage3", generator=torch.Generator().manual_seed(3)
        )
        assert imagenet.training
        assert all(torch.equal(before[name], b) for name, b in imagenet.named_buffers())
    finally:
        imagenet.eval()
    field = theoretical_fields(imagenet)["stage3"]
    rows, columns = np.nonzero(seen.energy)
    assert rows.min() >= field.interval(8)[0]
    assert columns.max() < field.interval(6)[1]
    assert side_holding(seen, share=1.0, centre_px=seen.centre_px) <= field.size_px
    assert all(p.grad is None for p in imagenet.parameters())


def test_gradient_field_refuses_what_it_cannot_place(imagenet):
    signs = torch.Generator()
    with pytest.raises(ValueError, match="no depth 'stage9'"):
        gradient_field(imagenet, torch.zeros(1, 3, 64, 64), depth="stage9", generator=signs)
    with pytest.raises(ValueError, match="32 must divide"):
        gradient_field(imagenet, torch.zeros(1, 3, 65, 64), depth="stem", generator=signs)


def test_a_gaussian_has_the_sides_that_its_table_says():
    ticks = np.arange(201) - 100.0
    slope = np.exp(-(ticks[:, None] ** 2 + ticks[None, :] ** 2) / (2 * 20.0**2))
    seen = GradientField(slope**2, (100.0, 100.0))
    # of energy exp(-d²/σ²), a square of half side t holds erf(t/σ)²: 95 % at t = 1.5803 σ
    assert side_holding(seen, share=0.95) == pytest.approx(2 * 1.5803 * 20, abs=2)
    # the slope falls to 4.55 % at d = σ √(2 ln 22) = 2.486 σ, a disc of area π d²
    assert side_above(seen) == pytest.approx(np.sqrt(np.pi) * 2.486 * 20, abs=1)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
def test_sides_grow_with_the_share_and_ignore_the_unit(seed, share):
    energy = np.random.default_rng(seed).random((31, 31)) ** 4
    seen = GradientField(energy, (15.0, 15.0))
    assert side_holding(seen, share=share) <= side_holding(seen, share=1.0)
    assert side_holding(seen, share=1.0, centre_px=(15.0, 15.0)) == 31
    assert side_holding(GradientField(7 * energy, (15.0, 15.0)), share=share) == side_holding(
        seen, share=share
    )
    assert side_above(seen, threshold=0.9) <= side_above(seen, threshold=0.1)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 8), st.integers(0, 8), st.floats(0.05, 1.0))
def test_a_field_aside_is_as_wide_as_one_in_the_middle(down, across, share):
    spot = np.random.default_rng(0).random((9, 9))
    energy = np.zeros((17, 17))
    energy[down : down + 9, across : across + 9] = spot + spot[::-1, ::-1]  # centred on its middle
    seen = GradientField(energy, (8.0, 8.0))
    assert energy_centre(seen) == pytest.approx((down + 4, across + 4))
    middle = GradientField(np.pad(energy[down : down + 9, across : across + 9], 4), (8.0, 8.0))
    assert side_holding(seen, share=share) == side_holding(middle, share=share) <= 9


def test_measures_refuse_nonsense():
    seen = GradientField(np.zeros((5, 5)), (2.0, 2.0))
    with pytest.raises(ValueError, match="zero everywhere"):
        side_holding(seen)
    with pytest.raises(ValueError, match="zero everywhere"):
        energy_centre(seen)
    with pytest.raises(ValueError, match="share=0"):
        side_holding(seen, share=0.0)
    with pytest.raises(ValueError, match="threshold=1"):
        side_above(seen, threshold=1.0)
    assert ReceptiveField(size_px=7, stride_px=2, start_px=-2).centre(3) == 7.0
