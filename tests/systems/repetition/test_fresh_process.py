"""A new process: the same bits under the same variables, and its failures are told."""

import numpy as np
import pytest

from medlib.systems.repetition.bits import share_differing
from medlib.systems.repetition.fresh_process import train_elsewhere
from medlib.systems.repetition.small_training import Settings, train_small

SHORT = Settings(steps=2, batch_size=8, average_last=2)


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, size=(16, 16, 16, 3), dtype=np.uint8), np.arange(16) % 2


def test_two_processes_agree_and_a_variable_is_seen_there(images):
    grey, labels = images
    given = {"settings": [SHORT], "keep_at": (1,)}
    plain = train_elsewhere(grey, labels, grey, **given)
    told = train_elsewhere(grey, labels, grey, variables={"PYTHONHASHSEED": "7"}, **given)
    here = train_small(grey, labels, grey, settings=SHORT, keep_at=(1,))
    for other in (plain, told):
        assert sorted(other.trained[0].weights) == [1, 2]
        assert share_differing(here.last, other.trained[0].last) == 0
        assert share_differing(here.averaged, other.trained[0].averaged) == 0
    assert told.surroundings["variables"]["PYTHONHASHSEED"] == "7"
    assert told.surroundings["pins"] == plain.surroundings["pins"]


def test_a_failure_there_is_told_here(images):
    grey, labels = images
    with pytest.raises(ValueError, match="15 labels"):
        train_elsewhere(grey, labels[:-1], grey, settings=[SHORT])
