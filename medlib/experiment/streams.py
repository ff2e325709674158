"""Independent random streams by name, all derived from one master seed.

A stream's state depends on the master seed and on its own name only: a draw added to one stream,
or a stream added to a run, changes nothing in the others.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def seed_sequence(seed: int, name: str) -> np.random.SeedSequence:
    """NumPy's SeedSequence of the master seed, keyed by the sha256 of the stream's name.

    Raises:
        ValueError: the seed is negative or the name is empty.
    """
    if seed < 0:
        raise ValueError(f"seed = {seed}: a seed is an integer >= 0")
    if not name:
        raise ValueError("a random stream needs a name, such as 'patients'")
    words = np.frombuffer(hashlib.sha256(name.encode()).digest(), dtype="<u4")
    return np.random.SeedSequence(entropy=seed, spawn_key=tuple(int(word) for word in words))


def generator(seed: int, name: str) -> np.random.Generator:
    """The NumPy generator (PCG64) of the stream `name`.

    >>> a, b = generator(0, "patients"), generator(0, "noise")
    >>> bool(a.integers(2**62) == generator(0, "patients").integers(2**62))
    True
    >>> bool(generator(0, "patients").integers(2**62) == b.integers(2**62))
    False
    """
    return np.random.Generator(np.random.PCG64(seed_sequence(seed, name)))


def torch_generator(seed: int, name: str) -> torch.Generator:
    """The torch generator of the stream `name`; on the CPU, whatever device computes."""
    import torch

    state = int(seed_sequence(seed, name).generate_state(1, np.uint64)[0])
    return torch.Generator(device="cpu").manual_seed(state & (2**63 - 1))
