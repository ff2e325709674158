"""The entries that the book writes: images, data, code, environment, run, metric."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medlib.experiment.environment import sha256_of_file
from medlib.systems.ledger.canonical_json import canonical_json
from medlib.systems.ledger.entry import DIGEST, Draft

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = [
    "ACQUISITION",
    "ImageSource",
    "code_draft",
    "data_draft",
    "digest_of_file",
    "digests_of_files",
    "environment_draft",
    "flat",
    "image_source",
    "images_draft",
    "metric_draft",
    "run_draft",
]

# what preprocessing reads or a domain shift hides in; none of them says who the patient is
ACQUISITION = (
    "SOPClassUID", "Modality", "Manufacturer", "ManufacturerModelName", "KVP",
    "XRayTubeCurrent", "Exposure", "ConvolutionKernel", "RepetitionTime", "EchoTime",
    "InversionTime", "FlipAngle", "MagneticFieldStrength", "SliceThickness",
    "SpacingBetweenSlices", "PixelSpacing", "ImageOrientationPatient", "Rows", "Columns",
    "BitsStored", "PixelRepresentation", "PhotometricInterpretation", "RescaleSlope",
    "RescaleIntercept",
)  # fmt: skip


@dataclass(frozen=True)
class ImageSource:
    """Where one image comes from.

    Attributes:
        study_uid, series_uid, instance_uid: DICOM's. In a ledger that leaves the hospital they must
            be those of the de-identified image.
        file: its path, relative to the folder of data.
        sha256: of the file.
        acquisition: how it was acquired: keyword of DICOM and value.
    """

    study_uid: str
    series_uid: str
    instance_uid: str
    file: str
    sha256: str
    acquisition: Mapping[str, Any]


def image_source(dataset: Dataset, *, file: str, sha256: str) -> ImageSource:
    """What a DICOM header says of an image's source, as far as it says it.

    Raises:
        ValueError: no study, series or SOP instance UID.

    Example:
        >>> from pydicom import Dataset
        >>> image = Dataset()
        >>> image.StudyInstanceUID, image.SeriesInstanceUID = "1.2", "1.3"
        >>> image.SOPInstanceUID, image.KVP = "1.4", "120"
        >>> source = image_source(image, file="a.dcm", sha256="0" * 64)
        >>> source.instance_uid, source.acquisition
        ('1.4', {'KVP': 120})
    """
    uids = [str(dataset.get(f"{name}InstanceUID", "")) for name in ("Study", "Series", "SOP")]
    if not all(uids):
        raise ValueError(
            f"{file} lacks a study, series or SOP instance UID: it is no image of DICOM"
        )
    known = {name: _plain(dataset[name].value) for name in ACQUISITION if name in dataset}
    return ImageSource(*uids, file=file, sha256=sha256, acquisition=known)


def images_draft(sources: Sequence[ImageSource]) -> Draft:
    """Images that were used, each with its UIDs and acquisition.

    Raises:
        ValueError: none, or two with one SOP instance UID or file.
    """
    if not sources:
        raise ValueError("give the source of one image or more")
    for name in ("instance_uid", "file"):
        if len({getattr(source, name) for source in sources}) < len(sources):
            raise ValueError(f"two images have the same {name}")
    for source in sources:
        _check_digest(source.sha256, source.file)
    return Draft("images", {"images": [dict(vars(source)) for source in sources]})


def data_draft(files: Mapping[str, str]) -> Draft:
    """Files of data: path, relative to their folder, and sha256."""
    return _files_draft("data", files)


def code_draft(files: Mapping[str, str], *, commit: str | None = None) -> Draft:
    """Files of a program: path, relative to its root, and sha256; and the commit, if known."""
    draft = _files_draft("code", files)
    return Draft("code", {**draft.body, "commit": commit})


def environment_draft(description: Mapping[str, Any]) -> Draft:
    """What a program ran in: versions of packages, the machine, variables.

    Args:
        description: a JSON mapping, nested or not. Its parts are kept as paths with dots, so that
            an audit can name the one that differs.

    Example:
        >>> dict(environment_draft({"packages": {"numpy": "2.1.0"}}).body["parts"])
        {'packages.numpy': '2.1.0'}
    """
    return Draft("environment", {"parts": flat(description)})


def run_draft(
    *,
    name: str,
    parameters: Mapping[str, Any],
    rests_on: Mapping[str, str],
    outputs: Mapping[str, str] | None = None,
) -> Draft:
    """A run of a program.

    Args:
        name: of the run.
        parameters: all of them, the seed among them.
        rests_on: what is behind it, by a name of your choice: digests of earlier *entries*, such as
            {"code": code.digest, "images": images.digest}. A run may rest on another run.
        outputs: files of data that it wrote: path, relative to their folder, and sha256. They tie
            what was written to the run; without them nothing says who made a file.
    """
    for what, digest in (*rests_on.items(), *(outputs or {}).items()):
        _check_digest(digest, what)
    body = {
        "name": name, "parameters": dict(parameters), "rests_on": dict(rests_on),
        "outputs": dict(outputs or {}),
    }  # fmt: skip
    return Draft("run", body)


def metric_draft(
    *,
    name: str,
    value: float,
    unit: str,
    run: str,
    interval: tuple[float, float] | None = None,
    n: int | None = None,
) -> Draft:
    """A result of a run.

    Args:
        name: of the metric.
        value: a finite number.
        unit: such as "AUC" or "mm".
        run: digest of the run's entry.
        interval: lower and upper end.
        n: of patients or images.
    """
    _check_digest(run, "run")
    ends = None if interval is None else list(interval)
    body = {"name": name, "value": value, "unit": unit, "run": run, "interval": ends, "n": n}
    return Draft("metric", body)


def digests_of_files(folder: Path, *, pattern: str = "*") -> dict[str, str]:
    """sha256 of every file under a folder, by path relative to it; links are not followed.

    Raises:
        ValueError: not a folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    found = {}
    for path in sorted(folder.rglob(pattern)):
        if digest := digest_of_file(path):
            found[path.relative_to(folder).as_posix()] = digest
    return found


