"""Answers that were kept are those that were given, and about that volume only."""

from dataclasses import replace

import numpy as np
import pytest

from medlib.systems.clinic.readers import Readers, keep_answers, kept_answers
from tests.systems.clinic.conftest import READERS, head


def test_kept_answers_are_those_given(tmp_path):
    volume = head().volume * 1000
    keep_answers(tmp_path / "kept.npz", READERS, volume)
    kept = kept_answers(tmp_path / "kept.npz")
    assert (kept.name, kept.learned, kept.level) == ("threshold", "1", READERS.level)
    assert kept.version == READERS.version
    assert kept.novelty(volume) == READERS.novelty(volume)
    assert kept.probability(volume) == READERS.probability(volume)
    assert kept.contributions(volume) == READERS.contributions(volume)
    for name in ("mask", "evidence"):
        assert np.array_equal(getattr(kept, name)(volume), getattr(READERS, name)(volume))


def test_another_volume_gets_no_answer(tmp_path):
    volume = head().volume
    keep_answers(tmp_path / "kept.npz", READERS, volume)
    kept = kept_answers(tmp_path / "kept.npz")
    for ask in (kept.novelty, kept.mask, kept.probability, kept.evidence, kept.contributions):
        with pytest.raises(ValueError, match="another volume"):
            ask(volume + 1)


def test_whoever_changes_level_or_threshold_is_another_version():
    others = [replace(READERS, **{name: 0.1}) for name in ("level", "threshold")]
    others += [replace(READERS, learned="2"), replace(READERS, level=np.nextafter(0.05, 1))]
    versions = {one.version for one in (READERS, *others)}
    assert len(versions) == 5
    assert max(map(len, versions)) <= 64  # what a short text of DICOM may hold
    assert replace(READERS, level=np.float64(0.05)).version == READERS.version


def test_levels_are_probabilities():
    with pytest.raises(ValueError, match="level is 5"):
        Readers("a", "1", *[READERS.novelty] * 4, level=5)
