"""Own images are found, images of nobody are not, and brightness does not matter."""

import numpy as np
import pytest

from medlib.systems.aggregation.recognition import likeness, rank_of_own, twins


def gallery(n=60, pixels=100):
    return np.random.default_rng(0).normal(size=(n, pixels))


def test_likeness_is_numpys_correlation():
    a, b = gallery(4), gallery(7)[3:]
    assert np.allclose(likeness(a, b), np.corrcoef(a, b)[:4, 4:])


def test_a_noisy_copy_is_nearest_to_its_own_and_noise_ranks_in_the_middle():
    people, rng = gallery(), np.random.default_rng(1)
    own = np.arange(60)
    near = people + rng.normal(size=people.shape)
    assert rank_of_own(likeness(near, people), own).max() == 0
    nobody = rng.normal(size=(2000, 100))
    ranks = rank_of_own(likeness(nobody, people), rng.integers(60, size=2000))
    assert ranks.mean() == pytest.approx(0.5, abs=0.03)
    flat = rank_of_own(likeness(np.ones((1, 100)), people), np.array([5]))
    assert flat.tolist() == [0.5]


def test_twins_are_the_two_most_alike():
    people = gallery()
    people[7] = 2 * people[3] + 0.1 * people[9]
    assert twins(people) == pytest.approx(np.corrcoef(people[3], people[7])[0, 1])


def test_what_is_wrong_is_refused():
    people = gallery()
    with pytest.raises(ValueError, match="one size"):
        likeness(people, people[:, 1:])
    with pytest.raises(ValueError, match="not finite"):
        likeness(people * np.nan, people)
    with pytest.raises(ValueError, match="two or more"):
        twins(people[:1])
    with pytest.raises(ValueError, match="one each"):
        rank_of_own(likeness(people, people), np.arange(3))
