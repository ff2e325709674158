"""Known classes are divided by patient; hidden ones are seen by nobody."""

import numpy as np
import pytest

from data_fetch.errors import DataError
from data_fetch.labelled import Labelled
from data_fetch.sample import Sample, sha256_of_array
from data_fetch.tasks.hidden_classes import with_hidden_classes

PARTS = {"learn": 3, "test": 1}


def labelled(n=60, classes=4):
    images = np.arange(n, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
    sample = Sample(images, "example/x", "simulated", "intensity 0..255", sha256_of_array(images))
    names = tuple("abcdef"[:classes])
    return Labelled(
        sample=sample, labels=np.arange(n) % classes, names=names, patients=np.arange(n) // 6
    )


def divide(tiles, **options):
    return with_hidden_classes(tiles, parts=PARTS, rng=np.random.default_rng(0), **options)


def test_no_patient_serves_two_purposes_and_no_hidden_tile_any():
    tiles = labelled()
    images, labels, names = divide(tiles, hidden=["b"])
    assert names == ("a", "c", "d")
    rows = {purpose: images[purpose][:, 0, 0, 0].astype(int) for purpose in images}
    people = {purpose: set(tiles.patients[rows[purpose]]) for purpose in PARTS}
    assert not people["learn"] & people["test"]
    assert len(people["learn"]) + len(people["test"]) in (7, 8)  # a third shows the hidden class
    shown = set(tiles.patients[rows["b"]])
    assert not shown & (people["learn"] | people["test"])
    for purpose in PARTS:
        assert [tiles.names[k] for k in tiles.labels[rows[purpose]]] == [
            names[k] for k in labels[purpose]
        ]
    assert (tiles.labels[rows["b"]] == 1).all()
    assert set(labels["b"]) == {-1}


def test_nobody_shows_two_hidden_classes():
    tiles = labelled(n=240)
    images, _, _ = divide(tiles, hidden=["b", "d"])
    people = {
        key: set(tiles.patients[each[:, 0, 0, 0].astype(int)]) for key, each in images.items()
    }
    for one in people:
        for other in people:
            assert one == other or not people[one] & people[other], (one, other)
    assert all(people.values())
    few, _, _ = divide(tiles, hidden=["b", "d"], most_hidden=2)
    assert len(set(tiles.patients[few["b"][:, 0, 0, 0].astype(int)])) == 2


def test_faults_are_named():
    with pytest.raises(DataError, match="no class 'z'"):
        divide(labelled(), hidden=["z"])
    with pytest.raises(DataError, match="two are needed"):
        divide(labelled(), hidden=["a", "b", "c"])
    with pytest.raises(DataError, match="is left for"):
        divide(labelled(n=6), hidden=["b"])
