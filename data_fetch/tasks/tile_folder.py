"""Your own tiles: a folder with two sub-folders of pictures, one for each class."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2hed

from data_fetch.errors import DataError
from data_fetch.folder import existing_folder, members, sha256_of_members, visible_files
from data_fetch.labelled import Labelled
from data_fetch.readers.picture import as_rgb8, pixels
from data_fetch.sample import Sample

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")


@dataclass(frozen=True, eq=False, kw_only=True)
class LabelledTiles(Labelled):
    """Tiles with a class each, named as their sub-folders; row i of every array is tile i.

    Args:
        haematoxylin: how much nuclear stain is near each pixel: a stand-in for nuclear density,
            which nobody counted here.
    """

    haematoxylin: Float[np.ndarray, "n size size"]

    def check_split(self, training: Bool[np.ndarray, " n"], *, least: int = 2) -> None:
        """See that both classes are there to learn from and to be tested on.

        Args:
            training: which tiles are to be learned from; the rest tests.
            least: patients of each class in each part.

        Raises:
            DataError: a part has fewer patients of a class.
        """
        for part, name in ((training, "to learn from"), (~training, "to be tested on")):
            for label, kind in enumerate(self.names):
                found = len(np.unique(self.patients[part & (self.labels == label)]))
                if found < least:
                    raise DataError(
                        f"of the patients {name}, {found} have tiles in {kind}; {least} at least "
                        "are needed: give tiles of more patients, or another share to learn from"
                    )


def read_tile_folder(
    folder: Path | str, *, positive: str, size: int, window_px: float = 8.0
) -> LabelledTiles:
    """Read folder/CLASS/PATIENT_anything.png (or .jpg, .tif ...) for two classes.

    The patient is the file's name up to its first underscore; a name without one is a patient of
    its own, and where no name has one, a warning and the note say so. Tiles are cut to a centred
    square and resampled to `size` where they differ; 16 bits become 8. Folders and files whose
    names begin with a dot are left out, and files that are no pictures are left aside and named.
    Two classes of NCT-CRC-HE (doi:10.5281/zenodo.1214456) fit as they are; PCam
    (doi:10.1007/978-3-030-00934-2_24) fits once saved as pictures.

    Args:
        folder: the folder.
        positive: the sub-folder of label 1; the other is label 0.
        size: side of the tiles in pixels.
        window_px: standard deviation of the Gaussian window of `haematoxylin`.

    Raises:
        DataError: no such folder, other than two classes, none of them called `positive`, a class
            without pictures, or a picture that cannot be read.
    """
    root = existing_folder(folder, wanted="one with a sub-folder for each class")
    negative = _other_class(root, positive)
    inside = visible_files(root, "*/*")
    files_read = members(root, inside)  # before they are read, so that a later change shows
    files, labels, aside = [], [], []
    for label, at in enumerate((negative, positive)):
        here = [path for path in inside if path.parent.name == at]
        found = [path for path in here if _is_picture(path)]
        if not found:
            raise DataError(f"{root / at} holds no picture ({', '.join(PICTURES)})")
        files += found
        labels += [label] * len(found)
        aside += [f"{at}/{path.name}" for path in here if not _is_picture(path)]
    images = np.stack([_read_square(file, size=size) for file in files])
    stain = np.stack([rgb2hed(image)[..., 0] for image in images]).astype(np.float32)
    notes = ["read from a folder of the reader's own", *_warned(root, files, aside)]
    sample = Sample(
        images,
        name=f"tiles/{root.resolve().name}",
        kind="real",
        unit="intensity 0..255",
        sha256=sha256_of_members(files_read),
        licence="the owner's",
        note="; ".join(notes),
        path=root,
        members=files_read,
        members_glob="*/*",
    )
    return LabelledTiles(
        sample=sample,
        labels=np.array(labels),
        patients=np.unique([_patient(file) for file in files], return_inverse=True)[1],
        names=(negative, positive),
        haematoxylin=gaussian_filter(stain, (0, window_px, window_px)),
    )


def _other_class(root: Path, positive: str) -> str:
    classes = sorted(at.name for at in root.iterdir() if at.is_dir() and at.name[0] != ".")
    if len(classes) != 2:
        raise DataError(
            f"{root} holds {len(classes)} sub-folder(s) ({', '.join(classes[:12]) or 'none'}); two "
            "are needed, one a class"
        )
    if positive not in classes:
        raise DataError(
            f"{root} has the classes {classes[0]} and {classes[1]}, none of them called "
            f"{positive!r}; name the one whose tiles are positive (label 1)"
        )
    return next(name for name in classes if name != positive)


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in PICTURES


def _patient(file: Path) -> str:
    """The patient that a name begins with, or, for a name that states none, the tile itself."""
    patient, mark, _ = file.stem.partition("_")
    return f"{patient}_" if mark and patient else f"{file.parent.name}/{file.name}"


def _warned(root: Path, files: Sequence[Path], aside: Sequence[str]) -> list[str]:
    """What a reader must know of the folder: said now, and kept in the note."""
    notes = []
    if aside:
        more = f" and {len(aside) - 6} more" if len(aside) > 6 else ""
        notes.append(f"left aside, for they are no pictures: {', '.join(aside[:6])}{more}")
    if all("/" in _patient(file) for file in files):
        notes.append(
            f"no name states a patient (such as {files[0].name}; PATIENT_anything does), so each "
            "tile counts as a patient of its own, and tiles of one may be on both sides of a split"
        )
    for note in notes:
        warnings.warn(f"{root}: {note}", stacklevel=3)
    return notes


def _read_square(file: Path, *, size: int) -> np.ndarray:
    image = Image.fromarray(as_rgb8(pixels(file)[0]))
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.crop((left, top, left + side, top + side))
    return np.asarray(image if side == size else image.resize((size, size), Image.BICUBIC))
