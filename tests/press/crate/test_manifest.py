"""The manifest is what sha256sum reads, and no byte of it can change unseen."""

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from press.crate.manifest import MANIFEST, read_manifest, write_manifest
from press.crate.names import name_fault
from press.errors import UserError
from tests.press.packed_book import write_folder

FILES = {"a.txt": b"one", "b/c.txt": b"two", "b/d é.txt": b""}


def test_it_reads_what_it_writes_and_leaves_itself_out():
    listed = read_manifest(write_manifest({**FILES, MANIFEST: b"old"}))
    assert list(listed) == list(FILES)
    assert {len(digest) for digest in listed.values()} == {64}


@pytest.mark.skipif(not shutil.which("sha256sum"), reason="there is no sha256sum")
def test_an_outsider_reads_it(tmp_path):
    write_folder({**FILES, MANIFEST: write_manifest(FILES)}, tmp_path)
    words = ["sha256sum", "--check", "--strict", MANIFEST]
    assert subprocess.run(words, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "a.txt").write_bytes(b"onE")
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "a.txt: FAILED" in done.stdout) == (1, True)


def test_every_bit_of_it_counts():
    data, listed = write_manifest(FILES), read_manifest(write_manifest(FILES))
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            try:
                assert read_manifest(bytes(changed)) != listed
            except UserError:
                continue


@given(st.text(max_size=12))
def test_a_name_without_fault_stays_below_its_folder(name):
    if not name_fault(name):
        assert ".." not in name.split("/")
        assert not name.startswith("/")
        assert read_manifest(write_manifest({name: b"x"})).keys() == {name}


@pytest.mark.parametrize("name", ["../a", "/a", "a/../b"])
def test_a_listed_path_that_leaves_the_crate_is_refused(name):
    with pytest.raises(UserError, match=r"line 1: .* leaves the crate"):
        read_manifest(f"{'0' * 64}  {name}\n".encode())
