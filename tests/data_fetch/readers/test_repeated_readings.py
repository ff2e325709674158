"""A table of own readings: four numbers a row, or words that say what is wrong."""

import pytest

from data_fetch.errors import DataError
from data_fetch.readers.repeated_readings import read_repeated_readings

GOOD = "# A, A again, B, B again\n" + "10,11,9,8\n20,19,16,15\n" * 3


def test_rows_become_patients_by_scanners_by_repeats(tmp_path):
    file = tmp_path / "twice.csv"
    file.write_text(GOOD)
    sample = read_repeated_readings(file)
    assert sample.array.shape == (6, 2, 2)
    assert sample.array[0].tolist() == [[10, 11], [9, 8]]
    assert sample.kind == "real"


def test_one_scanner_will_do(tmp_path):
    file = tmp_path / "twice.csv"
    file.write_text("10,11\n20,19\n" * 3)
    assert read_repeated_readings(file).array.shape == (6, 1, 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,2,3\n" * 8, "two numbers"),
        ("1,2,3,4\n" * 3, "6 rows or more"),
        ("1,2,3,0\n" * 8, "above 0"),
        ("1,2,3,x\n" * 8, "commas between"),
    ],
)
def test_other_tables_are_refused(tmp_path, text, says):
    file = tmp_path / "twice.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=says):
        read_repeated_readings(file)


def test_no_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="is no file"):
        read_repeated_readings(tmp_path / "none.csv")
