"""The order of a set: all names, fixed by the hash seed, another under another."""

import pytest

from medlib.systems.repetition.set_order import order_of_set

NAMES = [f"patient{n:03d}.png" for n in range(40)]


def test_all_names_are_there_in_another_order():
    orders = [order_of_set(NAMES, hash_seed=seed) for seed in (1, 2)]
    assert all(sorted(order) == NAMES for order in orders)
    assert orders[0] != orders[1]
    assert orders[0] != NAMES


def test_a_name_twice_is_refused():
    with pytest.raises(ValueError, match="twice"):
        order_of_set(["a", "a"], hash_seed=0)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_no_such_hash_seed(seed):
    with pytest.raises(ValueError, match="hash_seed"):
        order_of_set(NAMES, hash_seed=seed)
