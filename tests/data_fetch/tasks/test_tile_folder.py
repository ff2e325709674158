"""A folder of tiles: read in order, patients told apart, and every fault named."""

import numpy as np
import pytest
from PIL import Image

from data_fetch.errors import DataError
from data_fetch.tasks.tile_folder import read_tile_folder


def save(path, *, shape=(48, 48), grey=200):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*shape, 3), grey, dtype=np.uint8)).save(path)


def test_reads_classes_patients_and_sizes(tmp_path):
    save(tmp_path / "tumour" / "p2_a.png", grey=90)
    save(tmp_path / "normal" / "p1_a.png")
    save(tmp_path / "normal" / "p2_b.png", shape=(60, 90))
    tiles = read_tile_folder(tmp_path, positive="tumour", size=48)
    assert tiles.names == ("normal", "tumour")
    assert tiles.labels.tolist() == [0, 0, 1]
    assert tiles.patients.tolist() == [0, 1, 1]
    assert tiles.sample.array.shape == (3, 48, 48, 3)
    assert tiles.sample.kind == "real"
    assert tiles.sample.array[2].max() == 90


def test_haematoxylin_is_where_the_nuclei_are(tmp_path):
    from data_fetch.simulated.histology import histology_tiles

    simulated = histology_tiles(1, rng=np.random.default_rng(0), tiles_per_patient=4, size=64)
    for index, label in enumerate(simulated.labels):
        (tmp_path / str(label)).mkdir(exist_ok=True)
        Image.fromarray(simulated.images[index]).save(tmp_path / str(label) / f"p{index}_.png")
    tiles = read_tile_folder(tmp_path, positive="1", size=64)
    order = np.argsort(simulated.labels, kind="stable")
    truth = simulated.density_per_mm2[order]
    r = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(tiles.haematoxylin, truth)]  # noqa: B905
    assert min(r) > 0.6


# -- which class is which --------------------------------------------------------------------------


@pytest.mark.parametrize(("negative", "positive"), [("healthy", "cancer"), ("a", "b"), ("b", "a")])
def test_the_positive_class_is_the_one_that_is_named_not_the_second_letter(
    tmp_path, negative, positive
):
    save(tmp_path / positive / "p1_.png", grey=90)
    save(tmp_path / negative / "p2_.png", grey=200)
    tiles = read_tile_folder(tmp_path, positive=positive, size=48)
    assert tiles.names == (negative, positive)
    assert tiles.sample.array[tiles.labels == 1].max() == 90


def test_folders_and_files_that_begin_with_a_dot_do_not_count(tmp_path):
    for name in ("normal/p1_.png", "tumour/p2_.png"):
        save(tmp_path / name)
    for name in (".ipynb_checkpoints/p1_.png", "tumour/.ipynb_checkpoints/p.png", ".git/x/p.png"):
        save(tmp_path / name)
    save(tmp_path / "tumour/._p2_.png")
    tiles = read_tile_folder(tmp_path, positive="tumour", size=48)
    assert tiles.labels.tolist() == [0, 1]
    assert [name for name, _ in tiles.sample.members] == ["normal/p1_.png", "tumour/p2_.png"]


@pytest.mark.parametrize(
    ("folders", "says"),
    [
        ((), r"holds 0 sub-folder\(s\) \(none\); two are needed"),
        (("a",), r"holds 1 sub-folder\(s\) \(a\); two are needed"),
        (("ADI", "NORM", "TUM"), r"holds 3 sub-folder\(s\) \(ADI, NORM, TUM\); two are needed"),
        (("cancer", "healthy"), "classes cancer and healthy, none of them called 'tumour'"),
    ],
)
def test_other_than_two_classes_one_of_them_positive_is_refused(tmp_path, folders, says):
    for name in folders:
        save(tmp_path / name / "p1_.png")
    with pytest.raises(DataError, match=says):
        read_tile_folder(tmp_path, positive="tumour", size=48)


# -- which files, which patients -------------------------------------------------------------------


