"""All that reads a study: a gate, a network that marks, and a line that says whether.

All three begin with the same features of voxels, in units of the study's own brain, so that no
scanner's scale matters. Beside the network stands its rival: a line over the same features, learned
from the same voxels, whose marks and probability are chosen as the network's are.
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
from medlib.systems.clinic.decision import FEATURES, Decision, fit_decision, of_probabilities
from medlib.systems.clinic.readers import Readers
from medlib.systems.clinic.structured_report import OFFSET
from medlib.systems.clinic.voxel_features import brain_of, voxel_features
from medlib.systems.clinic.voxel_line import fit_voxel_line
from medlib.systems.clinic.voxel_marks import Marking, best_marking
from medlib.systems.clinic.voxel_network import VoxelNetwork, drawn_voxels, fit_voxel_network

__all__ = ["Marker", "Marks", "Reading", "StudyNetworks", "fit_networks", "novelty_of"]

Volume = Float[np.ndarray, "slices rows columns"]
Mask = Bool[np.ndarray, "slices rows columns"]
Study = tuple[Volume, Mask]


@dataclass(frozen=True, eq=False)
class Marks:
    """What was marked in one study, and how likely there is a lesion.

    Attributes:
        probabilities: of lesion, of every voxel: the evidence, in single precision.
        mask: where they are above the cut, in spots that are large enough.
        contributions: to the log-odds of a lesion anywhere, in nats, the offset among them.
        probability: of a lesion anywhere.
    """

    probabilities: Volume
    mask: Mask
    contributions: dict[str, float]
    probability: float


@dataclass(frozen=True, eq=False)
class Reading(Marks):
    """Marks, and whether the study is such as are known.

    Attributes:
        score, p: novelty, higher = more unusual; share of known studies that are as unusual.
    """

    score: float
    p: float


@dataclass(frozen=True, eq=False)
class Marker:
    """What marks a study and tells whether there is a lesion.

    Attributes:
        model: gives each voxel a probability.
        marking: cut and least size, chosen on the studies for validation.
        decision: fitted on studies that took no part in learning.
    """

    model: VoxelNetwork
    marking: Marking
    decision: Decision

    def read(self, features: Float[np.ndarray, "slices rows columns d"]) -> Marks:
        """Marks of a study, from the features of its voxels."""
        found = self.model.probabilities(features)
        numbers = of_probabilities(found)
        parts = {OFFSET: self.decision.offset, **self.decision.contributions(numbers)}
        mask, probability = self.marking.mask(found), self.decision.probability(numbers)
        return Marks(found.astype(np.float32), mask, parts, probability)


@dataclass(frozen=True, eq=False)
class StudyNetworks:
    """All that was learned.

    Attributes:
        network: marks.
        line: its rival; not asked by the pipeline.
        usual: Gaussian of what studies that were learned from look like.
        known: scores of novelty of the studies that were calibrated on.
    """

    network: Marker
    line: Marker
    usual: TiedGaussians
    known: Float[np.ndarray, " n"]

    def read(self, volume: Volume) -> Reading:
        """All answers at once."""
        return self.read_both(volume)[0]

    def read_both(self, volume: Volume) -> tuple[Reading, Marks]:
        """All answers, and the marks of the line."""
        features = voxel_features(volume)
        score = mahalanobis_score(self.usual, _look(features)[None])
        p = conformal_p(score, calibration=self.known)
        reading = Reading(**vars(self.network.read(features)), score=float(score[0]), p=float(p[0]))
        return reading, self.line.read(features)

    @property
    def learned(self) -> str:
        """The first digits of SHA-256 of all weights and of what was chosen and calibrated."""
        digest = hashlib.sha256()
        for name, value in self.network.model.state_dict().items():
            digest.update(name.encode() + value.cpu().numpy().tobytes())
        decision, marking = self.network.decision, self.network.marking
        for numbers in (
            self.usual.means, self.usual.factor, self.known, marking.cut, marking.least_voxels,
            decision.means, decision.spreads, decision.weights, decision.offset,
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
            "gate, voxel network and line", self.learned,
            novelty=lambda volume: (of(volume).score, of(volume).p),
            mask=lambda volume: of(volume).mask,
            probability=lambda volume: of(volume).probability,
            evidence=lambda volume: of(volume).probabilities,
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
    """Learn to mark, choose cut and least size, then fit gate and decision to other studies.

    Network and line are treated alike: the same voxels, studies and choices.

    Args:
        learn: volumes and their lesions.
        validate: others, by which weights or penalty are kept, and cut and least size chosen.
        calibrate: again others, with and without lesions; none of them is learned from.
        steps: of the network.
        generator: draws voxels, first weights and batches.

    Raises:
        ValueError: fewer than two studies to learn from, none with a lesion among those to learn
            from or to validate by, or only one kind among those to calibrate on.
    """
    if len(learn) < 2:
        raise ValueError(f"{len(learn)} studies to learn from; two or more are needed")
    seen: list[np.ndarray] = []
    held: list[tuple[np.ndarray, Mask]] = []

    def featured() -> Iterator[tuple[np.ndarray, Mask]]:  # one at a time: features are large
        for volume, mask in learn:
            features = voxel_features(volume)
            seen.append(_look(features))
            yield features, mask

    def featured_too() -> Iterator[tuple[np.ndarray, Mask]]:
        for volume, mask in validate:
            features = voxel_features(volume)
            if mask.any():  # of these the cut is chosen; the others are not needed again
                held.append((features, mask))
            yield features, mask

    drawn, kept = (drawn_voxels(each, generator=generator) for each in (featured(), featured_too()))
    models = [
        fit_voxel_network(drawn, held=kept, steps=steps, generator=generator),
        fit_voxel_line(drawn, held=kept),
    ]
    truth = [mask for _, mask in held]
    markings = [
        best_marking([model.probabilities(features) for features, _ in held], truth)
        for model in models
    ]
    usual = fit_gaussians(np.stack(seen), np.zeros(len(seen), dtype=int))
    looks, numbers = [], []
    for volume, _ in calibrate:
        features = voxel_features(volume)
        looks.append(_look(features))
        numbers.append([of_probabilities(model.probabilities(features)) for model in models])
    present = np.array([int(mask.any()) for _, mask in calibrate])
    decisions = [fit_decision(rows, present, names=FEATURES) for rows in np.stack(numbers, axis=1)]
    network, line = map(Marker, models, markings, decisions)
    return StudyNetworks(network, line, usual, mahalanobis_score(usual, np.stack(looks)))


def novelty_of(networks: StudyNetworks, volume: Volume) -> float:
    """Score of novelty of one study, higher = more unusual."""
    return float(mahalanobis_score(networks.usual, _look(voxel_features(volume))[None])[0])


def _look(features: Float[np.ndarray, "slices rows columns d"]) -> Float[np.ndarray, " twice_d"]:
    """Means and logarithms of standard deviations of all features over the brain."""
    brain = features[brain_of(features[..., 0])].astype(float)
    means = brain.mean(axis=0)
    brain -= means
    spreads = np.sqrt(np.einsum("vd,vd->d", brain, brain) / len(brain))
    return np.concatenate([means, np.log(spreads + 1e-3)])
