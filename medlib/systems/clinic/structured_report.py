"""Measurements, a probability and a coded finding as a DICOM report that programs can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from pydicom import Dataset

from medlib.systems.clinic.lesion_parts import parts_of
from medlib.systems.clinic.own_uids import Stamp, settle
from medlib.systems.clinic.segmentation_object import SOFTWARE, without_remarks

__all__ = [
    "CONTRIBUTION", "OFFSET", "OWN_CODES", "OWN_SCHEME", "Measured", "measure", "structured_report",
]  # fmt: skip

OWN_SCHEME = "99PTP"
"""Designator of our own codes: 99 begins those of nobody else's scheme."""

CONTRIBUTION = "Added to natural log-odds by "
OFFSET = "offset"
OWN_CODES = {OFFSET: "PTP001", "surest voxels": "PTP002", "expected size": "PTP003"}
"""By meaning: a code once given never means something else."""


@dataclass(frozen=True)
class Measured:
    """What is reported.

    Attributes:
        volume_ml: of all that was marked.
        lesions: number of connected parts.
        probability: calibrated, that there is any lesion, 0..1.
    """

    volume_ml: float
    lesions: int
    probability: float


def measure(
    mask: Bool[np.ndarray, "slices rows columns"],
    *,
    spacing_mm: tuple[float, float, float],
    probability: float,
) -> Measured:
    """Volume and number of parts of a mask; voxels that touch are of one part (`parts_of`).

    Example:
        >>> mask = np.zeros((3, 4, 4), bool); mask[0, 0, 0] = mask[2, 3, 3] = True
        >>> measure(mask, spacing_mm=(5, 2, 2), probability=0.9)
        Measured(volume_ml=0.04, lesions=2, probability=0.9)
    """
    volume = float(mask.sum()) * float(np.prod(spacing_mm)) / 1000
    return Measured(volume, len(parts_of(mask)[1]) - 1, float(probability))


def structured_report(
    images: Sequence[Dataset],
    segmentation: Dataset,
    measured: Measured,
    *,
    stamp: Stamp,
    algorithm: tuple[str, str],
    threshold: float,
    rests_on: int | None = None,
    contributions: Mapping[str, float] | None = None,
) -> Dataset:
    """A report after template TID 1500, for a reader who was not there.

    One group of measurements for the study: certainty of the finding in per cent, and *present* or
    *absent* by the threshold. One for the marked volume: its size, the number of lesions, and which
    segment it is. Both name the algorithm. The observer is a device; nobody verified it. *Finding*
    names the hyperintensity only where one is called present, and else is *absent*: who collects
    findings collects none that is not there. What was looked for is the name of the item that is
    answered *present* or *absent*.

    Args:
        images: that were read, without identity.
        segmentation: of `segmentation_object`.
        measured: what to say.
        stamp: UIDs and times.
        algorithm: name and version.
        threshold: probability from which on a lesion is called present.
        rests_on: which of the images held most evidence for the finding; named as the source of the
            certainty. None = none is named.
        contributions: what each number of `OWN_CODES` added to the log-odds of the finding, the
            offset among them, so that the sum gives the probability. No standard code says that, so
            they are coded in a scheme of our own; UCUM has no nat, so their unit is 1, and the
            name says that the logarithm is the natural one.

    Raises:
        ValueError: a probability or threshold outside 0..1, an image that is not there, or a
            contribution without a code.

    DICOM PS3.16, TID 1500, 1411 and 1501; certainty in per cent is (111012, DCM).
    """
    if not 0 <= measured.probability <= 1 or not 0 <= threshold <= 1:
        raise ValueError(f"probability {measured.probability} and threshold {threshold}: in 0..1")
    if rests_on is not None and not 0 <= rests_on < len(images):
        raise ValueError(f"rests_on is {rests_on}; there are {len(images)} images")
    if uncoded := sorted((contributions or {}).keys() - OWN_CODES.keys()):
        raise ValueError(f"{uncoded[0]!r} has no code: add one to OWN_CODES")
    from highdicom import sr
    from pydicom.sr.codedict import codes

    author = sr.AlgorithmIdentification(name=algorithm[0], version=algorithm[1])
    site = sr.FindingSite(anatomic_location=codes.SCT.CerebralWhiteMatter)
    present = measured.probability >= threshold
    answer = codes.SCT.Present if present else codes.SCT.Absent
    finding = codes.DCM.WhiteMatterT2Hyperintensity if present else codes.SCT.Absent
    whole = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=stamp.uid("study"), identifier="study"),
        finding_type=finding,
        algorithm_id=author,
        finding_sites=[site],
        measurements=[
            sr.Measurement(
                name=codes.DCM.CertaintyOfFinding,
                value=round(100 * measured.probability, 2),
                unit=codes.UCUM.Percent,
            ),
            *(
                sr.Measurement(
                    name=sr.CodedConcept(OWN_CODES[name], OWN_SCHEME, CONTRIBUTION + name),
                    value=round(value, 4),
                    unit=codes.UCUM.NoUnits,
                )
                for name, value in (contributions or {}).items()
            ),
        ],
        qualitative_evaluations=[
            sr.QualitativeEvaluation(name=asked, value=answer)
            for asked in (codes.SCT.FindingOfLesion, codes.DCM.WhiteMatterT2Hyperintensity)
        ],
        source_images=None if rests_on is None else [
            sr.SourceImageForMeasurementGroup.from_source_image(images[rests_on])
        ],
    )  # fmt: skip
    marked = sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=stamp.uid("lesions"), identifier="lesions"),
        referenced_segment=sr.ReferencedSegment(
            sop_class_uid=segmentation.SOPClassUID,
            sop_instance_uid=segmentation.SOPInstanceUID,
            segment_number=1,
            source_series=sr.SourceSeriesForSegmentation(images[0].SeriesInstanceUID),
        ),
        finding_type=finding,
        algorithm_id=author,
        finding_sites=[site],
        measurements=[
            sr.Measurement(
                name=codes.SCT.Volume,
                value=round(measured.volume_ml, 4),
                unit=codes.UCUM.CubicCentimeter,
            ),
            sr.Measurement(
                name=codes.SCT.NumberOfLesions, value=measured.lesions, unit=codes.UCUM.NoUnits
            ),
        ],
    )
    observer = sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=stamp.uid("device"), name=SOFTWARE[1], manufacturer_name=SOFTWARE[0],
            model_name=SOFTWARE[1], serial_number=SOFTWARE[3],
        ),
    )  # fmt: skip
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=codes.SCT.ImagingProcedure,
        imaging_measurements=[whole, marked],
        title=codes.DCM.ImagingMeasurementReport,
        referenced_images=list(images),
    )
    with without_remarks():
        report = sr.Comprehensive3DSR(
            evidence=[segmentation, *images],
            content=content,
            series_instance_uid=stamp.uid("series of the report"),
            series_number=902,
            sop_instance_uid=stamp.uid("report"),
            instance_number=1,
            manufacturer=SOFTWARE[0],
            is_complete=True,
            is_final=False,
            is_verified=False,
        )
    settle(report, stamp)
    return report
