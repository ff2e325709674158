import pytest
import torch

from medlib.pixels.staining.cyclegan import (
    CycleConfig,
    generator_terms,
    least_squares_loss,
    new_cyclegan,
    train_cyclegan,
)
from medlib.pixels.staining.image_pool import ImagePool
from medlib.pixels.staining.patch_discriminator import PatchDiscriminator, new_discriminator
from medlib.pixels.staining.stainer import Stainer, StainerConfig, new_stainer, stain_images

SMALL = StainerConfig(width=4, dilations=(1,))


def own(seed=0):
    return torch.Generator().manual_seed(seed)


def sampler(shift=0.0):
    return lambda g: (torch.rand(2, 3, 16, 16, generator=g) + shift) / (1 + shift)


def trained(seed=0, steps=3, **changes):
    config = CycleConfig(**({"critic_width": 4, "pool": 3} | changes))
    generator = own(seed)
    gan = new_cyclegan(config, network=SMALL, generator=generator)
    return train_cyclegan(
        gan, sample_x=sampler(), sample_y=sampler(1.0), steps=steps, config=config,
        generator=generator,
    )  # fmt: skip


def weights(gan):
    return torch.cat([p.flatten() for network in gan.networks for p in network.parameters()])


def test_same_seed_same_bits_and_another_seed_others():
    torch.manual_seed(1)
    first = weights(trained())
    torch.manual_seed(2)
    assert torch.equal(first, weights(trained())), "the global generator had a say"
    assert not torch.equal(first, weights(trained(seed=1)))


def test_training_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    trained()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_it_trains_on_a_gpu():
    config = CycleConfig(critic_width=4)
    gan = new_cyclegan(config, network=SMALL, generator=own()).to(torch.device("cuda"))
    train_cyclegan(
        gan, sample_x=sampler(), sample_y=sampler(), steps=2, config=config, generator=own()
    )
    assert weights(gan).is_cuda


def test_the_terms_are_the_formula():
    config = CycleConfig(cycle=7.0, identity=3.0, critic_width=4)
    gan = new_cyclegan(config, network=SMALL, generator=own())
    x, y = sampler()(own(1)), sampler(1.0)(own(2))
    terms, made_y, made_x = generator_terms(gan, x, y, config=config)
    g, f, d_y, d_x = gan.networks
    torch.testing.assert_close(made_y, g(x))
    torch.testing.assert_close(made_x, f(y))
    scores = ((d_y(g(x)) - 1) ** 2).mean() + ((d_x(f(y)) - 1) ** 2).mean()
    torch.testing.assert_close(terms["adversarial"], scores)
    cycle = 7 * ((f(g(x)) - x).abs().mean() + (g(f(y)) - y).abs().mean())
    torch.testing.assert_close(terms["cycle"], cycle)
    identity = 3 * ((g(y) - y).abs().mean() + (f(x) - x).abs().mean())
    torch.testing.assert_close(terms["identity"], identity)


def test_identity_is_left_out_where_it_has_no_meaning():
    config = CycleConfig(identity=3.0, critic_width=4)
    gan = new_cyclegan(config, network=StainerConfig(2, 3, 4, (1,)), generator=own())
    terms, *_ = generator_terms(
        gan, torch.rand(1, 2, 16, 16), torch.rand(1, 3, 16, 16), config=config
    )
    assert set(terms) == {"adversarial", "cycle"}


def test_least_squares_against_torchs_mean_squared_error():
    scores = torch.randn(2, 1, 3, 3, generator=own())
    for real in (True, False):
        theirs = torch.nn.functional.mse_loss(scores, torch.full_like(scores, float(real)))
        torch.testing.assert_close(least_squares_loss(scores, real=real), theirs)


def test_critics_learn_to_tell_and_generators_to_mend_the_cycle():
    gan = trained(steps=100, cycle=10.0)
    first, last = gan.history[0], gan.history[-1]
    assert last["cycle"] < 0.85 * first["cycle"]
    assert last["critics"] < first["critics"]


def test_anchors_pull_towards_their_pairs():
    config = CycleConfig(critic_width=4, anchor=100.0)
    x = sampler()(own(5))
    y = 1 - x

    def distance(anchors):
        gan = new_cyclegan(config, network=SMALL, generator=own())
        train_cyclegan(
            gan, sample_x=sampler(), sample_y=sampler(), steps=60, config=config, generator=own(),
            anchors=anchors,
        )  # fmt: skip
        return float((stain_images(gan.stain, x) - y).abs().mean())

    assert distance(lambda g: (x, y)) < 0.8 * distance(None)


