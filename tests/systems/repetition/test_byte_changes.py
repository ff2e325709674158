"""One bit of a file is another inside, and as before after it, also after an error."""

import numpy as np
import pytest

from medlib.systems.repetition.byte_changes import one_bit_changed, random_place


def test_one_bit_differs_inside_and_none_after(tmp_path):
    path = tmp_path / "scan"
    path.write_bytes(bytes(range(10)))
    with pytest.raises(ZeroDivisionError), one_bit_changed(path, at=3, bit=7):
        1 / (path.read_bytes() != bytes([0, 1, 2, 131, *range(4, 10)]))
    assert path.read_bytes() == bytes(range(10))


@pytest.mark.parametrize(("at", "bit"), [(10, 0), (-1, 0), (0, 8)])
def test_no_such_place(tmp_path, at, bit):
    path = tmp_path / "scan"
    path.write_bytes(bytes(10))
    with pytest.raises(ValueError, match="no byte"), one_bit_changed(path, at=at, bit=bit):
        pass


def test_every_byte_of_all_files_is_as_likely(tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(bytes(10))
    large.write_bytes(bytes(30))
    rng = np.random.default_rng(0)
    places = [random_place([small, large], rng=rng) for _ in range(800)]
    assert all(at < path.stat().st_size and bit < 8 for path, at, bit in places)
    share = np.mean([path == small for path, _, _ in places])
    assert abs(share - 0.25) < 0.05
    assert len({at for path, at, _ in places if path == large}) == 30


def test_no_byte_at_all(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(ValueError, match="no byte to change"):
        random_place([tmp_path / "empty"], rng=np.random.default_rng(0))