def test_every_kind_of_picture_is_read_and_what_is_none_is_named(tmp_path):
    for name in ("a_.png", "b_.PNG", "c_.jpg", "d_.JPEG", "e_.tif", "f_.bmp"):
        save(tmp_path / "tumour" / name)
    save(tmp_path / "normal" / "g_.TIFF")
    (tmp_path / "normal" / "Thumbs.db").write_bytes(b"no picture")
    (tmp_path / "LICENSE.txt").write_text("beside the classes")
    with pytest.warns(
        UserWarning, match=r"left aside, for they are no pictures: normal/Thumbs\.db"
    ):
        tiles = read_tile_folder(tmp_path, positive="tumour", size=48)
    assert tiles.labels.tolist() == [0] + [1] * 6
    assert "normal/Thumbs.db" in tiles.sample.note
    assert "normal/Thumbs.db" in dict(tiles.sample.members)
    assert tiles.sample.members_glob == "*/*"


def test_names_of_nct_crc_are_patients_of_their_own_and_a_warning_says_so(tmp_path):
    for name in ("TUM/TUM-AAADQSSY.tif", "TUM/TUM-AAAFLCLY.tif", "NORM/NORM-AAAWMSFI.tif"):
        save(tmp_path / name)
    with pytest.warns(UserWarning, match="each tile counts as a patient of its own"):
        tiles = read_tile_folder(tmp_path, positive="TUM", size=48)
    assert len(set(tiles.patients)) == 3
    assert tiles.labels.tolist() == [0, 1, 1]


def test_equal_names_without_a_patient_are_two_tiles_not_one_patient(tmp_path):
    for name in ("normal/0001.png", "tumour/0001.png", "normal/p7_1.png", "tumour/p7_1.png"):
        save(tmp_path / name)
    tiles = read_tile_folder(tmp_path, positive="tumour", size=48)
    first, same, second, again = tiles.patients
    assert len({first, second, same}) == 3
    assert same == again


# -- values ----------------------------------------------------------------------------------------


def test_16_bits_of_grey_become_8_with_white_at_white(tmp_path):
    deep = np.full((48, 48), 40000, dtype=np.uint16)
    deep[:, 24:] = 65535
    for name in ("tumour", "normal"):
        (tmp_path / name).mkdir()
        Image.fromarray(deep).save(tmp_path / name / "p_1.png")
    tiles = read_tile_folder(tmp_path, positive="tumour", size=48)
    assert np.unique(tiles.sample.array).tolist() == [round(40000 / 257), 255]


def test_a_tile_stands_upright(tmp_path):
    upright = np.zeros((48, 48, 3), dtype=np.uint8)
    upright[:10] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side, to be turned right by a quarter
    for name in ("tumour", "normal"):
        (tmp_path / name).mkdir()
        sideways = np.ascontiguousarray(np.rot90(upright))
        Image.fromarray(sideways).save(tmp_path / name / "p_1.png", exif=exif)
    tiles = read_tile_folder(tmp_path, positive="tumour", size=48)
    np.testing.assert_array_equal(tiles.sample.array[0], upright)


# -- splits and faults -----------------------------------------------------------------------------


def test_a_split_without_a_class_on_one_side_is_named(tmp_path):
    for patient in range(6):
        save(tmp_path / "tumour" / f"p{patient}_t.png")
        save(tmp_path / "normal" / f"p{patient}_n.png")
    save(tmp_path / "normal" / "p9_n.png")
    tiles = read_tile_folder(tmp_path, positive="tumour", size=48)
    tiles.check_split(tiles.patients < 3, least=3)
    with pytest.raises(DataError, match=r"patients to be tested on, 2 have tiles in tumour; 3 at"):
        tiles.check_split(tiles.patients < 4, least=3)
    with pytest.raises(DataError, match=r"patients to learn from, 0 have tiles in normal"):
        tiles.check_split((tiles.patients < 3) & (tiles.labels == 1), least=3)


def test_faults_are_named(tmp_path):
    with pytest.raises(DataError, match="not a folder"):
        read_tile_folder(tmp_path / "nowhere", positive="a", size=32)
    save(tmp_path / "a" / "x_.png")
    (tmp_path / "b").mkdir()
    with pytest.raises(DataError, match="holds no picture"):
        read_tile_folder(tmp_path, positive="a", size=32)
    (tmp_path / "b" / "y_.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"y_\.png is not a readable picture"):
        read_tile_folder(tmp_path, positive="a", size=32)
