"""A folder of pairs: read by name, and every fault named."""

import numpy as np
import pytest
from PIL import Image

from data_fetch.errors import DataError
from data_fetch.readers.picture_pairs import read_picture_pairs


def save(path, *, shape=(8, 10), grey=200):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*shape, 3), grey, dtype=np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path):
    for k, name in enumerate(("b.png", "a.png", "c.png")):
        save(tmp_path / "unstained" / name, grey=10 + k)
        save(tmp_path / "stained" / name, grey=110 + k)
    return tmp_path


def test_pairs_are_read_by_name_unstained_first(folder):
    sample = read_picture_pairs(folder)
    assert sample.array.shape == (3, 2, 8, 10, 3)
    assert sample.array[:, :, 0, 0, 0].tolist() == [[11, 111], [10, 110], [12, 112]]
    assert sample.kind == "real"
    assert len(sample.members) == 6


def test_endings_may_differ_and_what_is_no_picture_is_left_aside(folder):
    (folder / "stained" / "a.png").unlink()
    save(folder / "stained" / "a.tif", grey=111)
    (folder / "stained" / "notes.txt").write_text("by hand")
    save(folder / "stained" / ".ipynb_checkpoints" / "d.png")
    assert read_picture_pairs(folder).array[0, 1, 0, 0, 0] == 111


def test_a_changed_picture_is_another_digest(folder):
    before = read_picture_pairs(folder).sha256
    save(folder / "stained" / "a.png", grey=99)
    assert read_picture_pairs(folder).sha256 != before


def test_of_many_the_first_are_read_and_that_is_said(folder):
    with pytest.warns(UserWarning, match="the first 2 of 3"):
        sample = read_picture_pairs(folder, most=2)
    assert sample.array.shape[0] == 2
    assert "first 2 of 3" in sample.note


def test_no_such_folder(tmp_path):
    with pytest.raises(DataError, match="unstained and stained"):
        read_picture_pairs(tmp_path / "none")


@pytest.mark.parametrize("kind", ["stained", "unstained"])
def test_a_sub_folder_that_lacks_is_named(folder, kind):
    (folder / kind).rename(folder / "IHC")
    with pytest.raises(DataError, match=f"no sub-folder {kind}"):
        read_picture_pairs(folder)


@pytest.mark.parametrize(("kind", "other"), [("stained", "unstained"), ("unstained", "stained")])
def test_a_picture_without_its_partner_is_named(folder, kind, other):
    save(folder / kind / "lonely.png")
    with pytest.raises(DataError, match=f"lonely, and {other} no picture"):
        read_picture_pairs(folder)


def test_two_pictures_of_one_name_are_refused(folder):
    save(folder / "stained" / "a.jpg")
    with pytest.raises(DataError, match="a name stands for one picture"):
        read_picture_pairs(folder)


def test_one_pair_cannot_both_train_and_test(tmp_path):
    for kind in ("unstained", "stained"):
        save(tmp_path / kind / "a.png")
    with pytest.raises(DataError, match=r"1 pair\(s\)"):
        read_picture_pairs(tmp_path)


def test_different_sizes_are_refused_with_both(folder):
    save(folder / "stained" / "c.png", shape=(8, 12))
    with pytest.raises(DataError, match=r"8 x 12 pixels.*8 x 10"):
        read_picture_pairs(folder)


def test_a_file_that_is_no_picture_is_refused(folder):
    (folder / "stained" / "c.png").write_bytes(b"not a picture")
    with pytest.raises(DataError, match="not a readable picture"):
        read_picture_pairs(folder)


def test_fewer_than_two_cannot_be_asked_for(folder):
    with pytest.raises(ValueError, match="2 or more"):
        read_picture_pairs(folder, most=1)
