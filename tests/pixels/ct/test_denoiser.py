import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medlib.nets.training import OneCycle, train
from medlib.pixels.ct.denoiser import (
    DenoiserConfig,
    ResidualDenoiser,
    denoise,
    known_variance_loss,
    new_denoiser,
    random_crops,
)

SMALL = DenoiserConfig(depth=3, channels=4, scale=10.0)


def test_untrained_it_returns_its_input():
    image = torch.randn(2, 1, 9, 9)
    assert torch.equal(ResidualDenoiser(SMALL)(image), image)


def test_it_sees_as_far_as_it_says():
    model = new_denoiser(SMALL, generator=torch.Generator().manual_seed(0))
    torch.nn.init.normal_(model.noise[-1].weight, generator=torch.Generator().manual_seed(1))
    image = torch.randn(1, 1, 21, 21, requires_grad=True)
    model(image)[0, 0, 10, 10].backward()
    rows = image.grad[0, 0].abs().sum(1).nonzero().flatten()
    assert rows.min() >= 10 - model.reach_px
    assert rows.max() <= 10 + model.reach_px
    assert rows.max() - rows.min() > model.reach_px  # and it does look around


@given(st.floats(0.1, 50), st.integers(0, 2**31))
def test_with_equal_variances_the_gradient_is_that_of_least_squares(variance, seed):
    g = torch.Generator().manual_seed(seed)
    target = torch.randn(1, 1, 4, 4, generator=g, dtype=torch.float64)
    guess = torch.randn(1, 1, 4, 4, generator=g, dtype=torch.float64, requires_grad=True)
    known = torch.full_like(target, variance)
    weighted = torch.autograd.grad(known_variance_loss(guess, target, variance=known), guess)[0]
    plain = torch.autograd.grad((guess - target).square().mean(), guess)[0]
    torch.testing.assert_close(weighted, plain / (2 * variance))


def test_the_weighted_mean_is_the_optimum():
    """One unknown, many noisy targets: the loss is least at the inverse-variance mean."""
    g = torch.Generator().manual_seed(0)
    variance = 0.1 + torch.rand(1, 1, 8, 8, generator=g, dtype=torch.float64)
    target = torch.randn(1, 1, 8, 8, generator=g, dtype=torch.float64)
    best = (target / variance).sum() / (1 / variance).sum()
    values = [
        float(known_variance_loss((best + d).expand_as(target), target, variance=variance))
        for d in (-1e-3, 0.0, 1e-3)
    ]
    assert values[1] < min(values[0], values[2])


def test_variances_must_be_positive_and_fit():
    x = torch.zeros(1, 1, 2, 2)
    with pytest.raises(ValueError, match="positive everywhere"):
        known_variance_loss(x, x, variance=x)
    with pytest.raises(ValueError, match="one shape"):
        known_variance_loss(x, x, variance=torch.ones(1, 1, 2, 3))


def test_noisy_targets_teach_the_clean_image():
    """Trained on pairs of independent noise alone, it approaches the clean image."""
    g = torch.Generator().manual_seed(0)
    clean = torch.zeros(32, 1, 16, 16)
    clean[:, :, 4:12, 4:12] = 100.0
    low, target = (clean + 20 * torch.randn(clean.shape, generator=g) for _ in range(2))
    model = new_denoiser(DenoiserConfig(depth=4, channels=8, scale=20.0), generator=g)
    optimizer, schedule = OneCycle(peak_rate=1e-2).start(model.parameters(), steps=150)
    train(
        model,
        lambda m, b: known_variance_loss(m(b[0]), b[1], variance=torch.full_like(b[1], 400.0)),
        (low[:24], target[:24]),
        steps=150,
        batch_size=8,
        optimizer=optimizer,
        schedule=schedule,
        generator=g,
    )
    cleaned = denoise(model, low[24:, 0])
    before = (low[24:] - clean[24:]).square().mean()
    assert (cleaned - clean[24:, 0]).square().mean() < 0.25 * before
    torch.testing.assert_close(denoise(model, low[24:, 0], batch_size=3), cleaned)


def test_the_same_generator_gives_the_same_weights_and_leaves_the_global_one_alone():
    before = torch.random.get_rng_state()
    one, other = (
        new_denoiser(SMALL, generator=torch.Generator().manual_seed(5)).state_dict()
        for _ in range(2)
    )
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert torch.equal(before, torch.random.get_rng_state())


def test_crops_of_all_stacks_come_from_the_same_place_and_reach_every_corner():
    stack = torch.arange(3 * 36.0).reshape(3, 6, 6)
    one, other = random_crops(stack, 2 * stack, n=400, size=4, generator=torch.Generator())
    assert torch.equal(2 * one, other)
    corners = {int(crop[0, 0, 0]) for crop in one}
    assert corners == {int(stack[i, r, c]) for i in range(3) for r in range(3) for c in range(3)}
    with pytest.raises(ValueError, match="cannot cut squares of 7"):
        random_crops(stack, n=1, size=7, generator=torch.Generator())
