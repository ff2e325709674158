"""Small networks on a plain task: they mark, they tell, and they know what is strange."""

import numpy as np
import pytest
import torch

from medlib.systems.clinic.study_networks import fit_networks, novelty_of


def heads(n, seed, *, lesion=None):
    """Noisy plates; every other one with a bright block."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(n):
        volume = np.zeros((3, 20, 18), np.float32)
        volume[:, 3:17, 3:15] = 500 + rng.normal(0, 15, (3, 14, 12))
        mask = np.zeros(volume.shape, bool)
        if i % 2 if lesion is None else lesion:
            r, c = rng.integers(5, 11, size=2)
            mask[1, r : r + 4, c : c + 3] = True
        volume[mask] += 300
        found.append((volume, mask))
    return found


@pytest.fixture(scope="module")
def networks():
    return fit_networks(
        heads(16, 0), validate=heads(6, 1), calibrate=heads(30, 2), steps=400,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip


def test_they_mark_and_tell(networks):
    for (volume, mask), other in zip(heads(4, 3, lesion=True), heads(4, 4), strict=True):
        reading = networks.read(volume)
        found = reading.mask
        assert found.shape == mask.shape
        assert 2 * (found & mask).sum() / (found.sum() + mask.sum()) > 0.7
        assert reading.probability > 0.5
        assert 0 <= networks.read(other[0]).probability <= 1
    assert networks.read(heads(1, 5, lesion=False)[0][0]).probability < 0.5


def test_what_is_strange_is_told_from_what_is_usual(networks):
    usual = [networks.read(volume).p for volume, _ in heads(20, 6)]
    turned = heads(1, 6)[0][0]
    turned = np.where(turned > 0, 200 + np.indices(turned.shape)[2] * 40, 0).astype(np.float32)
    found = networks.read(turned)
    assert found.p <= 0.05 < np.median(usual)
    assert found.score > 0


def test_the_evidence_is_what_was_marked_and_the_decision_adds_up(networks):
    volume, mask = heads(1, 7, lesion=True)[0]
    readers, found = networks.readers(), networks.read(volume)
    evidence = readers.evidence(volume)
    assert evidence.shape == mask.shape
    assert evidence.dtype == np.float32
    assert np.array_equal(found.mask, networks.network.marking.mask(found.probabilities))
    assert mask[np.unravel_index(evidence.argmax(), evidence.shape)]
    assert readers.contributions(volume) == found.contributions
    assert found.contributions["offset"] == networks.network.decision.offset
    log_odds = sum(found.contributions.values())
    assert 1 / (1 + np.exp(-log_odds)) == pytest.approx(readers.probability(volume))


def test_a_reader_that_is_asked_about_another_volume_reads_it(networks):
    readers = networks.readers()
    one, other = heads(1, 8, lesion=True)[0][0], heads(1, 9, lesion=False)[0][0]
    first = readers.probability(one)
    assert readers.probability(other) != first
    assert readers.probability(one) == first
    assert novelty_of(networks, one) == pytest.approx(readers.novelty(one)[0])


def test_the_version_follows_from_the_weights_and_from_level_and_threshold(networks):
    assert len(networks.learned) == 12
    first = networks.readers()
    assert first.version == networks.readers(level=0.05, threshold=0.5).version
    assert first.version.startswith(networks.learned)
    for other in (networks.readers(level=0.1), networks.readers(threshold=0.4)):
        assert other.version != first.version
    before = networks.learned
    with torch.no_grad():
        networks.network.model.layers[0].bias += 1
    assert networks.learned != before
    assert networks.readers().version != first.version
    with torch.no_grad():
        networks.network.model.layers[0].bias -= 1


def test_the_line_is_read_beside_and_is_another(networks):
    volume, mask = heads(1, 10, lesion=True)[0]
    reading, line = networks.read_both(volume)
    assert np.array_equal(reading.mask, networks.read(volume).mask)
    assert 2 * (line.mask & mask).sum() / (line.mask.sum() + mask.sum()) > 0.6
    assert not np.array_equal(line.probabilities, reading.probabilities)
    assert 1 / (1 + np.exp(-sum(line.contributions.values()))) == pytest.approx(line.probability)


def test_one_study_is_not_enough():
    with pytest.raises(ValueError, match="two or more"):
        fit_networks(heads(1, 0), validate=[], calibrate=[], steps=1, generator=torch.Generator())
