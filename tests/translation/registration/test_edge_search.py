"""A grid that grows while the best lies on its edge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlib.translation.registration.edge_search import edge_search


def search(best, *, grid=(1.0, 2.0, 4.0), extensions=2):
    return edge_search(
        lambda x: x, grid=grid, worth=lambda x: -abs(x - best), extensions=extensions
    )


def test_a_best_inside_needs_no_more():
    found = search(2.0)
    assert (found.best, found.on_edge, list(found.tried)) == (2.0, False, [1.0, 2.0, 4.0])


def test_beyond_either_edge_it_goes_on_until_the_best_lies_inside():
    assert list(search(8.0).tried) == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert list(search(0.5).tried) == [0.25, 0.5, 1.0, 2.0, 4.0]
    assert search(8.0).on_edge is False


def test_it_says_so_when_it_had_to_stop_on_the_edge():
    found = search(1000.0)
    assert (found.best, found.on_edge, found.kept) == (16.0, True, 16.0)


@given(st.floats(0.01, 100.0))
def test_what_is_kept_is_the_best_of_what_was_tried(best):
    found = search(best)
    assert abs(found.best - best) == min(abs(one - best) for one in found.tried)


def test_of_equal_ones_the_smoother_is_taken_and_each_is_tried_once():
    tried = []
    found = edge_search(tried.append, grid=[1.0, 2.0, 4.0], worth=lambda x: 0.0)
    assert (found.best, len(tried), len(set(found.tried))) == (16.0, 5, 5)


@pytest.mark.parametrize("grid", [[1.0], [2.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
def test_what_is_no_grid_is_refused(grid):
    with pytest.raises(ValueError, match="two or more"):
        search(1.0, grid=grid)


def test_negative_extensions_are_refused():
    with pytest.raises(ValueError, match="extensions"):
        search(1.0, extensions=-1)
