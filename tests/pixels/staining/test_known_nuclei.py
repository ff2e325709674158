"""The counter on tissue whose nuclei are known."""

import numpy as np
import pytest

from data_fetch.simulated.histology import histology_tiles
from medlib.pixels.staining.known_nuclei import matches_by_share


@pytest.fixture(scope="module")
def known():
    rng = np.random.default_rng(0)
    return histology_tiles(3, rng=rng, tiles_per_patient=2, size=64, stain="H-DAB")


def found(known, images=None, shares=(0.1, 0.4, 0.9)):
    images = known.images if images is None else images
    return matches_by_share(images, known.centres, known.patients, shares=shares)


def test_every_known_nucleus_is_matched_or_erased(known):
    for match in found(known):
        assert match.matched + match.erased == sum(map(len, known.centres))


def test_a_sensible_share_finds_most_and_the_darkest_alone_are_few(known):
    low, middle, high = found(known)
    assert middle.f1 > 0.8
    assert high.matched < 0.4 * middle.matched
    assert low.invented >= middle.invented


def test_a_weaker_stain_is_counted_alike(known):
    paler = (255 * (known.images / 255.0) ** 0.5).round().astype(np.uint8)
    assert found(known, paler)[1].f1 == pytest.approx(found(known)[1].f1, abs=0.05)


def test_lengths_must_agree(known):
    with pytest.raises(ValueError, match="one of each for every tile"):
        matches_by_share(known.images, known.centres[:1], known.patients, shares=[0.4])
