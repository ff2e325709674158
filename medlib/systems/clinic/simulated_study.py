"""A simulated head as the DICOM series that a scanner sends, of a patient who does not exist."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from medlib.systems.clinic.own_uids import Stamp
from medlib.systems.clinic.simulated_head import LOWEST_MM, STEP_MM, Head

__all__ = ["STORED_PER_UNIT", "Patient", "as_series", "identities"]

STORED_PER_UNIT = 1000.0  # stored value of intensity 1
_HOSPITAL_KEY = b"a hospital that does not exist.."  # for UIDs only: nothing here is secret


@dataclass(frozen=True)
class Patient:
    """Who was scanned. Invented.

    Attributes:
        number: the hospital's record number.
        name: as DICOM writes it.
        birth: YYYYMMDD.
    """

    number: str = "0031415"
    name: str = "Muster^Erika"
    birth: str = "19570321"


def as_series(
    head: Head, *, patient: Patient, accession: str, when: datetime | None = None
) -> list[Dataset]:
    """One MR image a slice, from below to above, with all that identifies the patient.

    Args:
        head: of `simulated_head`; its intensity times 1000 is stored, 4095 at most.
        patient: whose.
        accession: number of the order; UIDs follow from it and from the patient's number.
        when: of the scan.

    Raises:
        ValueError: spacing between slices that is not the simulation's.

    Example:
        >>> head = Head(np.ones((2, 8, 8), np.float32), np.zeros((2, 8, 8), bool), (5.0, 2.0, 2.0))
        >>> series = as_series(head, patient=Patient(), accession="A1")
        >>> len(series), series[0].PatientName, float(series[1].SliceLocation)
        (2, 'Muster^Erika', -1.0)
    """
    if head.spacing_mm[0] != STEP_MM:
        raise ValueError(f"slices are {head.spacing_mm[0]} mm apart; this is for {STEP_MM} mm")
    when = when or datetime(2024, 5, 3, 10, 30)
    uids = Stamp(_HOSPITAL_KEY, f"{patient.number} {accession}", when)
    stored = np.clip(np.rint(head.volume * STORED_PER_UNIT), 0, 4095).astype("<u2")
    return [
        _image(pixels, k, n=len(stored), head=head, patient=patient, uids=uids, order=accession)
        for k, pixels in enumerate(stored)
    ]


def _image(
    pixels: np.ndarray, k: int, *, n: int, head: Head, patient: Patient, uids: Stamp, order: str
) -> Dataset:
    one = Dataset()
    one.SpecificCharacterSet = "ISO_IR 192"
    one.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    one.SOPClassUID, one.SOPInstanceUID = MRImageStorage, uids.uid(f"image {k}")
    one.StudyInstanceUID, one.SeriesInstanceUID = uids.uid("study"), uids.uid("series")
    one.FrameOfReferenceUID, one.PositionReferenceIndicator = uids.uid("frame of reference"), ""
    day = uids.when.strftime("%Y%m%d")
    hour = uids.when.strftime("%H%M%S.%f").removesuffix(".000000")
    one.StudyDate = one.SeriesDate = one.AcquisitionDate = one.ContentDate = day
    one.StudyTime = one.SeriesTime = one.AcquisitionTime = one.ContentTime = hour
    one.PatientName, one.PatientID = patient.name, patient.number
    one.PatientBirthDate, one.PatientSex, one.AccessionNumber = patient.birth, "F", order
    one.ReferringPhysicianName, one.InstitutionName = "Arzt^Anton", "Simulated Hospital"
    one.StudyID = order
    one.StudyDescription = f"head of {' '.join(reversed(patient.name.split('^')))}"
    one.Modality, one.Manufacturer, one.ManufacturerModelName = "MR", "simulated", "head"
    one.SeriesNumber, one.InstanceNumber, one.AcquisitionNumber = 1, k + 1, 1
    one.BodyPartExamined, one.PatientPosition = "HEAD", "HFS"
    one.ScanningSequence, one.SequenceVariant, one.ScanOptions = "IR", "SK", ""
    one.MRAcquisitionType, one.RepetitionTime, one.EchoTime = "2D", 9000, 120
    one.InversionTime, one.EchoTrainLength, one.MagneticFieldStrength = 2500, 16, 3
    step, down, across = head.spacing_mm
    rows, columns = pixels.shape
    one.SliceThickness = one.SpacingBetweenSlices = step
    one.PixelSpacing, one.ImageOrientationPatient = [down, across], [1, 0, 0, 0, 1, 0]
    level = LOWEST_MM + step * k
    one.SliceLocation = level
    one.ImagePositionPatient = [-(columns - 1) / 2 * across, -(rows - 1) / 2 * down, level]
    one.ImagesInAcquisition = n
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.Rows, one.Columns = rows, columns
    one.BitsAllocated, one.BitsStored, one.HighBit, one.PixelRepresentation = 16, 12, 11, 0
    one.WindowCenter, one.WindowWidth = 450, 900
    one.PixelData = pixels.tobytes()
    one["PixelData"].VR = "OW"
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID
    one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
    return one


def identities(patient: Patient, accession: str) -> tuple[str, ...]:
    """Words that must be nowhere in what leaves the hospital.

    Example:
        >>> identities(Patient(), "A1")[:2]
        ('0031415', 'Muster')
    """
    return (patient.number, *patient.name.split("^"), patient.birth, accession, "Arzt", "Anton")
