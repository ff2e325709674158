"""Labelled data: one label an item, each with a name; and one meaning of a digest."""

import numpy as np
import pytest
from PIL import Image

from data_fetch import packaged
from data_fetch.folder import sha256_of_members
from data_fetch.labelled import Labelled
from data_fetch.sample import Sample, sha256_of_array, sha256_of_file
from data_fetch.simulated.head_ct import ct_slices
from data_fetch.simulated.histology import histology_tiles
from data_fetch.tasks.atypia_tiles import atypia_tiles
from data_fetch.tasks.bleed_or_vein import bleed_or_vein
from data_fetch.tasks.fundus_lesions import fundus_lesions
from data_fetch.tasks.photograph_crops import (
    living_or_made,
    recognisable,
    source_like,
    which_photograph,
)
from data_fetch.tasks.tile_folder import read_tile_folder
from data_fetch.tasks.white_matter_lesions import white_matter_lesions


def rng():
    return np.random.default_rng(0)


def own_tiles(folder):
    for name, colour in (("normal", 200), ("tumour", 90)):
        (folder / name).mkdir()
        Image.fromarray(np.full((32, 32, 3), colour, np.uint8)).save(folder / name / "p1_a.png")
    return read_tile_folder(folder, positive="tumour", size=32)


LABELLED = {
    "atypia": lambda _: atypia_tiles(4, rng=rng()),
    "bleed": lambda _: bleed_or_vein(4, split="test", rng=rng()),
    "beads": lambda _: bleed_or_vein(4, split="train", rng=rng(), against="beads"),
    "fundus": lambda _: fundus_lesions(4, split="test", rng=rng()),
    "living": lambda _: living_or_made(4, split="test", rng=rng()),
    "recognisable": lambda _: recognisable(8, rng=rng()),
    "which": lambda _: which_photograph(14, split="test", rng=rng()),
    "histology": lambda _: histology_tiles(2, rng=rng(), tiles_per_patient=2, size=32),
    "cytology": lambda _: packaged.breast_cancer(),
    "own": own_tiles,
}
SAMPLES = {
    "head_ct": lambda _: packaged.head_ct(),
    "mr": lambda _: packaged.mr_small(),
    "template": lambda _: packaged.mni152(resolution_mm=4),
    "ihc": lambda _: packaged.ihc(),
    "cat": lambda _: packaged.photograph("cat"),
    "weights": lambda _: packaged.imagenet_weights().as_sample(),
    "slices": lambda _: ct_slices(1, rng=rng()),
    "source": lambda _: source_like(2, rng=rng()),
    "lesions": lambda _: white_matter_lesions(2, rng=rng()).sample,
}


@pytest.mark.parametrize("name", LABELLED)
def test_every_task_is_of_one_type_and_unpacks(name, tmp_path):
    drawn = LABELLED[name](tmp_path)
    assert isinstance(drawn, Labelled)
    sample, labels = drawn
    assert sample is drawn.sample
    assert labels is drawn.labels
    assert len(drawn) == len(sample.array)
    assert set(np.unique(labels)) == set(range(len(drawn.names))), "each name is met"


@pytest.mark.parametrize("name", [*LABELLED, *SAMPLES])
def test_a_digest_is_of_what_the_array_was_made_from(name, tmp_path):
    drawn = (LABELLED | SAMPLES)[name](tmp_path)
    sample = drawn.sample if isinstance(drawn, Labelled) else drawn
    if sample.path is None:
        assert sample.sha256 == sha256_of_array(sample.array)
    elif sample.path.is_dir():
        assert sample.sha256 == sha256_of_members(sample.members)
    else:
        assert sample.sha256 == sha256_of_file(sample.path)


def labelled(labels, names=("no", "yes"), **more):
    array = np.zeros((3, 2))
    sample = Sample(array, name="x", kind="simulated", unit="1", sha256=sha256_of_array(array))
    return Labelled(sample=sample, labels=np.array(labels), names=names, **more)


def test_errors_teach():
    with pytest.raises(ValueError, match=r"3 items, but labels of shape \(2,\)"):
        labelled([0, 1])
    with pytest.raises(ValueError, match=r"3 items, but patients of shape \(1,\)"):
        labelled([0, 1, 1], patients=np.array([0]))
    with pytest.raises(ValueError, match="label 2 has no name; there are 2: no, yes"):
        labelled([0, 1, 2])
    with pytest.raises(ValueError, match="label -1 has no name"):
        labelled([0, 1, -1])
