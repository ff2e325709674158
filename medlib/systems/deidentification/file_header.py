"""What stands before the dataset in a file: a preamble, addresses, names of programs."""

from __future__ import annotations

import copy
from collections.abc import Callable

from pydicom import Dataset
from pydicom.dataset import FileMetaDataset

__all__ = ["clean_file_header"]

_KEPT = ("MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "TransferSyntaxUID")


def clean_file_header(dataset: Dataset, *, uid: Callable[[str], str]) -> list[str]:
    """Keep of the meta information what a reader needs, and nothing of where the file came from.

    The preamble, which may hold anything, is put to zero; the path from which the dataset was read
    is forgotten.

    Args:
        dataset: is changed; its own SOP instance UID is replaced already.
        uid: gives another UID for one, where the dataset has none of its own.

    Returns:
        Paths of what was removed.

    Example:
        >>> image = Dataset()
        >>> image.file_meta = FileMetaDataset()
        >>> image.file_meta.SourceApplicationEntityTitle = "ST_ELSEWHERE"
        >>> clean_file_header(image, uid=str), len(image.file_meta)
        (['(0002,0016)'], 0)

    PS3.10, section 7.1.
    """
    if getattr(dataset, "preamble", None):
        dataset.preamble = bytes(128)
    if hasattr(dataset, "filename"):
        dataset.filename = None
    removed: list[str] = []
    meta = getattr(dataset, "file_meta", None)
    if meta is None:
        return removed
    clean = FileMetaDataset()
    for element in meta:
        if element.keyword in _KEPT:
            clean.add(copy.deepcopy(element))
        elif element.tag.element > 1:  # its length and version are written anew
            removed.append(f"({element.tag.group:04X},{element.tag.element:04X})")
    if "MediaStorageSOPInstanceUID" in clean:  # in some files it is not the dataset's
        own = dataset.get("SOPInstanceUID") or uid(clean.MediaStorageSOPInstanceUID)
        clean.MediaStorageSOPInstanceUID = own
    dataset.file_meta = clean
    return removed
