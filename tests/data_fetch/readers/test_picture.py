"""Pictures that Pillow wrote: every kind keeps its values."""

import numpy as np
import pytest
from PIL import Image

from data_fetch.errors import DataError
from data_fetch.readers import read_image


@pytest.mark.parametrize(
    ("mode", "shape", "unit"),
    [
        ("L", (5, 7), "intensity 0..255"),
        ("RGB", (5, 7, 3), "intensity 0..255"),
        ("RGBA", (5, 7, 3), "intensity 0..255"),
        ("P", (5, 7, 3), "intensity 0..255"),
        ("1", (5, 7), "intensity 0..255"),
        ("I;16", (5, 7), "intensity 0..65535"),
    ],
)
def test_every_kind_of_png_becomes_grey_or_rgb(tmp_path, mode, shape, unit):
    Image.new(mode, (7, 5)).save(tmp_path / "a.png")
    read = read_image(tmp_path / "a.png")
    assert (read.array.shape, read.unit, read.spacing_mm) == (shape, unit, None)


def test_16_bit_png_keeps_its_values(tmp_path):
    values = np.array([[0, 1000], [40000, 65535]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").array, values)


@pytest.mark.parametrize("keep", [0, 20, 300])
def test_truncated_png_is_a_clear_error(tmp_path, keep):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    (tmp_path / "bad.png").write_bytes((tmp_path / "a.png").read_bytes()[:keep])
    with pytest.raises(DataError, match=r"bad\.png is not a readable picture"):
        read_image(tmp_path / "bad.png")
