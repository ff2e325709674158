"""Your own tiles of many classes: one of each patient, and every fault named."""

import numpy as np
import pytest
from PIL import Image

from data_fetch.errors import DataError
from data_fetch.tasks.class_folder import read_class_folder


def save(path, *, side=48, grey=200):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((side, side, 3), grey, dtype=np.uint8)).save(path)


def read(folder, **options):
    return read_class_folder(folder, rng=np.random.default_rng(0), **options)


def test_one_tile_of_each_patient_and_class(tmp_path):
    for name, grey in (("b/p1_1", 10), ("b/p1_2", 10), ("b/p2_1", 20), ("a/p1_1", 30), ("c/q", 40)):
        save(tmp_path / f"{name}.png", grey=grey)
    found = read(tmp_path, size=32)
    assert found.names == ("a", "b", "c")
    assert found.labels.tolist() == [0, 1, 1, 2]
    assert sorted(found.sample.array[:, 0, 0, 0].tolist()) == [10, 20, 30, 40]
    same = found.patients[found.sample.array[:, 0, 0, 0] == 10]
    assert same == found.patients[0]  # p1 is one patient, in whatever class
    assert len(found.sample.members) == 4


def test_at_most_so_many_a_class(tmp_path):
    for i in range(9):
        save(tmp_path / "a" / f"p{i}_.png")
        save(tmp_path / "b" / f"q{i}_.png")
    assert len(read(tmp_path, most=4)) == 8


def test_bad_folders_are_refused(tmp_path):
    with pytest.raises(DataError, match="not a folder"):
        read(tmp_path / "nowhere")
    save(tmp_path / "a" / "p_.png")
    with pytest.raises(DataError, match="two are needed"):
        read(tmp_path)
    (tmp_path / "b").mkdir()
    with pytest.raises(DataError, match="no picture"):
        read(tmp_path)
