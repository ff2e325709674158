"""That a dataset was de-identified, and how, in the attributes that are made for it."""

from __future__ import annotations

from pydicom import Dataset

from medlib.systems.deidentification.options import Options
from medlib.systems.deidentification.profile import EDITION

__all__ = ["METHODS", "mark_deidentified"]

METHODS = {  # PS3.16, CID 7050
    "113100": "Basic Application Confidentiality Profile",
    "113101": "Clean Pixel Data Option",
    "113103": "Clean Graphics Option",
    "113104": "Clean Structured Content Option",
    "113105": "Clean Descriptors Option",
    "113107": "Retain Longitudinal Temporal Information Modified Dates Option",
}


def mark_deidentified(dataset: Dataset, options: Options) -> None:
    """Say what was done; what an earlier de-identification said is replaced.

    Overlays and curves are always removed, so that graphics are always clean.

    Args:
        dataset: is changed.
        options: that were used.

    Example:
        >>> image = Dataset()
        >>> mark_deidentified(image, Options(dates="shift"))
        >>> [item.CodeValue for item in image.DeidentificationMethodCodeSequence]
        ['113100', '113103', '113107']

    PS3.15, section E.1.1; codes of PS3.16, CID 7050.
    """
    codes = ["113100", "113103"]
    codes += ["113101"] * bool(options.rectangles) + ["113104"] * options.structured_text
    codes += ["113105"] * bool(options.descriptor_words) + ["113107"] * (options.dates == "shift")
    items = []
    for code in sorted(codes):
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator = code, "DCM"
        item.CodeMeaning = METHODS[code]
        items.append(item)
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = [f"PS3.15 table E.1-1 {EDITION}", "all private removed"]
    dataset.DeidentificationMethodCodeSequence = items
    dataset.LongitudinalTemporalInformationModified = (
        "MODIFIED" if options.dates == "shift" else "REMOVED"
    )
