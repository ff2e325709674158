import numpy as np
import pytest

from data_fetch.simulated.histology import Morphology, histology_tiles
from data_fetch.simulated.one_tile_each import one_tile_each


def drawn(labels, *, seed=0, **settings):
    return one_tile_each(np.asarray(labels, dtype=int), rng=np.random.default_rng(seed), **settings)


def test_same_seed_same_tiles_and_another_seed_others():
    first, again = drawn([0, 1, 1]), drawn([0, 1, 1])
    np.testing.assert_array_equal(first.images, again.images)
    np.testing.assert_array_equal(first.density_per_mm2, again.density_per_mm2)
    assert first.sample.sha256 == again.sample.sha256 != drawn([0, 1, 1], seed=1).sample.sha256


def test_a_full_batch_does_not_change_when_more_are_asked_for():
    few, many = drawn([1] * 25), drawn([1] * 30)
    np.testing.assert_array_equal(few.images, many.images[:25])
    assert len(np.unique(many.images.reshape(30, -1), axis=0)) == 30


def test_tiles_look_as_those_of_many_a_patient():
    # two generators of one tissue: pixels, their spread and the density of nuclei agree
    look = Morphology(tumour_per_mm2=(2600, 4600))
    one = drawn([1] * 150, morphology=look, window_um=8.0)
    pair = histology_tiles(
        150,
        rng=np.random.default_rng(1),
        tiles_per_patient=2,
        size=48,
        laboratory_variation=0.0,
        morphology=look,
    )
    front = pair.labels == 1
    density = pair.density_per_mm2[front].mean(axis=(1, 2))
    assert one.density_per_mm2.mean() == pytest.approx(density.mean(), rel=0.08)
    assert one.density_per_mm2.std() == pytest.approx(density.std(), rel=0.25)
    assert one.images.mean() == pytest.approx(pair.images[front].mean(), rel=0.01)
    assert one.images.std() == pytest.approx(pair.images[front].std(), rel=0.02)


def test_only_tiles_with_a_front_know_the_tumours_values():
    look = Morphology(normal_per_mm2=(1000, 1000), tumour_per_mm2=(6000, 6000))
    found = drawn([0, 1] * 30, morphology=look)
    assert found.density_per_mm2[::2].mean() == pytest.approx(1000, rel=0.15)
    assert found.density_per_mm2[1::2].mean() > 2500
    everywhere = drawn(
        [1] * 60, morphology=Morphology(tumour_per_mm2=(3000, 3000), tumour_share=(1.0, 1.0))
    )
    assert everywhere.density_per_mm2.mean() == pytest.approx(3000, rel=0.15)


@pytest.mark.parametrize(
    ("labels", "settings", "words"),
    [
        ([], {}, "labels"),
        ([0, 2], {}, "labels"),
        ([1], {"size": 16}, "size=16"),
        ([1], {"window_um": 1.0}, "window_um=1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(labels, settings, words):
    with pytest.raises(ValueError, match=words):
        drawn(labels, **settings)
