"""Films are as cloudy as the lungs, whatever the exposure; and brightness alone tells little."""

import numpy as np

from data_fetch.simulated.chest_film import SIZE_PX, chest_films


def test_the_worse_the_lungs_the_more_clouds():
    lungs = np.random.default_rng(1).standard_normal(2000)
    films, cloudy = chest_films(lungs, rng=np.random.default_rng(0))
    assert films.shape == (2000, SIZE_PX, SIZE_PX)
    assert films.dtype == np.uint8
    assert 0 <= cloudy.min() <= cloudy.max() <= 1
    assert 0.8 < np.corrcoef(cloudy, lungs)[0, 1] < 0.95
    brightness = np.corrcoef(films.mean(axis=(1, 2)), lungs)[0, 1]
    assert brightness < np.corrcoef(cloudy, lungs)[0, 1] - 0.1


def test_film_i_does_not_depend_on_how_many_there_are():
    lungs = np.linspace(-2, 2, 9)
    some, _ = chest_films(lungs[:3], rng=np.random.default_rng(4))
    all_films, _ = chest_films(lungs, rng=np.random.default_rng(4))
    np.testing.assert_array_equal(some, all_films[:3])


def test_exposure_differs_from_film_to_film():
    films, _ = chest_films(np.full(50, -3.0), rng=np.random.default_rng(0))
    assert films[:, 16, 16].std() > 5
    assert chest_films(np.zeros(0), rng=np.random.default_rng(0))[0].shape == (0, 32, 32)
