"""Your own tiles of many classes: a folder for each class, and one tile of each patient."""

from pathlib import Path

import numpy as np

from data_fetch.errors import DataError
from data_fetch.folder import existing_folder, members, sha256_of_members, visible_files
from data_fetch.labelled import Labelled
from data_fetch.sample import Sample
from data_fetch.tasks.tile_folder import PICTURES, _is_picture, _patient, _read_square

__all__ = ["read_class_folder"]


def read_class_folder(
    folder: Path | str, *, rng: np.random.Generator, size: int = 64, most: int = 1000
) -> Labelled:
    """Read folder/CLASS/PATIENT_anything.png (or .jpg, .tif ...), one tile a patient and class.

    The patient is the file's name up to its first underscore; a name without one is a patient of
    its own. Of several tiles of a patient in one class one is drawn, so that tiles are as
    independent as patients are. Tiles are cut to a centred square and resampled to `size`. The nine
    classes of NCT-CRC-HE (doi:10.5281/zenodo.1214456) fit as they are; their names state no
    patient, so there tiles of one patient stay together and every interval is too short.

    Args:
        folder: the folder, with two sub-folders or more.
        rng: draws the tiles.
        size: side of the tiles in pixels.
        most: tiles of a class that are read, at most.

    Returns:
        Labelled uint8 images, sorted by class; `names` are the sub-folders' names, sorted;
        `patients` number the patients over all classes.

    Raises:
        DataError: no such folder, fewer than two classes, or a class without a picture.
    """
    root = existing_folder(folder, wanted="one with a sub-folder for each class")
    names = sorted(at.name for at in root.iterdir() if at.is_dir() and at.name[0] != ".")
    if len(names) < 2:
        raise DataError(f"{root} holds {len(names)} sub-folder(s); two are needed, one a class")
    inside = visible_files(root, "*/*")
    files, labels = [], []
    for label, name in enumerate(names):
        found = [path for path in inside if path.parent.name == name and _is_picture(path)]
        if not found:
            raise DataError(f"{root / name} holds no picture ({', '.join(PICTURES)})")
        kept = _one_each(found, rng=rng)[:most]
        files += kept
        labels += [label] * len(kept)
    read = members(root, files)
    images = np.stack([_read_square(file, size=size) for file in files])
    sample = Sample(
        images,
        name=f"classes/{root.resolve().name}",
        kind="real",
        unit="intensity 0..255",
        sha256=sha256_of_members(read),
        licence="the owner's",
        note="read from a folder of the reader's own, one tile of each patient and class",
        path=root,
        members=read,
    )
    return Labelled(
        sample=sample,
        labels=np.array(labels),
        names=tuple(names),
        patients=np.unique([_patient(file) for file in files], return_inverse=True)[1],
    )


def _one_each(files: list[Path], *, rng: np.random.Generator) -> list[Path]:
    """One file of each patient, the patients in random order."""
    chosen: dict[str, Path] = {}
    for index in rng.permutation(len(files)):
        chosen.setdefault(_patient(files[index]), files[index])
    return list(chosen.values())
