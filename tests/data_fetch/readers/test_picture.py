"""Pictures that Pillow wrote: every kind keeps its values."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from data_fetch.errors import DataError
from data_fetch.readers import read_image
from data_fetch.readers.picture import as_rgb8


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


# -- depth -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.TIFF", "a.jp2"])
def test_16_bits_of_grey_survive_every_format(tmp_path, name):
    values = np.array([[0, 1000, 40000], [65535, 255, 256]], dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / name)
    read = read_image(tmp_path / name)
    np.testing.assert_array_equal(read.array, values)
    assert (read.array.dtype, read.unit) == (np.uint16, "intensity 0..65535")


def test_big_endian_tiff_keeps_its_values(tmp_path):
    values = np.array([[0, 1000], [40000, 65535]], dtype=">u2")
    image = Image.frombytes("I;16B", (2, 2), values.tobytes())
    image.save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, values)


def test_32_bit_integers_are_read_where_they_fit_and_never_wrapped(tmp_path):
    values = np.array([[0, 65535]], dtype=np.int32)
    Image.fromarray(values).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, values)
    for bad in (65536, -1):
        Image.fromarray(np.array([[0, bad]], dtype=np.int32)).save(tmp_path / "a.tif")
        with pytest.raises(DataError, match="black and white are not stated"):
            read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("mode", ["F", "LAB"])
def test_values_without_a_stated_range_are_refused(tmp_path, mode):
    Image.new(mode, (7, 5)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match="black and white are not stated"):
        read_image(tmp_path / "a.tif")


def test_colours_of_16_bits_keep_their_upper_8_and_say_so(tmp_path):
    write_png_rgb16(tmp_path / "a.png", [[0x12FF, 0x8000, 0xFFFF]])
    read = read_image(tmp_path / "a.png", note="mine")
    np.testing.assert_array_equal(read.array, [[[0x12, 0x80, 0xFF]]])
    assert read.note == "mine; stored with 16 bits, of which the upper 8 were read"


def write_png_rgb16(path, pixels):
    """PNG of 16 bits a colour (ISO/IEC 15948), which Pillow reads but does not write."""

    def chunk(kind, body):
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    row = b"\0" + np.array(pixels, ">u2").tobytes()
    head = struct.pack(">IIBBBBB", len(pixels), 1, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535)])
def test_tiff_that_stores_white_as_zero_is_turned_round(tmp_path, dtype, top):
    values = np.array([[0, 1], [100, top]], dtype=dtype)
    Image.fromarray(values).save(tmp_path / "a.tif")
    body = (tmp_path / "a.tif").read_bytes()
    black, white = (struct.pack("<HHIHH", 262, 3, 1, kind, 0) for kind in (1, 0))
    assert body.count(black) == 1
    (tmp_path / "a.tif").write_bytes(body.replace(black, white))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").array, top - values)


def test_12_bits_are_refused_for_their_white_is_not_that_of_16(tmp_path):
    Image.fromarray(np.zeros((2, 2), np.uint16)).save(tmp_path / "a.tif")
    body = (tmp_path / "a.tif").read_bytes()
    deep, less = (struct.pack("<HHIHH", 258, 3, 1, bits, 0) for bits in (16, 12))
    assert body.count(deep) == 1
    (tmp_path / "a.tif").write_bytes(body.replace(deep, less))
    with pytest.raises(DataError, match="holds values of 12 bits"):
        read_image(tmp_path / "a.tif")


# -- which way is up, and what else a file may hold ------------------------------------------------

UPRIGHT = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
#: how the picture was stored -> EXIF's orientation, which tells how to turn it back
STORED_AS = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT, 1),
    7: np.rot90(UPRIGHT, 2).T,
    8: np.rot90(UPRIGHT, -1),
}


@pytest.mark.parametrize("name", ["a.png", "a.tif", "lzw.tif", "a.webp"])
@pytest.mark.parametrize("orientation", STORED_AS)
def test_a_picture_stands_upright_whatever_its_orientation(tmp_path, orientation, name):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True, "exact": True} if name.endswith("webp") else {}
    options |= {"compression": "tiff_lzw"} if name == "lzw.tif" else {}
    image = Image.fromarray(np.ascontiguousarray(STORED_AS[orientation]))
    image.save(tmp_path / name, exif=exif, **options)
    read = read_image(tmp_path / name).array
    np.testing.assert_array_equal(read if read.ndim == 2 else read[..., 0], UPRIGHT)


def test_several_pictures_in_one_file_are_refused(tmp_path):
    one = Image.new("L", (7, 5))
    one.save(tmp_path / "a.tif", save_all=True, append_images=[one, one])
    with pytest.raises(DataError, match="holds 3 pictures"):
        read_image(tmp_path / "a.tif")


def test_a_slide_too_large_to_be_read_whole_says_so(tmp_path, monkeypatch):
    Image.new("L", (70, 50)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(DataError, match=r"too large to be read whole.*cut a field"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize(("mode", "says"), [("L", "grey, with 8 bits"), ("I;16", "with 16 bits")])
def test_a_grey_slide_is_refused_where_colour_is_needed(tmp_path, mode, says):
    Image.new(mode, (7, 5)).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=rf"a\.png is .*{says}; a picture in colour is needed"):
        read_image(tmp_path / "a.png", channels=3)
    assert read_image(tmp_path / "a.png", channels=1).array.ndim == 2


def test_grey_becomes_rgb_of_8_bits_with_white_at_white():
    deep = as_rgb8(np.array([[0, 257, 32896, 65535]], dtype=np.uint16))
    np.testing.assert_array_equal(deep, np.array([[0, 1, 128, 255]])[..., None].repeat(3, -1))
    flat = np.array([[3, 4]], dtype=np.uint8)
    np.testing.assert_array_equal(as_rgb8(flat)[..., 2], flat)
    colour = np.zeros((2, 2, 3), np.uint8)
    assert as_rgb8(colour) is colour
