"""Switches hold inside and are put back, whatever happens."""

import pytest
import torch

from medlib.systems.repetition.switches import Switches, switched


def now():
    return (
        torch.get_num_threads(),
        torch.backends.mkldnn.enabled,
        torch.get_deterministic_debug_mode(),
        torch.utils.deterministic.fill_uninitialized_memory,
    )


def test_they_hold_inside_and_are_put_back():
    before = now()
    with switched(Switches(threads=before[0] + 1, onednn=False, deterministic=True)):
        assert now() == (before[0] + 1, False, 2, False)
    assert now() == before


def test_they_are_put_back_after_an_error():
    before = now()
    with pytest.raises(ZeroDivisionError), switched(Switches(threads=3, deterministic=False)):
        1 / 0  # noqa: B018
    assert now() == before


def test_no_thread_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Switches(threads=0)
