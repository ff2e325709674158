import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data_fetch.sample import Sample, sha256_of_array, sha256_of_file

ARRAYS = hnp.arrays(
    st.sampled_from([np.uint8, np.int16, np.float32]), hnp.array_shapes(max_dims=3, max_side=4)
)


def sample(**changes):
    fields = {"name": "x", "kind": "real", "unit": "HU", "sha256": "0"}
    return Sample(np.zeros((2, 3)), **(fields | changes))


@given(ARRAYS)
def test_digest_ignores_memory_layout_and_byte_order(array):
    expected = sha256_of_array(array)
    assert sha256_of_array(np.asfortranarray(array)) == expected
    assert sha256_of_array(array.astype(array.dtype.newbyteorder(">"))) == expected


@given(ARRAYS)
def test_digest_sees_type_shape_and_every_value(array):
    expected = sha256_of_array(array)
    assert sha256_of_array(array.astype(np.float64)) != expected
    assert sha256_of_array(array[None]) != expected
    changed = array.copy()
    changed.flat[-1] = 0 if changed.flat[-1] == 1 else 1
    assert sha256_of_array(changed) != expected


def test_digest_of_a_file_is_that_of_its_bytes(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1
    assert sha256_of_file(tmp_path / "abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_kind_is_real_or_simulated_and_nothing_else():
    with pytest.raises(ValueError, match='"real" or "simulated"'):
        Sample(np.zeros(2), name="x", kind="fake", unit="HU", sha256="0")


def test_spacing_has_at_most_one_number_per_axis():
    with pytest.raises(ValueError, match="3 numbers but the array has 2 axes"):
        sample(spacing_mm=(1.0, 1.0, 1.0))


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_spacing_is_a_length(bad):
    with pytest.raises(ValueError, match="each must be finite and > 0"):
        sample(spacing_mm=(1.0, bad))


def test_a_crop_keeps_its_origin():
    crop = sample(doi="10.1/x").with_array(np.ones((1, 1)), note="cropped")
    assert (crop.doi, crop.sha256, crop.note, crop.array.shape) == (
        "10.1/x",
        "0",
        "cropped",
        (1, 1),
    )
