"""A Sample: an array that knows its spacing, its unit, and where it came from."""

import hashlib
import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Sample:
    """An image (or table) with all that a run record needs to say about its origin.

    Args:
        array: the values, in `unit`.
        name: short and stable, e.g. ``"pydicom/head_ct"``.
        kind: ``"real"`` or ``"simulated"``; simulated intensities on real anatomy are
            ``"simulated"``.
        unit: of the values, e.g. ``"HU"`` or ``"intensity 0..255"``.
        sha256: of what the array was made from: of the file at `path`, its bytes; of the folder
            at `path`, the digests of its `members` (`folder.sha256_of_members`); without a path,
            the array itself, as it was first made (`sha256_of_array`).
        spacing_mm: one number per array axis that has a physical length, in the order of the
            axes; None when the file does not state it. A colour axis has no entry.
        path: the file, or the folder that holds `members`, or None.
        licence: as its source states it, in words.
        cite: how to cite it.
        doi: of what is cited, without ``https://doi.org/``.
        orientation: which way each axis runs, e.g. ``"rows to P, columns to L"``.
        affine: 4x4 from array index to patient position in mm (RAS+), or None.
        note: what a reader must know before using it.
        members: of a folder, the files that were looked at: name relative to `path`, sha256.
        members_glob: the pattern that `members` are all of, e.g. ``"*"``; empty where they were
            asked for one by one, so that another file beside them means nothing.

    Raises:
        ValueError: if `kind` is neither word, or `spacing_mm` has more entries than axes, or one
            that is no length.

    >>> disc = np.zeros((4, 4), dtype=np.float32)
    >>> s = Sample(disc, name="example/disc", kind="simulated", unit="HU",
    ...            sha256=sha256_of_array(disc), spacing_mm=(0.5, 0.5))
    >>> s
    Sample('example/disc', simulated, float32 4x4, 0.5x0.5 mm, HU)
    """

    array: np.ndarray
    name: str
    kind: str
    unit: str
    sha256: str
    spacing_mm: tuple[float, ...] | None = None
    path: Path | None = None
    licence: str = ""
    cite: str = ""
    doi: str = ""
    orientation: str = ""
    affine: np.ndarray | None = field(default=None)
    note: str = ""
    members: tuple[tuple[str, str], ...] = ()
    members_glob: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ("real", "simulated"):
            raise ValueError(f'kind is {self.kind!r}; it must be "real" or "simulated"')
        if self.spacing_mm is not None and len(self.spacing_mm) > self.array.ndim:
            raise ValueError(
                f"spacing_mm has {len(self.spacing_mm)} numbers but the array has "
                f"{self.array.ndim} axes; give one number per spatial axis"
            )
        if self.spacing_mm is not None and not all(0 < s < math.inf for s in self.spacing_mm):
            raise ValueError(f"spacing_mm is {self.spacing_mm}: each must be finite and > 0")

    def __repr__(self) -> str:
        shape = "x".join(map(str, self.array.shape))
        spacing = (
            "spacing unknown"
            if self.spacing_mm is None
            else "x".join(f"{s:g}" for s in self.spacing_mm) + " mm"
        )
        dtype = self.array.dtype
        return f"Sample({self.name!r}, {self.kind}, {dtype} {shape}, {spacing}, {self.unit})"

    def with_array(self, array: np.ndarray, **changes: Any) -> "Sample":
        """The same provenance around another array (a crop, a resampling).

        sha256 stays that of the source; say in `note` what was done.
        """
        return replace(self, array=array, **changes)


def sha256_of_array(array: np.ndarray) -> str:
    """sha256 of an array's type, shape and values (C order, little-endian).

    >>> sha256_of_array(np.arange(3, dtype=np.int16))[:16]
    '273229ac3e44f4e4'
    >>> sha256_of_array(np.arange(3, dtype=">i2")) == sha256_of_array(np.arange(3, dtype="<i2"))
    True
    """
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{little.dtype.str} {array.shape}".encode())
    digest.update(little.tobytes())
    return digest.hexdigest()


def sha256_of_file(path: Path | str) -> str:
    """sha256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
