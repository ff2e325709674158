"""Training a painter on pairs."""

import pytest
import torch

from medlib.pixels.staining.pair_training import train_on_pairs
from medlib.pixels.staining.stainer import StainerConfig


def pairs(generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.rand(4, 3, 12, 12, generator=generator)
    return x, 1 - x


def absolute_error(made, answer):
    return (made - answer).abs().mean()


def painter(seed: int = 0, steps: int = 3, error=absolute_error):
    return train_on_pairs(
        error,
        pairs,
        steps=steps,
        generator=torch.Generator().manual_seed(seed),
        device=torch.device("cpu"),
        network=StainerConfig(width=4),
    )


def test_two_trainings_from_one_seed_are_one_and_another_seed_is_another():
    one, two, other = (painter(seed).state_dict() for seed in (0, 0, 1))
    assert all(bool((one[name] == two[name]).all()) for name in one)
    assert any(bool((one[name] != other[name]).any()) for name in one)


def test_it_learns_what_the_pairs_say():
    x, y = pairs(torch.Generator().manual_seed(9))
    short, long = (absolute_error(painter(steps=n)(x), y).item() for n in (1, 150))
    assert long < 0.6 * short


def test_the_error_is_asked_for_what_was_made_and_then_its_answer():
    seen = []

    def error(made, answer):
        seen.append((made.requires_grad, answer.requires_grad))
        return absolute_error(made, answer)

    painter(steps=2, error=error)
    assert seen == [(True, False)] * 2


def test_no_step_is_refused():
    with pytest.raises(ValueError, match="positive"):
        painter(steps=0)
