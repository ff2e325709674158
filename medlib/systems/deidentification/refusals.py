"""What is refused because it cannot be cleaned: the reason, before anything is done."""

from __future__ import annotations

from pydicom import Dataset

from medlib.systems.deidentification.keyed_values import is_of_the_standard

__all__ = ["refusal"]


def refusal(dataset: Dataset, *, structured_text: bool) -> str | None:
    """Why a dataset cannot be de-identified; None if it can. Pixels are for `burned_in`.

    Args:
        dataset: is not changed.
        structured_text: whether structured reports may pass with their free text removed.

    Example:
        >>> letter = Dataset()
        >>> letter.SOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
        >>> letter.EncapsulatedDocument = b"%PDF"
        >>> refusal(letter, structured_text=True)
        'it holds an encapsulated document, whose pages cannot be cleaned'
    """
    uid = str(dataset.get("SOPClassUID", "") or "")
    if "DirectoryRecordSequence" in dataset:
        return "it is the directory of a medium (DICOMDIR): de-identify its files, make a new one"
    if uid and not is_of_the_standard(uid):
        return "its SOP class is private or unknown: what its attributes mean is not known"
    if any(name in dataset for name in ("EncapsulatedDocument", "MIMETypeOfEncapsulatedDocument")):
        return "it holds an encapsulated document, whose pages cannot be cleaned"
    if "ContentSequence" in dataset and not structured_text:
        return (
            "it is a structured report: findings in free text may name anyone. Allow "
            "structured_text to have all free text removed and codes and numbers kept"
        )
    for group in range(0x6000, 0x6020, 2):
        element = dataset.get((group, 0x0102))
        if (group, 0x3000) not in dataset and element is not None and element.value:
            return (
                f"overlay {group:04X} lies in unused bits of PixelData, which are not changed here"
            )
    return None
