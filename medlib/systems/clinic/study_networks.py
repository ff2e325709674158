"""The networks of the pipeline: a gate, one that marks lesions, one that says whether there is any.

All read a study slice by slice, in units of its own brain, so that no scanner's scale matters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from medlib.diagnosis.novelty.conformal import conformal_p
from medlib.diagnosis.novelty.gaussians import TiedGaussians, fit_gaussians, mahalanobis_score
from medlib.measures.calibration import LogitLine, fit_logit_line
from medlib.nets.global_draws import global_draws_from
from medlib.nets.segmenter import PIXEL_LOSSES, fit_segmenter, pixel_probabilities
from medlib.nets.training import OneCycle, cross_entropy, train
from medlib.pixels.maps.grad_cam import grad_cam
from medlib.systems.clinic.readers import Readers

__all__ = ["SliceClassifier", "StudyNetworks", "fit_networks", "slices_of", "study_features"]

Volume = Float[np.ndarray, "slices rows columns"]
Mask = Bool[np.ndarray, "slices rows columns"]
EXPLAINED = "maps"  # the layer of which Grad-CAM is taken
_LEAST = 3  # voxels of lesion that make a slice a positive one


def slices_of(volume: Volume) -> Float[Tensor, "slices 1 height width"]:
    """Slices as a network takes them: in units of the brain's mean, padded to multiples of 8.

    What is brighter than a third of the brightest percent counts as brain.

    Example:
        >>> slices_of(np.full((2, 10, 12), 500.0)).shape, slices_of(np.full((1, 8, 8), 3.0)).max()
        (torch.Size([2, 1, 16, 16]), tensor(0.))
    """
    volume = np.asarray(volume, dtype=np.float32)
    brain = volume[volume > np.percentile(volume, 99) / 3]
    scaled = volume / max(float(brain.mean()) if brain.size else 1.0, 1e-6) - 1
    rows, columns = volume.shape[1:]
    found = torch.from_numpy(scaled)[:, None]
    return F.pad(found, (0, -columns % 8, 0, -rows % 8), value=-1.0)


class SliceClassifier(nn.Module):
    """Three convolutions, then means and maxima over places: is there a lesion in this slice?

    Example:
        >>> SliceClassifier()(torch.zeros(3, 1, 16, 24)).shape
        torch.Size([3, 2])
    """

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        steps, channels = [], 1
        for out, stride in ((width, 2), (2 * width, 2), (2 * width, 1)):
            steps += [nn.Conv2d(channels, out, 3, stride, 1), nn.GroupNorm(4, out), nn.ReLU()]
            channels = out
        self.maps = nn.Sequential(*steps)
        self.head = nn.Linear(2 * channels, 2)

    def forward(self, slices: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, "batch 2"]:
        maps = self.maps(slices)
        return self.head(torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1))


@dataclass(frozen=True, eq=False)
class StudyNetworks:
    """All that was learned.

    Attributes:
        segmenter, classifier: in evaluation mode.
        usual: Gaussian of the features of studies that were learned from.
        known: scores of novelty of the studies that were calibrated on.
        line: from the classifier's score to a calibrated probability.
    """

    segmenter: nn.Module
    classifier: SliceClassifier
    usual: TiedGaussians
    known: Float[np.ndarray, " n"]
    line: LogitLine

    def mask(self, volume: Volume) -> Mask:
        """Voxels whose probability is above one half."""
        rows, columns = volume.shape[1:]
        found = pixel_probabilities(self.segmenter, slices_of(volume)) > 0.5
        return found.numpy()[:, :rows, :columns]

    def probability(self, volume: Volume) -> float:
        """Calibrated, that there is a lesion in any slice."""
        return float(self.line(np.array([_raw(self.classifier, volume)]))[0])

    def novelty(self, volume: Volume) -> tuple[float, float]:
        """Mahalanobis's distance, and the share of known studies that are as unusual."""
        score = mahalanobis_score(self.usual, study_features(self.classifier, volume)[None])
        return float(score[0]), float(conformal_p(score, calibration=self.known)[0])

    def evidence(self, volume: Volume) -> Volume:
        """Grad-CAM of the classifier for *lesion*, at the size of the slices."""
        rows, columns = volume.shape[1:]
        slices = slices_of(volume)
        found = grad_cam(self.classifier, slices, layer=EXPLAINED, target=1).map[:, None]
        large = F.interpolate(found, size=slices.shape[2:], mode="bilinear", align_corners=False)
        return large[:, 0, :rows, :columns].detach().cpu().numpy().astype(np.float32)

    @property
    def version(self) -> str:
        """The first digits of SHA-256 of all weights and of what was calibrated."""
        digest = hashlib.sha256()
        for network in (self.segmenter, self.classifier):
            for name, value in network.state_dict().items():
                digest.update(name.encode() + value.cpu().numpy().tobytes())
        for numbers in (self.usual.means, self.usual.factor, self.known, *vars(self.line).values()):
            digest.update(np.ascontiguousarray(numbers).tobytes())
        return digest.hexdigest()[:12]

    def readers(self, *, level: float = 0.05, threshold: float = 0.5) -> Readers:
        """As the pipeline sees them."""
        return Readers(
            "three small networks", self.version, self.novelty, self.mask, self.probability,
            self.evidence, level=level, threshold=threshold,
        )  # fmt: skip


