"""Real fundus photographs and micrographs, from scikit-image's wheel."""

from data_fetch.packaged.wheel import packaged_file
from data_fetch.readers import read_image
from data_fetch.sample import Sample


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


def _skimage(file: str, sha256: str, **provenance) -> Sample:
    return read_image(packaged_file("skimage", f"data/{file}", sha256=sha256), **provenance)
