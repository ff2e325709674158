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
    tiles = read_tile_folder(tmp_path, size=48)
    assert tiles.class_names == ("normal", "tumour")
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
        Image.fromarray(simulated.images[index]).save(tmp_path / str(label) / f"p{index}.png")
    tiles = read_tile_folder(tmp_path, size=64)
    order = np.argsort(simulated.labels, kind="stable")
    truth = simulated.density_per_mm2[order]
    r = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(tiles.haematoxylin, truth)]  # noqa: B905
    assert min(r) > 0.6


def test_faults_are_named(tmp_path):
    with pytest.raises(DataError, match="not a folder"):
        read_tile_folder(tmp_path / "nowhere", size=32)
    save(tmp_path / "a" / "x.png")
    with pytest.raises(DataError, match="two at least"):
        read_tile_folder(tmp_path, size=32)
    (tmp_path / "b").mkdir()
    with pytest.raises(DataError, match="holds no PNG"):
        read_tile_folder(tmp_path, size=32)
    (tmp_path / "b" / "y.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="cannot be read"):
        read_tile_folder(tmp_path, size=32)
