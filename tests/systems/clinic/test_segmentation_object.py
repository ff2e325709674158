"""A mask that is written and read by others is the same mask."""

import copy
import io
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydicom import dcmread, dcmwrite

from medlib.systems.clinic.dicom_validation import validate
from medlib.systems.clinic.own_uids import Stamp
from medlib.systems.clinic.segmentation_object import mask_of, segmentation_object
from medlib.systems.clinic.server_or_files import digest_of_dataset
from medlib.systems.deidentification.deidentify import deidentify
from tests.systems.clinic.conftest import KEY, study

IMAGES = [deidentify(one, key=KEY).dataset for one in study()]
STAMP = Stamp(KEY, str(IMAGES[0].StudyInstanceUID), datetime(2024, 5, 3, 10, 30))


def made(mask):
    return segmentation_object(IMAGES, mask, step_mm=5, stamp=STAMP, algorithm=("threshold", "1"))


def read_again(dataset):
    stream = io.BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return dcmread(io.BytesIO(stream.getvalue()))


@settings(max_examples=6)
@given(mask=arrays(bool, (8, 25, 22), elements=st.booleans(), fill=st.booleans()))
def test_any_mask_comes_back_exactly(mask):
    assert np.array_equal(mask_of(read_again(made(mask)), IMAGES), mask)


def test_the_library_that_reads_it_for_others_sees_the_same(tmp_path):
    import highdicom as hd

    mask = np.random.default_rng(0).random((8, 25, 22)) > 0.8
    dcmwrite(tmp_path / "seg.dcm", made(mask), enforce_file_format=True)
    found = hd.seg.segread(tmp_path / "seg.dcm")
    volume = found.get_volume(segment_numbers=[1], combine_segments=True).array
    assert np.array_equal(np.squeeze(volume).astype(bool), mask) or np.array_equal(
        np.squeeze(volume)[::-1].astype(bool), mask
    )


def test_it_has_the_images_own_size_and_bits_without_a_gap():
    mask = np.random.default_rng(1).random((8, 25, 22)) > 0.8
    found = made(mask)
    assert (found.Rows, found.Columns) == (IMAGES[0].Rows, IMAGES[0].Columns) == (25, 22)
    assert found.Rows * found.Columns % 8 != 0
    bits = np.unpackbits(np.frombuffer(found.PixelData, np.uint8), bitorder="little")
    assert np.array_equal(bits[: mask.size].reshape(mask.shape), found.pixel_array)
    assert np.array_equal(mask_of(found, IMAGES), mask)
    assert not bits[mask.size :].any()


@pytest.mark.parametrize("some", [True, False])
def test_an_outside_validator_finds_no_error_and_runs_are_alike(tmp_path, some):
    mask = np.zeros((8, 25, 22), dtype=bool)
    mask[3, 4:9, 5] = some
    one, other = made(mask), made(mask)
    assert digest_of_dataset(one) == digest_of_dataset(other)
    dcmwrite(tmp_path / "seg.dcm", one, enforce_file_format=True)
    assert validate(tmp_path / "seg.dcm").errors == ()


def test_a_volume_taken_from_it_is_that_of_the_places_whatever_headers_say():
    mask = np.ones((8, 25, 22), dtype=bool)
    for thickness in (1.0, None):
        images = [copy.deepcopy(one) for one in IMAGES]
        for one in images:
            one.SliceThickness = thickness
        found = segmentation_object(images, mask, step_mm=5, stamp=STAMP, algorithm=("a", "1"))
        measures = found.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
        assert (measures.SpacingBetweenSlices, measures.SliceThickness) == (5, 5)


def test_masks_of_another_size_and_frames_elsewhere_are_told():
    with pytest.raises(ValueError, match=r"shape \(8, 24, 22\)"):
        made(np.ones((8, 24, 22), dtype=bool))
    elsewhere = study(accession="A9")
    for one in elsewhere:
        one.ImagePositionPatient = [0, 0, one.ImagePositionPatient[2]]
    with pytest.raises(ValueError, match="mm from the nearest image"):
        mask_of(made(np.ones((8, 25, 22), dtype=bool)), elsewhere)
    larger = copy.deepcopy(IMAGES)
    larger[0].Columns = 24
    with pytest.raises(ValueError, match="frames of 25 x 22 voxels, images of 25 x 24"):
        mask_of(made(np.ones((8, 25, 22), dtype=bool)), larger)