def test_steps_and_losses_are_checked():
    with pytest.raises(ValueError, match="steps=0"):
        trained(steps=0)
    config = CycleConfig(critic_width=4)
    gan = new_cyclegan(config, network=SMALL, generator=own())
    with pytest.raises(FloatingPointError, match="at step 1"):
        train_cyclegan(
            gan, sample_x=lambda g: torch.full((1, 3, 16, 16), float("nan")), sample_y=sampler(),
            steps=1, config=config, generator=own(),
        )  # fmt: skip


def test_a_pool_returns_old_images_half_of_the_time_and_forgets_none_silently():
    pool = ImagePool(5, generator=own())
    back = torch.cat([pool.swap(torch.full((1, 1, 1, 1), float(i))) for i in range(2000)]).flatten()
    new = back == torch.arange(2000.0)
    assert bool(new[:5].all())
    assert float(new[5:].double().mean()) == pytest.approx(0.5, abs=0.05)
    assert len(back[~new].unique()) == int((~new).sum()), "an old image came back twice"


def test_a_pool_without_capacity_returns_what_came_and_gradients_end_there():
    images = torch.rand(3, 1, 2, 2, generator=own(), requires_grad=True)
    back = ImagePool(0, generator=own()).swap(images)
    assert torch.equal(back, images)
    assert not back.requires_grad
    with pytest.raises(ValueError, match="capacity"):
        ImagePool(-1, generator=own())


def test_the_critics_window_is_as_stated():
    """A change farther than the window away leaves a score as it was, but for the normalisation."""
    critic = new_discriminator(1, width=4, generator=own())
    critic.layers[3] = torch.nn.Identity()
    image = torch.rand(1, 1, 64, 64, generator=own())
    image.requires_grad_()
    critic(image)[0, 0, 8, 8].backward()
    seen = image.grad[0, 0].abs() > 0
    sides = [int(seen.any(axis).sum()) for axis in (0, 1)]
    assert sides == [PatchDiscriminator.window_px] * 2


def test_networks_draw_their_weights_from_the_generator_alone():
    before = torch.get_rng_state()
    a, b = (new_stainer(StainerConfig(), generator=own(3)).enter.weight for _ in range(2))
    assert torch.equal(a, b)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_stainer_keeps_shape_and_range_and_moves_with_its_input():
    net = new_stainer(SMALL, generator=own())
    image = torch.rand(1, 3, 24, 24, generator=own())
    out = stain_images(net, image)
    assert out.shape == image.shape
    assert 0 < float(out.min()) < float(out.max()) < 1
    moved = stain_images(net, torch.roll(image, 4, 3))
    torch.testing.assert_close(moved[..., 10:20], torch.roll(out, 4, 3)[..., 10:20])
    with pytest.raises(ValueError, match="1 or more"):
        Stainer(StainerConfig(width=0))


def test_a_stainer_sees_as_far_as_stated_and_a_wider_margin_changes_nothing():
    net = new_stainer(StainerConfig(width=4), generator=own())
    image = torch.rand(1, 3, 40, 40, generator=own(), requires_grad=True)
    net(image)[0, :, 20, 20].sum().backward()
    seen = image.grad.abs().sum((0, 1)) > 0
    assert [int(seen.any(axis).sum()) for axis in (0, 1)] == [2 * net.reach_px + 1] * 2
    wide = stain_images(net, image.detach(), margin_px=net.reach_px)
    torch.testing.assert_close(wide, stain_images(net, image.detach(), margin_px=20))
    bare = stain_images(net, image.detach(), margin_px=0)
    torch.testing.assert_close(bare[..., 6:-6, 6:-6], wide[..., 6:-6, 6:-6])
    assert not torch.allclose(bare, wide)


def test_an_even_image_stays_even_up_to_its_edges():
    net = new_stainer(StainerConfig(width=4), generator=own())
    out = stain_images(net, torch.full((1, 3, 20, 20), 0.3))
    torch.testing.assert_close(out, out[..., :1, :1].expand_as(out))
