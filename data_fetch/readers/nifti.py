"""NIfTI volumes in RAS+ order."""

from pathlib import Path
from typing import Any

import numpy as np

from data_fetch.errors import DataError
from data_fetch.readers.file import existing_file
from data_fetch.sample import Sample, sha256_of_file


def read_nifti(
    path: Path | str,
    *,
    name: str | None = None,
    unit: str = "arbitrary units",
    kind: str = "real",
    **provenance: Any,
) -> Sample:
    """A NIfTI volume, its axes brought to RAS+ by flips and permutations (no interpolation).

    The standard's two forms say where voxels lie: sform, or qform where there is no sform. A file
    with neither does not know its left from its right, and is refused; so is one whose forms
    contradict each other.

    Args:
        path: a .nii or .nii.gz file.
        name: for the Sample; the file's name by default.
        unit: of the values; NIfTI does not say.
        kind: "real" or "simulated".
        provenance: licence, cite, doi, note of the Sample.

    Returns:
        Sample of float32 (x, y, z), x to the Right, y to Anterior, z to Superior; a file with
        further axes (time) keeps them.

    Raises:
        DataError: missing, truncated, another format, fewer than three axes, colours or complex
            numbers, or forms that are absent, contradictory or no place at all.
    """
    import nibabel as nib

    path = existing_file(path)
    image = _loaded(path)
    _check_placed(image, path)
    scale = {"meter": 1e3, "micron": 1e-3}.get(image.header.get_xyzt_units()[0], 1.0)
    try:
        image = nib.as_closest_canonical(image)
        array = np.asarray(image.get_fdata(dtype=np.float32))
    except Exception as error:
        raise DataError(f"{path} is not a readable NIfTI file: {error}") from error
    spacing = np.sqrt((np.asarray(image.affine)[:3, :3] ** 2).sum(axis=0))
    return Sample(
        array,
        name=name or path.name,
        kind=kind,
        unit=unit,
        sha256=sha256_of_file(path),
        spacing_mm=tuple(float(s) * scale for s in spacing),
        path=path,
        affine=np.diag([scale, scale, scale, 1.0]) @ np.asarray(image.affine),
        orientation="x to R, y to A, z to S",
        **provenance,
    )


def _loaded(path: Path) -> Any:
    import nibabel as nib

    try:
        image = nib.load(path)
    except Exception as error:
        raise DataError(f"{path} is not a readable NIfTI file: {error}") from error
    if type(image) not in (nib.Nifti1Image, nib.Nifti2Image):
        raise DataError(
            f"{path} is not NIfTI in one file but {_FORMATS.get(type(image).__name__, 'another')}; "
            "convert it to .nii.gz first, with a program that knows the format (mri_convert, "
            "dcm2niix), and check left and right"
        )
    if len(image.shape) < 3 or 0 in image.shape:
        shape = " x ".join(map(str, image.shape))
        raise DataError(f"{path} holds {shape} values; a volume has three axes, none of them empty")
    kind = image.get_data_dtype()
    if kind.fields or kind.kind not in "iuf":
        raise DataError(f"{path} holds values of the kind {kind}; real numbers are read only")
    return image


_FORMATS = {
    "MGHImage": "FreeSurfer's MGH (.mgz)",
    "AnalyzeImage": "Analyze, which does not know left from right",
    "Spm99AnalyzeImage": "Analyze, which does not know left from right",
    "Spm2AnalyzeImage": "Analyze, which does not know left from right",
    "Nifti1Pair": "NIfTI in two files (.hdr and .img)",
    "Nifti2Pair": "NIfTI in two files (.hdr and .img)",
    "Cifti2Image": "CIFTI",
    "GiftiImage": "GIFTI, a surface",
    "Minc1Image": "MINC",
    "Minc2Image": "MINC",
    "PARRECImage": "PAR/REC",
    "AFNIImage": "AFNI's",
}  # fmt: skip


def _check_placed(image: Any, path: Path) -> None:
    """At least one form says where voxels lie, and no other contradicts it."""
    header = image.header
    try:
        sform, sform_code = header.get_sform(coded=True)
        qform, qform_code = header.get_qform(coded=True)
    except Exception as error:
        raise DataError(f"the header of {path} has no usable qform: {error}") from error
    for name, form in (("sform", sform), ("qform", qform)):
        if form is not None and not _is_placing(form):
            raise DataError(
                f"the {name} of {path} is no place: it has a zero or non-finite column, or axes in "
                f"one plane ({np.round(form[:3], 3).tolist()})"
            )
    if sform is None and qform is None:
        raise DataError(
            f"{path} has qform_code = sform_code = 0: it does not say which way its axes run, so "
            "left and right cannot be told; if you know them, save it with an affine: "
            "nibabel.Nifti1Image(array, affine)"
        )
    if sform is not None and qform is not None:
        _check_forms(sform, qform, image.shape[:3], same=sform_code == qform_code, path=path)


def _is_placing(form: np.ndarray) -> bool:
    if not np.all(np.isfinite(form)):
        return False
    sides = np.linalg.norm(form[:3, :3], axis=0)
    return bool(np.all(sides > 0) and abs(np.linalg.det(form[:3, :3] / sides)) > 1e-3)


def _check_forms(
    sform: np.ndarray, qform: np.ndarray, shape: tuple[int, ...], *, same: bool, path: Path
) -> None:
    """Forms of one space must put every voxel at one place; those of two may move and turn it."""
    from nibabel.orientations import aff2axcodes

    ways = ["".join(aff2axcodes(form)) for form in (sform, qform)]
    sides = [np.linalg.norm(form[:3, :3], axis=0) for form in (sform, qform)]
    corners = np.array([[*np.multiply(at, np.array(shape) - 1), 1] for at in np.ndindex(2, 2, 2)])
    apart_mm = np.linalg.norm((corners @ (sform - qform).T)[:, :3], axis=1).max()
    if ways[0] != ways[1]:
        how = f"axes run to {ways[0]} by the sform and to {ways[1]} by the qform"
    elif not np.allclose(*sides, rtol=0.01):
        how = f"voxels of {sides[0].round(3)} by the sform and of {sides[1].round(3)} by the qform"
    elif same and apart_mm > 0.5 * min(sides[0]):
        how = f"the same voxel lies up to {apart_mm:.2f} mm apart in one and the same space"
    else:
        return
    raise DataError(
        f"sform and qform of {path} contradict each other: {how}; find out which is right, and "
        "save the file with that one"
    )
