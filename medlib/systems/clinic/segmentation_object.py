"""A mask as a DICOM Segmentation, with the same bytes in every run."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool
from pydicom import Dataset

from medlib.systems.clinic.own_uids import Stamp, settle

__all__ = ["SOFTWARE", "mask_of", "segmentation_object", "without_remarks"]

SOFTWARE = ("Pixels to Patients", "from scanner to decision", "1", "none")
"""Manufacturer, model, version and serial number that our objects name."""

_ONE_PART = "The string .* is unlikely to represent the intended person name"


def segmentation_object(
    images: Sequence[Dataset],
    mask: Bool[np.ndarray, "slices rows columns"],
    *,
    step_mm: float,
    stamp: Stamp,
    algorithm: tuple[str, str],
) -> Dataset:
    """One segment, white matter T2 hyperintensity, of one bit a voxel.

    Rows and columns are the images' own, for viewers lay it over them and may refuse another size.
    Bits of frames follow each other without a gap, as the standard has it, so a frame of which rows
    times columns is no multiple of 8 begins within a byte: who reads it counts bits, not bytes.

    Thickness and spacing are the step between the images' places, whatever their headers say: a
    volume that is taken from the object is the one that was measured.

    Args:
        images: that were read, without identity, in the order of the mask's slices.
        mask: True where a lesion is; all False is a finding, too: an empty frame a slice.
        step_mm: between slices, as measured from their places.
        stamp: UIDs and times.
        algorithm: its name and version.

    Raises:
        ValueError: mask and images differ in number or size.

    DICOM PS3.3, section A.51, and PS3.5, section 8.1.1, on bits of frames; the library is
    highdicom, Bridge et al. 2022, doi:10.1007/s10278-022-00683-y.
    """
    first = images[0]
    wanted = (len(images), int(first.Rows), int(first.Columns))
    if mask.shape != wanted:
        raise ValueError(f"the mask is of shape {mask.shape}, the images of {wanted}")
    import highdicom as hd
    from pydicom.sr.codedict import codes

    description = hd.seg.SegmentDescription(
        segment_number=1,
        segment_label="lesion",
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=codes.DCM.WhiteMatterT2Hyperintensity,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=algorithm[0], version=algorithm[1], family=codes.DCM.ArtificialIntelligence
        ),
        tracking_uid=stamp.uid("lesions"),
        tracking_id="lesions",
        anatomic_regions=[codes.SCT.CerebralWhiteMatter],
    )
    with without_remarks():
        found = hd.seg.Segmentation(
            source_images=list(images),
            pixel_array=mask.astype(np.uint8),
            segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=[description],
            series_instance_uid=stamp.uid("series of the mask"),
            series_number=901,
            sop_instance_uid=stamp.uid("mask"),
            instance_number=1,
            manufacturer=SOFTWARE[0],
            manufacturer_model_name=SOFTWARE[1],
            software_versions=SOFTWARE[2],
            device_serial_number=SOFTWARE[3],
            content_label="LESIONS",
            content_description="simulated: no patient",
            content_creator_name="Pipeline^",
            omit_empty_frames=bool(mask.any()),
            plane_positions=[
                hd.PlanePositionSequence(
                    coordinate_system=hd.CoordinateSystemNames.PATIENT,
                    image_position=one.ImagePositionPatient,
                )
                for one in images
            ],
            plane_orientation=hd.PlaneOrientationSequence(
                coordinate_system=hd.CoordinateSystemNames.PATIENT,
                image_orientation=first.ImageOrientationPatient,
            ),
            pixel_measures=hd.PixelMeasuresSequence(
                pixel_spacing=first.PixelSpacing,
                slice_thickness=step_mm,
                spacing_between_slices=step_mm,
            ),
        )
    measures = found.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.SliceThickness = measures.SpacingBetweenSlices  # the library takes the images' own
    settle(found, stamp)
    return found


def mask_of(segmentation: Dataset, images: Sequence[Dataset]) -> Bool[np.ndarray, "s r c"]:
    """The mask that a segmentation holds, slice for slice of the images.

    Frames are placed by their positions, as another reader would; slices without a frame are empty.

    Raises:
        ValueError: frames of another size, or one that lies on none of the images.
    """
    first = images[0]
    mask = np.zeros((len(images), int(first.Rows), int(first.Columns)), dtype=bool)
    if (segmentation.Rows, segmentation.Columns) != mask.shape[1:]:
        found = f"{segmentation.Rows} x {segmentation.Columns}"
        raise ValueError(f"frames of {found} voxels, images of {first.Rows} x {first.Columns}")
    places = np.array([one.ImagePositionPatient for one in images], float)
    frames = segmentation.pixel_array.reshape(-1, segmentation.Rows, segmentation.Columns)
    for frame, groups in zip(frames, segmentation.PerFrameFunctionalGroupsSequence, strict=True):
        place = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, float)
        away = np.abs(places - place).max(axis=1)
        if away.min() > 1e-3:
            raise ValueError(f"a frame lies {away.min():.2f} mm from the nearest image")
        mask[away.argmin()] |= frame.astype(bool)
    return mask


@contextlib.contextmanager
def without_remarks() -> Iterator[None]:
    """Silence the library's remark on names of one part, as pseudonyms are."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_ONE_PART)
        yield
