"""Pairs and a critic."""

import pytest
import torch

from medlib.pixels.staining.pix2pix import PairConfig, train_pix2pix
from medlib.pixels.staining.stainer import StainerConfig

CPU = torch.device("cpu")


def pairs(generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.rand(2, 3, 16, 16, generator=generator)
    return x, 1 - x


def painter(seed: int = 0, steps: int = 3, **config):
    return train_pix2pix(
        pairs,
        steps=steps,
        config=PairConfig(critic_width=4, **config),
        network=StainerConfig(width=4),
        generator=torch.Generator().manual_seed(seed),
        device=CPU,
    )


def test_two_trainings_from_one_seed_are_one():
    one, two = (painter().state_dict() for _ in range(2))
    assert all(bool((one[name] == two[name]).all()) for name in one)


def test_it_learns_what_the_pairs_say():
    x, y = pairs(torch.Generator().manual_seed(9))
    first, last = (float((painter(steps=steps)(x) - y).abs().mean().detach()) for steps in (1, 120))
    assert last < 0.7 * first


def test_without_weight_on_pixels_only_the_critic_is_heard():
    kept, heard = (painter(steps=40, pixel=weight) for weight in (0.0, 30.0))
    x, y = pairs(torch.Generator().manual_seed(9))
    errors = [float((made(x) - y).abs().mean().detach()) for made in (kept, heard)]
    assert errors[1] < errors[0]


def test_no_step_is_refused():
    with pytest.raises(ValueError, match="at least 1 step"):
        painter(steps=0)


def test_a_loss_that_is_not_finite_names_its_step():
    with pytest.raises(FloatingPointError, match="at step 1"):
        painter(pixel=float("inf"))
