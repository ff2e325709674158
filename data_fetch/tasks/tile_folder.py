"""Your own tiles: a folder with one sub-folder of PNG files for each class."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2hed

from data_fetch.errors import DataError
from data_fetch.folder import members, visible_files
from data_fetch.sample import Sample, sha256_of_array


@dataclass(frozen=True, eq=False)
class LabelledTiles:
    """Tiles with a class each; row i of every array is tile i.

    Attributes:
        sample: the uint8 RGB images, (n, size, size, 3).
        labels: index into `class_names`.
        patients: a number for each patient; split data by this, not by tile.
        class_names: the sub-folders, in alphabetical order.
        haematoxylin: how much nuclear stain is near each pixel: a stand-in for nuclear density,
            which nobody counted here.
    """

    sample: Sample
    labels: Int[np.ndarray, " n"]
    patients: Int[np.ndarray, " n"]
    class_names: tuple[str, ...]
    haematoxylin: Float[np.ndarray, "n size size"]


def read_tile_folder(folder: Path | str, *, size: int, window_px: float = 8.0) -> LabelledTiles:
    """Read folder/CLASS/PATIENT_anything.png for two classes or more.

    The patient is the file's name up to its first underscore; a name without one is a patient of
    its own. Tiles are cut to a centred square and resampled to `size` where they differ. PCam
    (doi:10.1007/978-3-030-00934-2_24) and NCT-CRC-HE (doi:10.5281/zenodo.1214456) fit once saved
    as PNG.

    Args:
        folder: the folder.
        size: side of the tiles in pixels.
        window_px: standard deviation of the Gaussian window of `haematoxylin`.

    Raises:
        DataError: no such folder, fewer than two classes, a class without PNG files, or a file
            that is not an image.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise DataError(
            f"{root} is not a folder; give one with a sub-folder of PNGs for each class"
        )
    classes = sorted(path for path in root.iterdir() if path.is_dir())
    if len(classes) < 2:
        raise DataError(f"{root} holds {len(classes)} sub-folder(s); one a class, two at least")
    files = [(label, file) for label, at in enumerate(classes) for file in sorted(at.glob("*.png"))]
    labels = np.array([label for label, _ in files], dtype=int)
    if empty := [at.name for label, at in enumerate(classes) if label not in labels]:
        raise DataError(f"{root / empty[0]} holds no PNG file")
    images = np.stack([_read_square(file, size=size) for _, file in files])
    stain = np.stack([rgb2hed(image)[..., 0] for image in images]).astype(np.float32)
    patients = np.unique([file.stem.split("_")[0] for _, file in files], return_inverse=True)[1]
    sample = Sample(
        images,
        name=f"tiles/{root.name}",
        kind="real",
        unit="intensity 0..255",
        sha256=sha256_of_array(images),
        licence="the owner's",
        note="read from a folder of the reader's own",
        path=root,
        members=members(root, visible_files(root, "*/*")),
        members_glob="*/*",
    )
    return LabelledTiles(
        sample,
        labels=labels,
        patients=patients,
        class_names=tuple(at.name for at in classes),
        haematoxylin=gaussian_filter(stain, (0, window_px, window_px)),
    )


def _read_square(file: Path, *, size: int) -> np.ndarray:
    try:
        with Image.open(file) as image:
            image = image.convert("RGB")
    except OSError as error:
        raise DataError(f"{file} cannot be read as an image: {error}") from error
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    image = image.crop((left, top, left + side, top + side))
    return np.asarray(image if side == size else image.resize((size, size), Image.BICUBIC))
