import numpy as np
import pytest

from medlib.pixels.ct.inserts import INSERT_HU, scatter_ellipses


@pytest.fixture
def heads():
    images = np.full((2, 64, 64), -1000, dtype=np.float32)
    images[:, 10:54, 10:54] = 30
    return images


def test_they_stay_in_the_body_and_between_the_densities(heads):
    changed = scatter_ellipses(heads, n_inserts=10, rng=np.random.default_rng(0))
    outside = heads == -1000
    assert (changed[outside] == -1000).all()
    assert changed.min() >= min(INSERT_HU)
    assert changed.max() <= max(INSERT_HU)
    share = (changed != heads)[~outside].mean()
    assert 0.02 < share < 0.9
    assert (changed[0] != changed[1]).any()


def test_none_changes_nothing_and_the_input_is_never_touched(heads):
    before = heads.copy()
    same = scatter_ellipses(heads, n_inserts=0, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(same, before)
    scatter_ellipses(heads, n_inserts=3, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(heads, before)


def test_same_generator_same_shapes(heads):
    one, other = (
        scatter_ellipses(heads, n_inserts=4, rng=np.random.default_rng(3)) for _ in range(2)
    )
    np.testing.assert_array_equal(one, other)


def test_mistakes_are_named(heads):
    with pytest.raises(ValueError, match="n, size, size"):
        scatter_ellipses(heads[0], n_inserts=1, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="zero or more"):
        scatter_ellipses(heads, n_inserts=-1, rng=np.random.default_rng(0))
