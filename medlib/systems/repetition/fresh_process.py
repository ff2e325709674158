"""The same training in a new process, under other variables: some are read at the start alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medlib.experiment.arithmetic import chooses_arithmetic
from medlib.experiment.environment import project_root
from medlib.systems.repetition.small_training import Images, Settings, Trained, train_small
from medlib.systems.repetition.surroundings import surroundings
from medlib.systems.repetition.switches import Switches

__all__ = ["Elsewhere", "train_elsewhere"]


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """What came out in another process.

    Attributes:
        trained: one for each of the settings.
        surroundings: what it stood on there.
    """

    trained: tuple[Trained, ...]
    surroundings: dict[str, dict[str, Any]]


def train_elsewhere(
    images: Images,
    labels: np.ndarray,
    test_images: Images,
    *,
    settings: Sequence[Settings],
    variables: Mapping[str, str] | None = None,
    keep_at: Sequence[int] = (),
) -> Elsewhere:
    """Train in a new process of the same interpreter, packages and files.

    The process inherits this one's variables, without those that choose the arithmetic; `variables`
    come on top. To start it takes a few seconds, most of them to import torch.

    Args:
        images, labels, test_images, keep_at: as for `train_small`.
        settings: of one training or more, in one process.
        variables: of the environment, such as {"ATEN_CPU_CAPABILITY": "default"}.

    Raises:
        ValueError: the process failed; its last words are in the message.
    """
    inherited = {name: v for name, v in os.environ.items() if not chooses_arithmetic(name)}
    path = os.pathsep.join([str(project_root()), os.environ.get("PYTHONPATH", "")])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "given.npz", images=images, labels=labels, test_images=test_images)
        asked = {"settings": [asdict(each) for each in settings], "keep_at": list(keep_at)}
        (folder / "asked.json").write_text(json.dumps(asked))
        ended = subprocess.run(
            [sys.executable, "-m", "medlib.systems.repetition.fresh_process", name],
            env={**inherited, "PYTHONPATH": path, **(variables or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            last = (ended.stderr.strip().splitlines() or ["nothing"])[-1]
            raise ValueError(f"the other process ended with {ended.returncode}, saying: {last}")
        return Elsewhere(
            tuple(_read(folder / f"trained{i}.npz") for i in range(len(settings))),
            json.loads((folder / "surroundings.json").read_text()),
        )


def _train_here(folder: Path) -> None:
    """What the new process does."""
    asked = json.loads((folder / "asked.json").read_text())
    with np.load(folder / "given.npz", allow_pickle=False) as given:
        arrays = [given[name] for name in ("images", "labels", "test_images")]
    for i, each in enumerate(asked["settings"]):
        settings = Settings(**{**each, "switches": Switches(**each["switches"])})
        trained = train_small(*arrays, settings=settings, keep_at=asked["keep_at"])
        weights = {str(step): weights for step, weights in trained.weights.items()}
        if trained.averaged is not None:
            weights["averaged"] = trained.averaged
        np.savez(folder / f"trained{i}.npz", logits=trained.logits, **weights)
    found = surroundings(project_root())
    (folder / "surroundings.json").write_text(json.dumps(found))


def _read(path: Path) -> Trained:
    with np.load(path, allow_pickle=False) as file:
        weights = {int(name): file[name] for name in file.files if name.isdigit()}
        averaged = file["averaged"] if "averaged" in file.files else None
        return Trained(weights, file["logits"], averaged)


if __name__ == "__main__":
    _train_here(Path(sys.argv[1]))
