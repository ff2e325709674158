"""The networks, as the pipeline sees them: five questions about a volume."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["Readers", "keep_answers", "kept_answers"]

Volume = Float[np.ndarray, "slices rows columns"]


@dataclass(frozen=True)
class Readers:
    """What is asked of a volume, and by whom it is answered.

    Attributes:
        name: of the networks together.
        learned: a digest of what they learned.
        novelty: score, higher = more unusual, and its p-value among known studies.
        mask: True where a lesion is.
        probability: calibrated, that there is any.
        evidence: how much each voxel spoke for it; 0 or more.
        contributions: what each number adds to the log-odds of a finding, in nats, by its name; the
            offset is one of them, so that their sum gives the probability.
        level: a study with a p-value at most this is not read.
        threshold: probability from which on a lesion is called present.
    """

    name: str
    learned: str
    novelty: Callable[[Volume], tuple[float, float]]
    mask: Callable[[Volume], Bool[np.ndarray, "slices rows columns"]]
    probability: Callable[[Volume], float]
    evidence: Callable[[Volume], Volume]
    contributions: Callable[[Volume], dict[str, float]] = lambda volume: {}
    level: float = 0.05
    threshold: float = 0.5

    def __post_init__(self) -> None:
        for name in ("level", "threshold"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it lies in 0..1")

    @property
    def version(self) -> str:
        """What ledger and report say of who read: what was learned, and level and threshold.

        The same weights under another level read other studies, and under another threshold call
        other lesions present: to whoever holds a report they are another reader.

        Example:
            >>> Readers("none", "5a", *[abs] * 4, threshold=0.4).version
            '5a 0.05/0.4'
        """
        return f"{self.learned} {float(self.level)!r}/{float(self.threshold)!r}"


def keep_answers(path: Path, readers: Readers, volume: Volume) -> None:
    """Ask all five questions once, and keep the answers in a file.

    Args:
        path: new file, .npz.
        readers: are asked.
        volume: is asked about; its digest is kept with the answers.
    """
    score, p = readers.novelty(volume)
    np.savez(
        path, volume=np.array(_digest(volume)), score=score, p=p, mask=readers.mask(volume),
        probability=readers.probability(volume), evidence=readers.evidence(volume),
        contributions=np.array(json.dumps(readers.contributions(volume))),
        name=np.array([readers.name, readers.learned]),
        limits=np.array([readers.level, readers.threshold]),
    )  # fmt: skip


def kept_answers(path: Path) -> Readers:
    """Readers that say what was kept, of that volume only.

    For a process that is to be killed many times and has no time to load networks.

    Raises:
        ValueError: when asked about another volume.

    Example:
        >>> ask = Readers("none", "0", lambda v: (1.0, 0.5), lambda v: v > 2, lambda v: 0.1, abs)
        >>> keep_answers(Path("kept.npz"), ask, np.full((1, 2, 2), 3.0))
        >>> kept_answers(Path("kept.npz")).mask(np.full((1, 2, 2), 3.0)).sum()
        np.int64(4)
    """
    with np.load(path, allow_pickle=False) as file:
        kept = {name: file[name] for name in file.files}

    def checked(volume: Volume, answer: object) -> object:
        if _digest(volume) != str(kept["volume"]):
            raise ValueError("these answers are about another volume")
        return answer

    name, learned = map(str, kept["name"])
    level, threshold = map(float, kept["limits"])
    return Readers(
        name,
        learned,
        novelty=lambda volume: checked(volume, (float(kept["score"]), float(kept["p"]))),
        mask=lambda volume: checked(volume, kept["mask"]),
        probability=lambda volume: checked(volume, float(kept["probability"])),
        evidence=lambda volume: checked(volume, kept["evidence"]),
        contributions=lambda volume: checked(volume, json.loads(str(kept["contributions"]))),
        level=level,
        threshold=threshold,
    )


def _digest(volume: Volume) -> str:
    return hashlib.sha256(np.ascontiguousarray(volume, dtype="<f4").tobytes()).hexdigest()
