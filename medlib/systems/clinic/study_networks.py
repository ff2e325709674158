"""All that reads a study: a gate, a network that marks, and a line that says whether.

All three begin with the same features of voxels, in units of the study's own brain, so that no
scanner's scale matters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float

from medlib.diagnosis.novelty.conformal import conformal_p
from medlib.diagnosis.novelty.gaussians import TiedGaussians, fit_gaussians, mahalanobis_score
from medlib.systems.clinic.bright_voxels import dice_of
from medlib.systems.clinic.decision import FEATURES, Decision, fit_decision, of_probabilities
from medlib.systems.clinic.readers import Readers
from medlib.systems.clinic.voxel_features import brain_of, voxel_features
from medlib.systems.clinic.voxel_network import VoxelNetwork, fit_voxel_network

__all__ = ["Reading", "StudyNetworks", "fit_networks", "novelty_of"]

Volume = Float[np.ndarray, "slices rows columns"]
Mask = Bool[np.ndarray, "slices rows columns"]
Study = tuple[Volume, Mask]

_CUTS = tuple(np.arange(0.1, 0.71, 0.05).round(2))


@dataclass(frozen=True, eq=False)
class Reading:
    """What was found in one study.

    Attributes:
        score, p: novelty, higher = more unusual; share of known studies that are as unusual.
        probabilities: of lesion, of every voxel: the evidence.
        mask: where they are above the cut.
        contributions: to the log-odds of a lesion anywhere, in nats.
        probability: of a lesion anywhere.
    """

    score: float
    p: float
    probabilities: Volume
    mask: Mask
    contributions: dict[str, float]
    probability: float


@dataclass(frozen=True, eq=False)
class StudyNetworks:
    """All that was learned.

    Attributes:
        network: of voxels.
        cut: probability above which a voxel is marked, chosen on the studies for validation.
        usual: Gaussian of what studies that were learned from look like.
        known: scores of novelty of the studies that were calibrated on.
        decision: fitted on these, too.
    """

    network: VoxelNetwork
    cut: float
    usual: TiedGaussians
    known: Float[np.ndarray, " n"]
    decision: Decision

    def read(self, volume: Volume) -> Reading:
        """All answers at once."""
        features = voxel_features(volume)
        score = mahalanobis_score(self.usual, _look(features)[None])
        p = conformal_p(score, calibration=self.known)
        found = self.network.probabilities(features)
        numbers = of_probabilities(found)
        return Reading(
            float(score[0]), float(p[0]), found, found > self.cut,
            self.decision.contributions(numbers), self.decision.probability(numbers),
        )  # fmt: skip

    @property
    def version(self) -> str:
        """The first digits of SHA-256 of all weights and of what was calibrated."""
        digest = hashlib.sha256()
        for name, value in self.network.state_dict().items():
            digest.update(name.encode() + value.cpu().numpy().tobytes())
        line = self.decision
        for numbers in (
            self.usual.means, self.usual.factor, self.known, self.cut, line.means, line.spreads,
            line.weights, line.offset,
        ):  # fmt: skip
            digest.update(np.ascontiguousarray(numbers).tobytes())
        return digest.hexdigest()[:12]

    def readers(self, *, level: float = 0.05, threshold: float = 0.5) -> Readers:
        """As the pipeline sees them; a study that is asked about again is not read again."""
        last: list[tuple[Volume, Reading]] = []

        def of(volume: Volume) -> Reading:
            if not last or not np.array_equal(last[0][0], volume):
                last[:] = [(volume.copy(), self.read(volume))]
            return last[0][1]

        return Readers(
            "gate, voxel network and line", self.version,
            novelty=lambda volume: (of(volume).score, of(volume).p),
            mask=lambda volume: of(volume).mask,
            probability=lambda volume: of(volume).probability,
            evidence=lambda volume: of(volume).probabilities.astype(np.float32),
            contributions=lambda volume: of(volume).contributions,
            level=level, threshold=threshold,
        )  # fmt: skip


def fit_networks(
    learn: Sequence[Study],
    *,
    validate: Sequence[Study],
    calibrate: Sequence[Study],
    steps: int,
    generator: torch.Generator,
) -> StudyNetworks:
    """Learn to mark, choose the cut, then fit gate and decision to other studies.

    Args:
        learn: volumes and their lesions.
        validate: others, by which weights are kept, and the cut by mean Dice of those with lesions.
        calibrate: again others, with and without lesions; none of them is learned from.
        steps: of the network.
        generator: draws voxels, first weights and batches.

    Raises:
        ValueError: fewer than two studies to learn from, none with a lesion among those to learn
            from or to validate by, or only one kind among those to calibrate on.
    """
    if len(learn) < 2:
        raise ValueError(f"{len(learn)} studies to learn from; two or more are needed")
    held = [(voxel_features(volume), mask) for volume, mask in validate]
    seen: list[np.ndarray] = []

    def featured() -> Iterator[tuple[np.ndarray, Mask]]:  # one at a time: features are large
        for volume, mask in learn:
            features = voxel_features(volume)
            seen.append(_look(features))
            yield features, mask

    network = fit_voxel_network(featured(), validate=held, steps=steps, generator=generator)
    usual = fit_gaussians(np.stack(seen), np.zeros(len(seen), dtype=int))
    looks, numbers = [], []
    for volume, _ in calibrate:
        features = voxel_features(volume)
        looks.append(_look(features))
        numbers.append(of_probabilities(network.probabilities(features)))
    present = np.array([int(mask.any()) for _, mask in calibrate])
    return StudyNetworks(
        network, _best_cut(network, held), usual, mahalanobis_score(usual, np.stack(looks)),
        fit_decision(np.stack(numbers), present, names=FEATURES),
    )  # fmt: skip


def novelty_of(networks: StudyNetworks, volume: Volume) -> float:
    """Score of novelty of one study, higher = more unusual."""
    return float(mahalanobis_score(networks.usual, _look(voxel_features(volume))[None])[0])


def _best_cut(network: VoxelNetwork, studies: Sequence[tuple[np.ndarray, Mask]]) -> float:
    found = [(network.probabilities(features), mask) for features, mask in studies if mask.any()]
    means = [np.mean([dice_of(p > cut, mask) for p, mask in found]) for cut in _CUTS]
    return float(_CUTS[int(np.argmax(means))])


def _look(features: Float[np.ndarray, "slices rows columns d"]) -> Float[np.ndarray, " twice_d"]:
    """Means and logarithms of standard deviations of all features over the brain."""
    brain = features[brain_of(features[..., 0])].astype(float)
    return np.concatenate([brain.mean(axis=0), np.log(brain.std(axis=0) + 1e-3)])
