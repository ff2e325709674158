"""Small public volumes from a file at hand: MedMNIST's 3D sets, such as NoduleMNIST3D."""

from pathlib import Path

import numpy as np

from data_fetch.errors import DataError
from data_fetch.labelled import Labelled
from data_fetch.readers import read_npz

SPLITS = {"train": "train", "validation": "val", "test": "test"}


def read_volume_archive(
    path: Path | str,
    n: int,
    *,
    split: str,
    rng: np.random.Generator,
    slices: int = 9,
    size: int = 32,
) -> Labelled:
    """n real volumes of a MedMNIST 3D file with two classes, half of each, cut to our shape.

    The file holds `train_images` of shape (count, 28, 28, 28) or (count, 64, 64, 64), uint8, and
    `train_labels`; likewise for `val` and `test`. Every volume is thinned to `slices` planes spread
    evenly over its middle half, where the nodule is, and each plane is cut or padded to `size`.

    Args:
        path: such as nodulemnist3d.npz (doi:10.5281/zenodo.10519652).
        n: how many, even, >= 2.
        split: "train", "validation" or "test", as published.
        rng: chooses the volumes and their order.
        slices, size: the shape to return.

    Returns:
        Labelled uint8 volumes (n, slices, size, size); what 0 and 1 mean, the file does not say.

    Raises:
        DataError: another split, labels that are not 0 and 1, arrays of another shape, or more
            volumes asked for than there are.
    """
    if split not in SPLITS:
        raise DataError(f'split is {split!r}; choose "train", "validation" or "test"')
    stem = Path(path).stem
    sample = read_npz(
        path, key=f"{SPLITS[split]}_images", name=f"medmnist/{stem}_{split}",
        unit="intensity 0..255", licence="as the data set's publisher states; see the DOI",
        cite="Yang J et al. MedMNIST v2. Sci. Data 2023;10:41.",
        doi="10.1038/s41597-022-01721-8",
    )  # fmt: skip
    labels = read_npz(path, key=f"{SPLITS[split]}_labels").array.reshape(-1)
    volumes = sample.array
    cubes = volumes.ndim == 4 and len(set(volumes.shape[1:])) == 1
    if not cubes or volumes.dtype != np.uint8 or len(volumes) != len(labels):
        raise DataError(
            f"{path} holds {volumes.dtype} {volumes.shape} with {len(labels)} labels; expected "
            "uint8 (n, side, side, side): is it one of MedMNIST's 3D sets?"
        )
    if set(np.unique(labels).tolist()) != {0, 1}:  # .7 and nan are no integers to be cut down
        raise DataError(f"{path} has labels {np.unique(labels).tolist()[:12]}; expected 0 and 1")
    if slices > volumes.shape[1] // 2:
        raise DataError(
            f"{slices} slices out of the middle half of {volumes.shape[1]} planes would repeat "
            f"some; ask for {volumes.shape[1] // 2} at most"
        )
    rows = []
    for label in (0, 1):
        found = np.flatnonzero(labels == label)
        if n < 2 or n % 2 or len(found) < n // 2:
            raise DataError(
                f"n={n}: {split} has {len(found)} volumes of label {label}; n is even, at least 2"
            )
        rows.append(rng.choice(found, n // 2, replace=False))
    chosen = rng.permutation(np.concatenate(rows))
    depth = volumes.shape[1]
    planes = np.rint(np.linspace(depth * 0.25, depth * 0.75 - 1, slices)).astype(int)
    array = _fitted(_fitted(volumes[chosen][:, planes], size, axis=2), size, axis=3)
    return Labelled(
        sample=sample.with_array(array),
        labels=labels[chosen].astype(np.int64),
        names=("label 0", "label 1"),
    )


def _fitted(array: np.ndarray, size: int, *, axis: int) -> np.ndarray:
    """Cut or padded with the border's values to `size`, about the middle."""
    spare = array.shape[axis] - size
    if spare >= 0:
        return np.take(array, np.arange(spare // 2, spare // 2 + size), axis=axis)
    widths = [(0, 0)] * array.ndim
    widths[axis] = (-spare // 2, -spare - -spare // 2)
    return np.pad(array, widths, mode="edge")
