"""Each lie is the function of the truth that it says it is."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.systems.federation.poisoning import noise, scaled, sign_flip, with_flipped_labels


def states():
    generator = torch.Generator().manual_seed(0)
    return ({"w": torch.randn(500, generator=generator)} for _ in range(2))


@settings(max_examples=10)
@given(st.floats(0.1, 10))
def test_scaled_and_flipped(factor):
    received, honest = states()
    draws = torch.Generator()
    step = honest["w"] - received["w"]
    sent = scaled(factor)(received, honest, draws)["w"] - received["w"]
    torch.testing.assert_close(sent, factor * step)
    sent = sign_flip(factor)(received, honest, draws)["w"] - received["w"]
    torch.testing.assert_close(sent, -factor * step)


def test_scaled_by_all_over_own_replaces_the_mean():
    received, honest = states()
    sent = scaled(5.0)(received, honest, torch.Generator())["w"]
    torch.testing.assert_close((4 * received["w"] + sent) / 5, honest["w"])


def test_noise_is_drawn_from_the_generator_and_holds_nothing_learned():
    received, honest = states()
    one, again, other = (
        noise(0.5)(received, h, torch.Generator().manual_seed(seed))["w"]
        for h, seed in ((honest, 1), (received, 1), (honest, 2))
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert (one - received["w"]).std().item() == pytest.approx(0.5, rel=0.13)  # 4 standard errors


def test_flipped_labels_leave_images_and_validation(sites):
    flipped = with_flipped_labels(sites["A"])
    assert torch.equal(flipped.labels, 1 - sites["A"].labels)
    assert flipped.images is sites["A"].images
    assert flipped.validation_labels is sites["A"].validation_labels


@pytest.mark.parametrize("lie", [sign_flip, noise])
def test_what_would_be_no_lie_is_refused(lie):
    with pytest.raises(ValueError, match=r"is 0\.0"):
        lie(0.0)
