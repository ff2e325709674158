"""A figure is decoded once for each content it ever had, and never taken for another."""

import numpy as np
import pytest
from PIL import Image

from press.errors import UserError
from press.results import pixel_digests
from press.results.pixel_digests import PixelDigests
from press.results.thumbnail import pixels_digest, read_pixels


def picture(path, grey):
    Image.fromarray(np.full((9, 7), grey, np.uint8)).save(path)
    return path


@pytest.fixture
def decoded(monkeypatch):
    calls = []
    monkeypatch.setattr(
        pixel_digests, "read_pixels", lambda path: calls.append(path) or read_pixels(path)
    )
    return calls


def test_a_file_is_decoded_once_over_commands_and_again_when_it_changes(tmp_path, decoded):
    memo, path = tmp_path / "build" / "pixels.json", picture(tmp_path / "a.png", 9)
    for _ in range(3):
        digests = PixelDigests(memo)
        assert digests.of(path) == pixels_digest(read_pixels(path))
        digests.keep()
    assert decoded == [path]
    picture(path, 10)
    assert PixelDigests(memo).of(path) == pixels_digest(read_pixels(path))
    assert decoded == [path, path]


def test_a_damaged_memo_is_no_harm_and_a_missing_file_is_named(tmp_path, decoded):
    memo, path = tmp_path / "pixels.json", picture(tmp_path / "a.png", 9)
    for text in ("{", "[1]"):
        memo.write_text(text)
        digests = PixelDigests(memo)
        assert digests.of(path) == pixels_digest(read_pixels(path))
    digests.keep()
    assert PixelDigests(memo).known
    with pytest.raises(UserError, match="is missing"):
        digests.of(tmp_path / "none.png")
    digests.keep()
    path.write_bytes(b"no image")
    with pytest.raises(UserError, match="cannot be decoded"):
        digests.of(path)
