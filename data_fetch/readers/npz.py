"""Arrays of NumPy's .npz archives."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from data_fetch.errors import DataError
from data_fetch.readers.file import existing_file
from data_fetch.sample import Sample, sha256_of_file


def read_npz(
    path: Path | str,
    *,
    key: str,
    name: str | None = None,
    unit: str = "stored value",
    spacing_mm: tuple[float, ...] | None = None,
    **provenance: Any,
) -> Sample:
    """One array of an .npz file. Pickled objects are refused.

    Args:
        path: the file.
        key: which array.
        name: for the Sample; file and key by default.
        unit: of the values.
        spacing_mm: one number per spatial axis, where known.
        provenance: licence, cite, doi, note of the Sample.

    Raises:
        DataError: missing, truncated, encrypted, not NPZ, without that key, or holding something
            else than numbers under it: text, Python objects, a file that is no array.
    """
    path = existing_file(path)
    if not zipfile.is_zipfile(path):
        raise DataError(
            f"{path} is not an .npz archive: damaged, truncated, or a single array (.npy)"
        )
    try:
        with np.load(path, allow_pickle=False) as archive:
            if key not in archive.files:
                raise DataError(f"{path} has no array {key!r}; it has {', '.join(archive.files)}")
            array = archive[key]
    except DataError:
        raise
    except Exception as error:  # a corrupt or encrypted one raises anything, RuntimeError too
        raise DataError(f"{path} is not a readable .npz file: {error}") from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"{key!r} of {path} is a file, not an array; numpy.savez writes arrays")
    if array.dtype.kind not in "biufc":
        raise DataError(f"{key!r} of {path} holds {array.dtype}, not numbers")
    return Sample(
        array,
        name=name or f"{path.name}:{key}",
        kind="real",
        unit=unit,
        sha256=sha256_of_file(path),
        spacing_mm=spacing_mm,
        path=path,
        **provenance,
    )
