"""Numbers are counted as they are; what Flower adds is its own objects, counted by itself."""

import torch

from medlib.systems.federation.local_norms import norm_entries
from medlib.systems.federation.message_bytes import array_bytes, flower_bytes


def test_arrays_are_counted_by_hand(net):
    # convolution 27 + 3, norm 4 x 3, head 96 + 2 numbers of 4 bytes, and one count of 8
    assert array_bytes(net.state_dict()) == (30 + 12 + 98) * 4 + 8
    assert array_bytes(net.state_dict(), local=norm_entries(net)) == (30 + 98) * 4


def test_flower_sends_the_arrays_and_a_bounded_rest(net):
    state = {k: v for k, v in net.state_dict().items()}
    more = flower_bytes(state) - array_bytes(state)
    assert 100 * len(state) < more < 1000 * len(state)
    local = norm_entries(net)
    kept = {k: v for k, v in state.items() if k not in local}
    assert flower_bytes(state, local=local) == flower_bytes(kept)


def test_the_rest_does_not_grow_with_the_arrays():
    small, large = {"w": torch.randn(1000)}, {"w": torch.randn(100_000)}
    rest = [flower_bytes(state) - array_bytes(state) for state in (small, large)]
    assert 0 <= rest[1] - rest[0] < 100


def test_equal_arrays_are_sent_once():
    alike = {"a": torch.ones(1000), "b": torch.ones(1000)}
    assert flower_bytes(alike) < array_bytes(alike)