def digest_of_file(path: Path) -> str | None:
    """sha256 of a file; of a link, of where it points; None if there is neither."""
    if path.is_symlink():  # what it points to may lie anywhere: where it points is what counts
        return hashlib.sha256(b"link\n" + os.fsencode(path.readlink())).hexdigest()
    return sha256_of_file(path) if path.is_file() else None


def flat(description: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """A nested mapping as one: keys joined by dots.

    Raises:
        ValueError: two paths that become one, such as {"a": {"b": 1}, "a.b": 2}.
    """
    parts: dict[str, Any] = {}
    for key, value in description.items():
        inner = isinstance(value, Mapping) and value
        more = flat(value, f"{before}{key}.") if inner else {f"{before}{key}": value}
        if twice := parts.keys() & more.keys():
            raise ValueError(f"two parts of the description are called {sorted(twice)[0]!r}")
        parts |= more
    canonical_json(parts)  # says which part JSON cannot hold
    return parts


def _files_draft(kind: str, files: Mapping[str, str]) -> Draft:
    if not files:
        raise ValueError(f"give one file of {kind} or more, as path and sha256")
    for path, digest in files.items():
        _check_digest(digest, path)
    return Draft(kind, {"files": dict(files)})


def _check_digest(digest: str, what: str) -> None:
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise ValueError(f"{what} has {digest!r}; a sha256 has 64 small hexadecimal digits")


def _plain(value: Any) -> Any:
    """A value of pydicom as JSON has it."""
    if value is None or value == "":
        return None
    if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue":
        return [_plain(part) for part in value]
    if isinstance(value, (int, float)):
        number = float(value)
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return str(value)
