"""PathMNIST and BreastMNIST as arrays with labels, downloaded on first use."""

from pathlib import Path

import numpy as np

from data_fetch.catalog import catalog, dataset
from data_fetch.download import Transfer, fetch
from data_fetch.errors import DataError
from data_fetch.labelled import Labelled
from data_fetch.readers import read_npz

SPLITS = ("train", "val", "test")


def names() -> tuple[str, ...]:
    """The data sets that `load` knows.

    >>> names()
    ('breastmnist', 'pathmnist')
    """
    return tuple(sorted(n for n, d in catalog().items() if d.call == "data_fetch.medmnist.load"))


def load(
    name: str,
    *,
    split: str,
    folder: Path | str | None = None,
    transfer: Transfer | None = None,
) -> Labelled:
    """One split of a MedMNIST data set. Grey images have three equal channels.

    Args:
        name: "pathmnist" or "breastmnist".
        split: "train", "val" or "test", as published; PathMNIST's test images come from another
            hospital than its training images.
        folder: the cache; `download.cache_folder()` by default.
        transfer: how patient the download is.

    Returns:
        Labelled uint8 images (n, 28, 28, 3); names as its publisher gives them.

    Raises:
        DataError: another name or split, or a file of another content; also what `download.fetch`
            raises.
    """
    if name not in names():
        raise DataError(f"{name!r} is not a MedMNIST set here; there are {', '.join(names())}")
    if split == "validation":
        split = "val"
    if split not in SPLITS:
        raise DataError(f'split is {split!r}; choose "train", "val" or "test"')
    entry = dataset(name)
    path = fetch(entry, folder=folder, transfer=transfer)
    images = read_npz(
        path,
        key=f"{split}_images",
        name=f"medmnist/{name}_{split}",
        unit="intensity 0..255",
        licence=entry.licence,
        cite=entry.cite,
        doi=entry.doi,
        note="28x28 thumbnails: for teaching, not for clinical conclusions",
    )
    labels = read_npz(path, key=f"{split}_labels").array.reshape(-1).astype(np.int64)
    array = images.array
    if array.ndim == 3:
        array = np.repeat(array[..., None], 3, axis=-1)
    if array.dtype != np.uint8 or array.shape[1:] != (28, 28, 3) or len(array) != len(labels):
        raise DataError(
            f"{path} holds {images.array.dtype} {images.array.shape} with {len(labels)} labels; "
            "expected uint8 (n, 28, 28) or (n, 28, 28, 3) and n labels"
        )
    if labels.size and not 0 <= labels.min() <= labels.max() < len(entry.labels):
        raise DataError(f"{path} has labels outside 0..{len(entry.labels) - 1}")
    return Labelled(sample=images.with_array(array), labels=labels, names=entry.labels)
