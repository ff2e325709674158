"""Gradients added to one place: right, and the same each time where they must be."""

import pytest
import torch

from medlib.systems.repetition.scatter import repeated_gradients
from medlib.systems.repetition.switches import Switches


@pytest.fixture(scope="module")
def scene():
    draw = torch.Generator().manual_seed(0)
    places = torch.randint(0, 50, (20_000,), generator=draw)
    return torch.zeros(50), places, torch.randn(20_000, generator=draw)


def test_deterministic_algorithms_repeat_on_two_threads(scene):
    again = repeated_gradients(*scene, switches=Switches(threads=2), repeats=4)
    assert again.distinct == 1
    assert again.largest_difference == 0
    assert again.seconds > 0


def test_one_thread_repeats_without_them(scene):
    switches = Switches(deterministic=False)
    assert repeated_gradients(*scene, switches=switches, repeats=3).distinct == 1


def test_two_threads_without_them_differ_by_rounding_at_most(scene):
    switches = Switches(threads=2, deterministic=False)
    again = repeated_gradients(*scene, switches=switches, repeats=8)
    assert 1 <= again.distinct <= 8  # chance decides
    assert again.largest_difference < 1e-3


def test_too_few_repeats_are_refused(scene):
    with pytest.raises(ValueError, match="2 or more"):
        repeated_gradients(*scene, switches=Switches(), repeats=1)
    with pytest.raises(ValueError, match="as many"):
        repeated_gradients(scene[0], scene[1], scene[2][:-1], switches=Switches(), repeats=2)
