"""Two-class tasks out of MedMNIST: tumour against mucosa, malignant against the rest."""

from pathlib import Path

import numpy as np
from skimage.transform import resize

from data_fetch.errors import DataError
from data_fetch.labelled import Labelled
from data_fetch.medmnist import load

#: label 0 and label 1, as published indexes; the names are for figures.
TWO_CLASSES = {
    "pathmnist": {"classes": ({6}, {8}), "names": ("normal mucosa", "tumour epithelium")},
    "breastmnist": {"classes": ({1}, {0}), "names": ("normal or benign", "malignant")},
}

#: images of the label that has fewer, in each published split
FEWER = {
    "pathmnist": {"train": 7886, "validation": 876, "test": 741},
    "breastmnist": {"train": 147, "validation": 21, "test": 42},
}


def most_in_balance(name: str, *, split: str) -> int:
    """How many images there are with as many of either label; known without the data.

    Raises:
        DataError: another name, or another split.

    >>> most_in_balance("breastmnist", split="test")
    84
    """
    if name not in FEWER or split not in FEWER[name]:
        raise DataError(
            f"{name!r}, split {split!r}: there are {', '.join(FEWER)}, each with"
            " train, validation and test"
        )
    return 2 * FEWER[name][split]


def medmnist_two_classes(
    name: str,
    n: int,
    *,
    split: str,
    rng: np.random.Generator,
    size: int = 64,
    folder: Path | str | None = None,
) -> Labelled:
    """n real images of a MedMNIST set, enlarged from 28 pixels; half have each label.

    Args:
        name: "pathmnist" or "breastmnist".
        n: how many, even, >= 2.
        split: "train", "validation" or "test", as published.
        rng: chooses the images and their order.
        size: side in pixels after bilinear enlargement, 28..128.
        folder: the download cache, as in `medmnist.load`.

    Returns:
        Labelled uint8 images (n, size, size, 3), 1 = tumour or malignant.

    Raises:
        DataError: another name, more images asked for than there are, or no network and no copy.
    """
    if name not in TWO_CLASSES:
        raise DataError(f"{name!r} has no two classes here; there are {', '.join(TWO_CLASSES)}")
    if n < 2 or n % 2 or not 28 <= size <= 128:
        raise DataError(f"n={n} (even, >= 2), size={size} (28..128): one is outside its range")
    sample, published = load(name, split=split, folder=folder)
    rows, labels = [], []
    for label, classes in enumerate(TWO_CLASSES[name]["classes"]):
        found = np.flatnonzero(np.isin(published, list(classes)))
        if len(found) < n // 2:
            raise DataError(
                f"{name}, split {split}, has {len(found)} images of "
                f"{TWO_CLASSES[name]['names'][label]}: ask for at most {2 * len(found)} images"
            )
        rows.append(rng.choice(found, n // 2, replace=False))
        labels.append(np.full(n // 2, label))
    order = rng.permutation(n)
    chosen = sample.array[np.concatenate(rows)[order]]
    larger = [resize(image.astype(np.float64), (size, size), order=1) for image in chosen]
    array = np.clip(np.rint(np.stack(larger)), 0, 255).astype(np.uint8)
    return Labelled(
        sample=sample.with_array(array),
        labels=np.concatenate(labels)[order],
        names=TWO_CLASSES[name]["names"],
    )
