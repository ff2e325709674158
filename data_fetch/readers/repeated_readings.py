"""Readings of patients who were measured twice, on one or on each of two scanners, from a CSV."""

from pathlib import Path

import numpy as np

from data_fetch.errors import DataError
from data_fetch.sample import Sample, sha256_of_file

_LEAST = 6


def read_repeated_readings(path: Path | str) -> Sample:
    """Rows of two or of four numbers, all above 0: A, A again, B, B again; a row a patient.

    Lines that begin with # are skipped, so that a heading may stand in one.

    Returns:
        Sample of float64 (patient, scanner, repeat), of one scanner or of two.

    Raises:
        DataError: no such file, other than two or four numbers a row, fewer than six patients, or a
            reading that is not above 0.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "twice.csv")
    ...     _ = file.write_text("10, 11, 9, 8\\n" * 3 + "20, 19, 16, 15\\n" * 3)
    ...     sample = read_repeated_readings(file)
    >>> sample.array.shape
    (6, 2, 2)
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path} is no file; give a CSV of two or four numbers a row")
    try:
        rows = np.loadtxt(path, delimiter=",", ndmin=2)
    except ValueError as error:
        raise DataError(f"{path}: {error}; give numbers with commas between") from error
    if rows.shape[1] not in (2, 4) or len(rows) < _LEAST:
        raise DataError(
            f"{path} has {len(rows)} rows of {rows.shape[1]}; two numbers (A, A again) or four (and"
            f" B, B again) in each of {_LEAST} rows or more"
        )
    if not (np.isfinite(rows) & (rows > 0)).all():
        raise DataError(f"{path}: every reading is a number above 0; leave its patient out")
    return Sample(
        rows.reshape(len(rows), -1, 2),
        name=f"own/{path.name}",
        kind="real",
        unit="as in the file",
        sha256=sha256_of_file(path),
        path=path,
    )