def fit_networks(
    learn: Sequence[tuple[Volume, Mask]],
    *,
    validate: Sequence[tuple[Volume, Mask]],
    calibrate: Sequence[tuple[Volume, Mask]],
    steps: int,
    generator: torch.Generator,
) -> StudyNetworks:
    """Learn to mark and to classify, then calibrate gate and probability on other studies.

    Args:
        learn: volumes and their lesions.
        validate: others, by whose loss the weights are kept.
        calibrate: again others, with and without lesions; none of them is learned from.
        steps: of each network.
        generator: draws first weights and batches.

    Raises:
        ValueError: fewer than two studies to learn from, or none with or without a lesion among
            those to calibrate on.
    """
    if len(learn) < 2:
        raise ValueError(f"{len(learn)} studies to learn from; two or more are needed")
    (x, y), (other_x, other_y) = (_tensors(studies) for studies in (learn, validate))
    segmenter = fit_segmenter(
        x, y, validation=(other_x, other_y), loss=PIXEL_LOSSES["Dice and cross-entropy"],
        steps=steps, generator=generator,
    ).network  # fmt: skip
    has, other_has = (masks.flatten(1).sum(dim=1) >= _LEAST for masks in (y, other_y))
    with global_draws_from(generator):
        classifier = SliceClassifier()
    optimizer, schedule = OneCycle(peak_rate=3e-3).start(classifier.parameters(), steps=steps)
    train(
        classifier, cross_entropy, (x, has.long()), steps=steps, batch_size=min(32, len(x)),
        optimizer=optimizer, schedule=schedule, generator=generator, every=50,
        validate=lambda net: float(cross_entropy(net, (other_x, other_has.long()))),
    )  # fmt: skip
    classifier.eval()
    seen = np.stack([study_features(classifier, volume) for volume, _ in learn])
    usual = fit_gaussians(seen, np.zeros(len(seen), dtype=int))
    held = np.stack([study_features(classifier, volume) for volume, _ in calibrate])
    raw = np.array([_raw(classifier, volume) for volume, _ in calibrate])
    truth = np.array([int(mask.any()) for _, mask in calibrate])
    return StudyNetworks(
        segmenter, classifier, usual, mahalanobis_score(usual, held), fit_logit_line(raw, truth)
    )


@torch.no_grad()
def _raw(classifier: nn.Module, volume: Volume) -> float:
    """The largest probability of any slice: one lesion anywhere is enough."""
    scores = classifier(slices_of(volume)).double()
    return float((scores[:, 1] - scores[:, 0]).max().sigmoid())


@torch.no_grad()
def study_features(classifier: SliceClassifier, volume: Volume) -> Float[np.ndarray, " d"]:
    """Means and logarithms of standard deviations of the first filters over the whole study.

    The first, as what is unusual of a scanner shows early; and before they are normalised, for that
    takes contrast away.
    """
    flat = classifier.maps[0](slices_of(volume)).double().transpose(0, 1).flatten(1)
    return torch.cat([flat.mean(dim=1), (flat.std(dim=1) + 1e-3).log()]).numpy()


def _tensors(studies: Sequence[tuple[Volume, Mask]]) -> tuple[Tensor, Tensor]:
    slices = torch.cat([slices_of(volume) for volume, _ in studies])
    rows, columns = studies[0][1].shape[1:]
    masks = torch.cat([torch.from_numpy(mask) for _, mask in studies])[:, None]
    return slices, F.pad(masks, (0, -columns % 8, 0, -rows % 8), value=False)
