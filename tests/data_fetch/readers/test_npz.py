"""Arrays of .npz files; what is no array of numbers is refused."""

import shutil
import struct
import zipfile

import numpy as np
import pytest

from data_fetch.errors import DataError
from data_fetch.readers import read_npz


def test_npz_reads_the_array_asked_for(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(3), y=np.zeros(2))
    np.testing.assert_array_equal(read_npz(tmp_path / "a.npz", key="x").array, [0, 1, 2])
    with pytest.raises(DataError, match="no array 'z'; it has x, y"):
        read_npz(tmp_path / "a.npz", key="z")


def test_npz_never_unpickles(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{"any": "object"}], dtype=object))
    with pytest.raises(DataError, match="allow_pickle=False"):
        read_npz(tmp_path / "a.npz", key="x")


def test_npz_with_a_changed_byte_is_a_clear_error(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.arange(3000))
    body = bytearray((tmp_path / "a.npz").read_bytes())
    body[len(body) // 2] ^= 0xFF
    (tmp_path / "bad.npz").write_bytes(body)
    with pytest.raises(DataError, match=r"bad\.npz is not a readable"):
        read_npz(tmp_path / "bad.npz", key="x")


@pytest.mark.parametrize("keep", [0, 10, 200])
def test_truncated_npz_is_a_clear_error(tmp_path, keep):
    np.savez(tmp_path / "a.npz", x=np.arange(300))
    (tmp_path / "bad.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:keep])
    with pytest.raises(DataError, match=r"bad\.npz"):
        read_npz(tmp_path / "bad.npz", key="x")


def test_single_array_is_told_from_an_archive(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(3))
    shutil.copy(tmp_path / "a.npy", tmp_path / "a.npz")
    with pytest.raises(DataError, match="single array"):
        read_npz(tmp_path / "a.npz", key="x")


def test_an_encrypted_archive_is_one_clear_line(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(3))
    body = bytearray((tmp_path / "a.npz").read_bytes())
    for head, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(head) + flags] |= 1  # the bit that says so (APPNOTE 4.4.4)
    (tmp_path / "a.npz").write_bytes(body)
    with pytest.raises(DataError, match=r"a\.npz is not a readable .*encrypted"):
        read_npz(tmp_path / "a.npz", key="x")


def test_text_is_no_array(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x", "some text")
    with pytest.raises(DataError, match=r"'x' of .* is a file, not an array"):
        read_npz(tmp_path / "a.npz", key="x")
    np.savez(tmp_path / "b.npz", x=np.array(["benign", "malignant"]))
    with pytest.raises(DataError, match="holds <U9, not numbers"):
        read_npz(tmp_path / "b.npz", key="x")
    (tmp_path / "c.npz").write_text("some text")
    with pytest.raises(DataError, match=r"not an .npz archive"):
        read_npz(tmp_path / "c.npz", key="x")


def test_a_header_that_promises_more_than_memory_is_one_clear_line(tmp_path):
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999999,), }"
    head += b" " * (117 - len(head)) + b"\n"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head)
    with pytest.raises(DataError, match=r"a\.npz is not a readable"):
        read_npz(tmp_path / "a.npz", key="x")
