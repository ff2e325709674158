"""Your own pairs: one field photographed twice, before staining and after."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from data_fetch.errors import DataError
from data_fetch.folder import existing_folder, members, sha256_of_members, visible_files
from data_fetch.readers.picture import as_rgb8, pixels
from data_fetch.sample import Sample

KINDS = ("unstained", "stained")
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")


def read_picture_pairs(folder: Path | str, *, most: int = 100) -> Sample:
    """Read folder/unstained/NAME.png and folder/stained/NAME.png (or .jpg, .tif ...), by name.

    The two pictures of a pair have one name (endings may differ) and are registered: pixel (r, c)
    of both is one place. All have one size. Grey is repeated in three channels, 16 bits become 8.
    BCI (doi:10.48550/arXiv.2204.11425) fits with its folders HE and IHC renamed. Names that begin
    with a dot, and files that are no pictures, are left aside.

    Args:
        folder: the folder.
        most: pairs that are read, the first by name; 2 or more.

    Returns:
        Sample of uint8 (pair, 2, row, column, 3): of each pair the unstained picture, then the
        stained one, in the order of their names.

    Raises:
        DataError: no such folder or sub-folder, a picture without its partner, two with one name,
            fewer than two pairs, different sizes, or a picture that cannot be read.
        ValueError: `most` is below 2.
    """
    if most < 2:
        raise ValueError(f"most is {most}; one pair trains and one tests, so read 2 or more")
    root = existing_folder(folder, wanted="one with the sub-folders unstained and stained")
    files = {kind: _by_name(root, kind) for kind in KINDS}
    for kind, other in (KINDS, KINDS[::-1]):
        if alone := sorted(set(files[kind]) - set(files[other])):
            more = f" and {len(alone) - 6} more" if len(alone) > 6 else ""
            raise DataError(
                f"{root / kind} holds {', '.join(alone[:6])}{more}, and {other} no picture of that"
                " name; the two pictures of a pair have one name"
            )
    names = sorted(files[KINDS[0]])
    if len(names) < 2:
        raise DataError(
            f"{root} holds {len(names)} pair(s); one trains and one tests, so two are needed"
        )
    note = "registered pairs of the reader's own"
    if len(names) > most:
        note += f"; the first {most} of {len(names)} by name were read"
        warnings.warn(f"{root}: the first {most} of {len(names)} pairs are read", stacklevel=2)
    used = [files[kind][name] for name in names[:most] for kind in KINDS]
    files_read = members(root, used)  # before they are read, so that a later change shows
    return Sample(
        _stacked(used),
        name=f"pairs/{root.resolve().name}",
        kind="real",
        unit="intensity 0..255",
        sha256=sha256_of_members(files_read),
        licence="the owner's",
        note=note,
        path=root,
        members=files_read,
    )


def _by_name(root: Path, kind: str) -> dict[str, Path]:
    if not (root / kind).is_dir():
        raise DataError(
            f"{root} has no sub-folder {kind}; pairs lie in unstained and stained, one name a pair"
        )
    found: dict[str, Path] = {}
    for path in visible_files(root, f"{kind}/*"):
        if path.suffix.lower() not in PICTURES:
            continue
        if path.stem in found:
            raise DataError(
                f"{root / kind} holds {found[path.stem].name} and {path.name}; a name stands for"
                " one picture"
            )
        found[path.stem] = path
    return found


def _stacked(files: list[Path]) -> np.ndarray:
    """All pictures as (pair, 2, row, column, 3), of one size."""
    pictures = [as_rgb8(pixels(file)[0]) for file in files]
    for file, picture in zip(files, pictures, strict=True):
        if picture.shape != pictures[0].shape:
            raise DataError(
                f"{file} has {picture.shape[0]} x {picture.shape[1]} pixels, {files[0]}"
                f" {pictures[0].shape[0]} x {pictures[0].shape[1]}; all pictures of a folder of"
                " pairs have one size: cut them alike"
            )
    return np.stack(pictures).reshape(-1, 2, *pictures[0].shape)
