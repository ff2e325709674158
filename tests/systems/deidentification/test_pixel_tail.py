"""What stands behind the last pixel is cut, and not a bit of a pixel."""

import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file

from medlib.systems.deidentification.pixel_tail import cut_tail


@pytest.mark.parametrize(
    "name",
    ["CT_small.dcm", "MR_small_bigendian.dcm", "SC_rgb_small_odd.dcm", "liver_1frame.dcm",
     "rtdose.dcm", "JPEG2000.dcm", "MR_small_RLE.dcm", "examples_ybr_color.dcm"],
)  # fmt: skip
def test_real_pixels_stay_and_a_tail_goes(name):
    dataset = dcmread(get_testdata_file(name, download=False))
    pixels = dataset.PixelData
    assert cut_tail(dataset) == ()
    assert dataset.PixelData == pixels
    dataset.PixelData = pixels + b"DOE^JANE"
    assert cut_tail(dataset) == ("(7FE0,0010)",)
    assert dataset.PixelData == pixels


def test_the_byte_that_makes_the_number_even_says_nothing():
    image = Dataset()
    image.Rows, image.Columns, image.BitsAllocated, image.PixelData = 1, 3, 8, b"123J"
    assert cut_tail(image) == ("(7FE0,0010)",)
    assert image.PixelData == b"123\0"


def test_pixels_of_no_size_are_refused_and_none_are_fine():
    image = Dataset()
    assert cut_tail(image) == ()
    image.PixelData = b"12"
    with pytest.raises(ValueError, match="where they end"):
        cut_tail(image)
