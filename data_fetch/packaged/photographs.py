"""Natural photographs from the wheels of scikit-image and scikit-learn."""

from dataclasses import dataclass

import numpy as np

from data_fetch.packaged.wheel import distribution, packaged_file
from data_fetch.readers import read_image
from data_fetch.sample import Sample


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
        name=f"{distribution(entry.package)}/{name}",
        licence=entry.licence,
        cite="Pedregosa F et al. Scikit-learn: machine learning in Python. JMLR 2011;12:2825-2830."
        if learn
        else "van der Walt S et al. scikit-image: image processing in Python. PeerJ 2014;2:e453.",
        doi="" if learn else "10.7717/peerj.453",
    )
    if sample.array.ndim == 2:
        return sample.with_array(np.repeat(sample.array[:, :, None], 3, axis=2))
    return sample
