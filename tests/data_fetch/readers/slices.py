"""DICOM files that a test makes: a CT slice, and a series of them."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

PYDICOM = Path(pydicom.__file__).parent / "data/test_files"
REAL_SERIES = PYDICOM / "dicomdirtests/98892001/CT5N"

AXIAL = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
STORED = np.arange(12).reshape(3, 4) * 100


def write_ct(path: Path, stored: np.ndarray, **changes: object) -> Path:
    """A minimal CT image; `changes` are DICOM attributes, None removes one."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[path.name])
    dataset = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    attributes = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "SeriesInstanceUID": "1.2.3",
        "Modality": "CT",
        "Rows": stored.shape[0],
        "Columns": stored.shape[1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "PixelSpacing": [0.7, 0.5],
        "RescaleSlope": 2,
        "RescaleIntercept": -1000,
        "ImagePositionPatient": [-10.0, -20.0, 30.0],
        "ImageOrientationPatient": AXIAL,
    } | changes
    for keyword, value in attributes.items():
        if value is not None:
            setattr(dataset, keyword, value)
    dataset.PixelData = stored.astype("<i2").tobytes()
    dataset.save_as(path)
    return path


def series(folder: Path, places_mm: list[float], **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    for i, z in enumerate(places_mm):
        # names in the reverse order of position: sorting by name would be wrong
        write_ct(
            folder / f"{99 - i}.dcm",
            np.full((3, 4), i),
            ImagePositionPatient=[0.0, 0.0, z],
            **changes,
        )
    return folder


def write_enhanced(path: Path, stored: np.ndarray, **changes: object) -> Path:
    """An enhanced CT of `stored` (frame, row, column): everything in functional groups.

    Frame k lies at z = 10 - 2 k mm, slope 2, intercept -1000 - k; `changes` are attributes at the
    root, None removes one.
    """
    from pydicom.uid import EnhancedCTImageStorage

    shared, each = Dataset(), []
    shared.PixelMeasuresSequence = [_item(PixelSpacing=[0.7, 0.5], SliceThickness=2)]
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=AXIAL)]
    for k in range(len(stored)):
        groups = Dataset()
        groups.PlanePositionSequence = [_item(ImagePositionPatient=[0, 0, 10 - 2 * k])]
        groups.PixelValueTransformationSequence = [
            _item(RescaleSlope=2, RescaleIntercept=-1000 - k, RescaleType="HU")
        ]
        each.append(groups)
    bare = dict.fromkeys(
        ("PixelSpacing", "RescaleSlope", "RescaleIntercept", "ImagePositionPatient")
    )
    return write_ct(
        path,
        stored,
        **bare
        | {
            "SOPClassUID": EnhancedCTImageStorage,
            "ImageOrientationPatient": None,
            "NumberOfFrames": len(stored),
            "Rows": stored.shape[1],
            "Columns": stored.shape[2],
            "SharedFunctionalGroupsSequence": [shared],
            "PerFrameFunctionalGroupsSequence": each,
        }
        | changes,
    )


def _item(**attributes: object) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


def raw(path: Path, keyword: str, text: str) -> Path:
    """Write an element's text into a file as it stands, though pydicom would refuse it."""
    from pydicom.datadict import tag_for_keyword
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import Tag

    dataset = pydicom.dcmread(path)
    tag, value = Tag(tag_for_keyword(keyword)), text.encode()
    value += b" " * (len(value) % 2)
    dataset[tag] = RawDataElement(tag, "DS", len(value), value, 0, False, True)
    dataset.save_as(path)
    return path
