"""Your own scans: FLAIR volumes with masks of lesions, laid out as the WMH challenge has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int
from skimage.transform import resize

from data_fetch.errors import DataError
from data_fetch.folder import existing_folder, members, sha256_of_members, visible_files
from data_fetch.readers import read_nifti
from data_fetch.sample import Sample
from data_fetch.segmented import Segmented

SCANS, MASK, INSIDE = ("pre/FLAIR.nii.gz", "FLAIR.nii.gz"), "wmh.nii.gz", "**/*.nii.gz"
LESION = 1  # the label; 2 marks other disease, which is neither lesion nor error to the challenge
_DARK = 0.1  # of the brightest percentile: air


@dataclass(frozen=True, eq=False, kw_only=True)
class SegmentedPatients(Segmented):
    """Slices with masks, and whose each is.

    Args:
        patients: number of the patient of each slice.
        names: of the patients, in the order of the numbers.
    """

    patients: Int[np.ndarray, " n"]
    names: tuple[str, ...]


def read_lesion_folder(
    folder: Path | str, *, shape: tuple[int, int], pixel_mm: float, slices: int = 8
) -> SegmentedPatients:
    """Read axial slices and their masks from folder/.../PATIENT/{pre/,}FLAIR.nii.gz and wmh.nii.gz.

    The layout is that of the WMH segmentation challenge (doi:10.1109/TMI.2019.2905770), as it
    unpacks. Of each patient come slices spread evenly over those that show a head. They are brought
    to one pixel size, averaged where that is coarser, and cut or padded to one shape around their
    middle. A pixel is lesion where at least half of it was. Intensities are scaled so that the
    median of what is not air is 0.55.

    Args:
        folder: the folder.
        shape: rows and columns of a slice.
        pixel_mm: side of a pixel, the same both ways.
        slices: of each patient, >= 1.

    Returns:
        SegmentedPatients of real float32 slices, rows to P and columns to L.

    Raises:
        DataError: no such folder, no patient in it or only one, a patient without a mask, a mask of
            another shape or place than its scan, or a file that cannot be read.
    """
    root = existing_folder(folder, wanted="one with a folder for each patient")
    masks = visible_files(root, f"**/{MASK}")
    if len(masks) < 2:
        raise DataError(
            f"{root} holds {len(masks)} file(s) called {MASK}; two patients or more are needed,"
            f" each a folder with {MASK} and {' or '.join(SCANS)}"
        )
    pairs = [(_scan_beside(mask), mask) for mask in masks]
    files = members(root, visible_files(root, INSIDE))  # another patient's would be seen by this
    images, marked, patients = [], [], []
    for number, (scan, mask) in enumerate(pairs):
        own, theirs = _slices(scan, mask, shape=shape, pixel_mm=pixel_mm, n=slices)
        images += own
        marked += theirs
        patients += [number] * len(own)
    sample = Sample(
        np.stack(images),
        name=f"lesions/{root.resolve().name}",
        kind="real",
        unit="intensity, median of the head 0.55",
        sha256=sha256_of_members(files),
        spacing_mm=(pixel_mm, pixel_mm),
        licence="the owner's",
        orientation="rows to P, columns to L",
        note="read from a folder of the reader's own",
        path=root,
        members=files,
        members_glob=INSIDE,
    )
    return SegmentedPatients(
        sample=sample,
        masks=np.stack(marked),
        what="lesion",
        patients=np.array(patients),
        names=tuple(str(mask.parent.relative_to(root)) for mask in masks),
    )


def _scan_beside(mask: Path) -> Path:
    found = [mask.parent / name for name in SCANS if (mask.parent / name).is_file()]
    if not found:
        raise DataError(f"{mask.parent} has {MASK}, but neither {' nor '.join(SCANS)}")
    return found[0]


def _slices(
    scan: Path, mask: Path, *, shape: Sequence[int], pixel_mm: float, n: int
) -> tuple[list[Float[np.ndarray, "rows columns"]], list[Bool[np.ndarray, "rows columns"]]]:
    """Slices of one patient and their masks."""
    volume, labels = read_nifti(scan), read_nifti(mask, unit="label")
    if volume.array.ndim != 3 or volume.array.shape != labels.array.shape:
        raise DataError(
            f"{scan} holds {volume.array.shape} voxels and {mask} {labels.array.shape}: one volume"
            " each, of one shape"
        )
    if not np.allclose(volume.affine, labels.affine, atol=0.1):
        raise DataError(f"{scan} and {mask} lie in different places: their affines differ")
    brightest = np.percentile(volume.array, 99)
    head = volume.array > _DARK * brightest
    shown = np.flatnonzero(head.mean(axis=(0, 1)) > 0.5 * head.mean(axis=(0, 1)).max())
    if brightest <= 0 or len(shown) < n:
        raise DataError(f"{scan} shows a head in {len(shown)} slices; {n} are asked for")
    scaled = volume.array * (0.55 / np.median(volume.array[head]))
    images, masks = [], []
    for z in shown[np.linspace(0, len(shown) - 1, n).round().astype(int)]:
        for array, kept in ((scaled, images), (labels.array == LESION, masks)):
            plane = array[::-1, ::-1, z].T.astype(np.float32)  # x to R, y to A -> L across, P down
            size = np.maximum(
                np.round(np.array(plane.shape) * volume.spacing_mm[1::-1] / pixel_mm), 1
            )
            kept.append(
                _fitted(resize(plane, size.astype(int), order=1, anti_aliasing=True), shape)
            )
    return [image.astype(np.float32) for image in images], [mask >= 0.5 for mask in masks]


def _fitted(plane: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Cut or padded with zeros to a shape, its middle kept."""
    for axis, wanted in enumerate(shape):
        lacking = wanted - plane.shape[axis]
        if lacking > 0:
            around = [(0, 0), (0, 0)]
            around[axis] = (lacking // 2, lacking - lacking // 2)
            plane = np.pad(plane, around)
        elif lacking < 0:
            plane = np.take(plane, np.arange(wanted) - lacking // 2, axis=axis)
    return plane
