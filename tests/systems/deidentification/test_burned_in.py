"""Suspicion where something speaks for it, and a mask that touches nothing else."""

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

from medlib.systems.deidentification.burned_in import Rectangle, mask, suspicion


def image(**values):
    dataset = Dataset()
    dataset.PixelData = b"\0\0"
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"Modality": "US"}, "modality is US"),
        ({"Modality": "OT"}, "modality is OT"),
        ({"Modality": "CT", "BurnedInAnnotation": "YES"}, "is YES"),
        ({"Modality": "CT", "BurnedInAnnotation": "MAYBE"}, "neither"),
        ({"Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "captured"),
        ({"Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.4"}, "captured"),
        ({"Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1"}, "captured"),
        ({"Modality": "CT", "ConversionType": "WSD"}, "ConversionType"),
        ({"Modality": "CT", "ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "SCREEN SAVE"),
    ],
)
def test_suspected(values, words):
    assert words in suspicion(image(**values))


@pytest.mark.parametrize(
    "values",
    [
        {"Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"},
        {"Modality": "US", "BurnedInAnnotation": "NO"},
        {"Modality": "CT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4"},
    ],
)
def test_not_suspected(values):
    assert suspicion(image(**values)) is None


def test_without_pixels_there_is_no_text_in_them():
    dataset = image(Modality="OT")
    del dataset.PixelData
    assert suspicion(dataset) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [("CT_small.dcm", False), ("examples_ybr_color.dcm", True), ("SC_rgb_rle.dcm", True)],
)
def test_real_files(name, expected):
    dataset = dcmread(get_testdata_file(name, download=False))
    assert (suspicion(dataset) is not None) == expected


@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize(("samples", "planar"), [(1, 0), (3, 0), (3, 1)])
@pytest.mark.parametrize("frames", [1, 3])
def test_only_the_rectangle_is_painted(bits, samples, planar, frames):
    rng = np.random.default_rng(0)
    stored = (frames, samples, 5, 7) if planar else (frames, 5, 7, samples)
    pixels = rng.integers(1, 200, size=stored).astype(f"<u{bits // 8}")
    padding = b"\0" if pixels.nbytes % 2 else b""
    dataset = image(
        PixelData=pixels.tobytes() + padding, Rows=5, Columns=7, BitsAllocated=bits,
        SamplesPerPixel=samples, PlanarConfiguration=planar, NumberOfFrames=str(frames),
        PhotometricInterpretation="RGB" if samples == 3 else "MONOCHROME2", BitsStored=bits,
        HighBit=bits - 1, PixelRepresentation=0,
    )  # fmt: skip
    from pydicom.dataset import FileMetaDataset

    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    before = dataset.pixel_array.reshape((frames, 5, 7, samples)).copy()
    mask(dataset, [Rectangle(1, 2, 2, 3), Rectangle(4, 6, 1, 1)])
    after = dataset.pixel_array.reshape((frames, 5, 7, samples))  # pydicom's reading of it
    expected = before.copy()
    expected[:, 1:3, 2:5] = 0
    expected[:, 4, 6] = 0
    np.testing.assert_array_equal(after, expected)
    assert len(dataset.PixelData) == pixels.nbytes + len(padding)


def ready(**values):
    dataset = dcmread(get_testdata_file("CT_small.dcm", download=False))
    for name, value in values.items():
        setattr(dataset, name, value)
    return dataset


@pytest.mark.parametrize("rectangle", [(-1, 0, 1, 1), (0, 0, 0, 1), (0, 0, 129, 1), (0, 127, 1, 2)])
def test_outside_is_refused(rectangle):
    with pytest.raises(ValueError, match="not inside an image of 128 rows"):
        mask(ready(), [Rectangle(*rectangle)])


def test_what_cannot_be_masked_is_refused():
    one = Rectangle(0, 0, 1, 1)
    dataset = ready()
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    with pytest.raises(ValueError, match="decompress first"):
        mask(dataset, [one])
    with pytest.raises(ValueError, match="decompress first"):
        mask(Dataset(), [one])
    with pytest.raises(ValueError, match="convert first"):
        mask(ready(BitsAllocated=1), [one])
    with pytest.raises(ValueError, match="convert first"):
        mask(ready(PhotometricInterpretation="YBR_FULL_422"), [one])
    with pytest.raises(ValueError, match="the header speaks of"):
        mask(ready(Rows=129), [one])
