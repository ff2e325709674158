"""The real images inside wheels: there without a network, decoded exactly, with their units."""

import socket
import subprocess
import sys

import numpy as np
import pytest
from scipy import ndimage

from data_fetch import packaged
from data_fetch.errors import ChecksumError, DataError
from data_fetch.sample import sha256_of_array

# sha256_of_array of the decoded values: another decoder must agree. For head_ct, Pillow
# 13.0.0 and pylibjpeg-openjpeg 2.6.0 gave the same values.
DECODED = {
    packaged.head_ct: "1a9388d5f791eca660776dee0777d86904c4036abc27a8a41ae500d0d14836d8",
    packaged.ct_small: "a1b56942f10cdcd5b47677f33b4bc866d2e1f2287a854b466ea5869dac96edfa",
    packaged.mr_small: "6c3c8cf3aa71a473c03981e7108eab88bbe1c16eb2078e7d756e80488c83b71c",
    packaged.mr_abdomen: "fcae66a1e409c14151164583a2bd4a7302cf9f6869dbe076a9ca29a54dad0c42",
    packaged.retina: "6ac357b2d0a9b936fb849b3f786fcfc79c837c26d0970dfe64bbf222d5ab7060",
    packaged.ihc: "da280731f9dcfed5572bfaeef3f69811fce1d6efae91a0ce660105133aa15e0b",
    packaged.cell: "68c8afa734d74116d69f73f135ed914c2d6cf5728ffe84c9acf1a37dc72678fb",
    packaged.microaneurysms: "45ce24d64825b6d49fca8e5ff5e85e4156bea24fbf9d4b08947f8d2b4bee34a8",
}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch, tmp_path):
    def refuse(*_args, **_kwargs):
        raise AssertionError("a packaged image asked for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("HOME", str(tmp_path))  # no cache of an earlier download helps


@pytest.mark.parametrize("function", DECODED, ids=lambda f: f.__name__)
def test_decoded_values_are_the_known_ones(function):
    sample = function()
    assert sha256_of_array(sample.array) == DECODED[function]
    assert sample.kind == "real"
    assert sample.licence
    assert sample.cite
    assert sample.doi.startswith("10.")
    assert sample.path.is_file()


@pytest.mark.parametrize("name", packaged.photograph_names())
def test_photographs_are_rgb_with_a_licence(name):
    sample = packaged.photograph(name)
    assert sample.array.dtype == np.uint8
    assert sample.array.shape[2] == 3
    assert sample.array.std() > 10
    assert sample.licence


def test_unknown_photograph_lists_those_there_are():
    with pytest.raises(ValueError, match="no photograph 'dog'; there are astronaut, brick"):
        packaged.photograph("dog")


def test_head_ct_shows_a_head_in_hounsfield_units():
    ct = packaged.head_ct()
    assert ct.spacing_mm == (0.431, 0.431)
    assert ct.array.min() == -1024
    assert packaged.head_ct(padding_hu=None).array.min() == -2000
    assert np.median(ct.array[:40]) < -950, "air above the head"
    assert 10 < np.median(ct.array[300:380, 220:300]) < 50, "cerebellum"
    assert 200 < 0.431**2 * (ct.array > 300).sum() / 100 * 10 < 2000, "bone, in mm2 / 10"


def test_ct_small_is_cut_by_its_own_edge():
    edge = packaged.ct_small().array[-1]
    assert np.median(edge) > -200, "tissue, not air, at the lower edge"


@pytest.mark.parametrize("kind", ["t1", "gm", "wm"])
@pytest.mark.parametrize("resolution_mm", [2, 3, 4])
def test_coarser_template_keeps_volume_and_place(kind, resolution_mm):
    fine = packaged.mni152(kind)
    coarse = packaged.mni152(kind, resolution_mm=resolution_mm)
    assert coarse.spacing_mm == (resolution_mm,) * 3
    total_fine = fine.array.sum(dtype=float)
    total_coarse = coarse.array.sum(dtype=float) * resolution_mm**3
    assert total_coarse == pytest.approx(total_fine, rel=1e-4)

    def centre_mm(sample):
        return (sample.affine @ [*ndimage.center_of_mass(sample.array.astype(float)), 1])[:3]

    np.testing.assert_allclose(centre_mm(coarse), centre_mm(fine), atol=0.02)


def test_template_is_symmetric_and_probabilities_are_probabilities():
    grey, white = packaged.mni152("gm").array, packaged.mni152("wm").array
    np.testing.assert_array_equal(grey, grey[::-1])
    assert grey.min() == 0
    assert grey.max() <= 1
    assert (grey + white).max() <= 1 + 2 / 255  # both were rounded to 8 bits


@pytest.mark.parametrize("wrong", [{"kind": "csf"}, {"resolution_mm": 0}, {"resolution_mm": 5}])
def test_template_says_what_there_is(wrong):
    with pytest.raises(ValueError, match="choose"):
        packaged.mni152(**({"kind": "t1"} | wrong))


def test_breast_cancer_has_the_published_class_counts():
    table = packaged.breast_cancer()
    counts = dict(zip(table.names, np.bincount(table.labels), strict=True))
    assert counts == {"malignant": 212, "benign": 357}
    assert len(table.feature_names) == table.sample.array.shape[1] == 30


def test_weights_are_one_file_with_a_licence_note():
    weights = packaged.imagenet_weights()
    assert weights.path == packaged.imagenet_weights_path()
    assert weights.as_sample().array.nbytes == weights.path.stat().st_size == 18_826_032
    assert "UNKNOWN" in weights.licence
    assert "Apache-2.0" in weights.licence


def test_missing_package_and_file_say_what_to_install():
    with pytest.raises(DataError, match=r"no_such_package is not installed; pip install"):
        packaged.packaged_file("no_such_package", "x", sha256="0" * 64)
    with pytest.raises(DataError, match=r"scikit-image is installed without data/none\.png"):
        packaged.packaged_file("skimage", "data/none.png", sha256="0" * 64)


def test_changed_file_is_refused():
    with pytest.raises(ChecksumError, match="another version of scikit-image"):
        packaged.packaged_file("skimage", "data/cell.png", sha256="0" * 64)


def test_every_name_of_the_package_is_there_and_no_other():
    assert {"head_ct", "mni152", "photograph", "imagenet_weights"} <= set(dir(packaged))
    for name in dir(packaged):
        assert getattr(packaged, name) is not None or name.startswith("__")
    with pytest.raises(AttributeError, match=r"data_fetch\.packaged.* no attribute 'dog'"):
        packaged.dog  # noqa: B018


def test_a_reader_of_ct_does_not_import_the_photographs():
    # what a run imported decides when it is stale: one picture must not bring in the others
    code = (
        "import sys; from data_fetch.packaged import head_ct; head_ct();"
        "print(sorted(m.rpartition('.')[2] for m in sys.modules if 'fetch.packaged.' in m))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert out.strip() == "['radiology', 'wheel']"
