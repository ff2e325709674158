"""The small training: the same twice, moved by each cause, and it learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from medlib.systems.repetition.bits import share_differing
from medlib.systems.repetition.small_training import (
    Settings,
    _logits,
    _network,
    _put,
    learned_numbers,
    train_small,
)
from medlib.systems.repetition.switches import Switches

SHORT = Settings(steps=4, batch_size=8)


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    labels = np.arange(24) % 2
    grey = rng.integers(60, 120, size=(24, 16, 16, 3)).astype(np.uint8)
    grey[labels == 1, 6:10, 6:10] += 100  # a bright spot
    return grey, labels


def after(images, settings):
    return train_small(*images, images[0], settings=settings, keep_at=(1,))


def test_the_same_settings_give_the_same_bits(images):
    one, two = after(images, SHORT), after(images, SHORT)
    assert share_differing(one.last, two.last) == 0
    assert share_differing(one.logits, two.logits) == 0
    assert sorted(one.weights) == [1, 4]


@pytest.mark.parametrize(
    "change",
    [{"seed_of_weights": 1}, {"seed_of_batches": 1}, {"reverse": True},
     {"switches": Switches(onednn=False)}],
)  # fmt: skip
def test_each_cause_moves_the_weights(images, change):
    one, two = after(images, SHORT), after(images, replace(SHORT, **change))
    assert share_differing(one.last, two.last) > 0.02


@pytest.mark.parametrize("change", [{"channels_last": True}, {"optimizer": "for-loop"}])
def test_another_way_to_write_it_down_is_the_same_training(images, change):
    one, two = after(images, SHORT), after(images, replace(SHORT, **change))
    assert np.allclose(one.weights[1], two.weights[1], atol=1e-4)


def test_one_switched_step_is_enough(images):
    switches = Switches(onednn=False)
    first = after(images, replace(SHORT, switches=switches, switched_steps=1))
    whole, never = after(images, replace(SHORT, switches=switches)), after(images, SHORT)
    assert share_differing(first.weights[1], whole.weights[1]) == 0
    assert share_differing(first.last, never.last) > 0
    assert share_differing(first.last, whole.last) > 0


def test_it_learns(images):
    trained = after(images, replace(SHORT, steps=60))
    assert (trained.decisions == images[1]).mean() > 0.9


def test_a_schedule_ends_and_none_does_not(images):
    ended = after(images, SHORT)
    stopped = after(images, replace(SHORT, schedule="none"))
    assert share_differing(ended.last, stopped.last) > 0.5


@pytest.mark.parametrize(
    "wrong",
    [{"steps": 0}, {"batch_size": 1}, {"peak_rate": 0.0}, {"schedule": "two"}, {"optimizer": "x"}],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)


def test_labels_for_other_images_are_refused(images):
    with pytest.raises(ValueError, match="23 labels"):
        train_small(images[0], images[1][:-1], images[0], settings=SHORT)


def test_averaged_weights_are_those_of_the_last_steps(images):
    grey, labels = images
    asked = replace(SHORT, average_last=2)
    one = train_small(grey, labels, grey, settings=asked, keep_at=(3, 4))
    plain = train_small(grey, labels, grey, settings=SHORT)
    assert share_differing(one.logits, plain.logits) == 0
    assert plain.averaged is None
    last = train_small(grey, labels, grey, settings=replace(SHORT, average_last=1))
    assert share_differing(last.averaged, last.logits) == 0
    network = _network(0)
    _put(network, ((one.weights[3].astype(float) + one.weights[4]) / 2).astype(np.float32))
    expected = _logits(network, grey, torch.contiguous_format)
    assert np.allclose(one.averaged, expected, atol=1e-5)
    assert not np.allclose(one.averaged, one.logits, atol=1e-5)
    with pytest.raises(ValueError, match="average_last is 5, of 4"):
        Settings(steps=4, average_last=5)


def test_running_statistics_are_no_learned_numbers():
    learned = learned_numbers()
    assert len(learned) == 5066
    assert len(learned) - learned.sum() == 2 * (8 + 16 + 24)  # a mean and a variance a channel
