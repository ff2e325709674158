"""The order of names in a set: Python hashes texts with a number drawn for each process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

__all__ = ["order_of_set"]

_ASK = "import json, sys; print(json.dumps(list(set(json.load(sys.stdin)))))"


def order_of_set(names: Sequence[str], *, hash_seed: int) -> list[str]:
    """In which order a process with this hash seed walks through a set of names.

    A process that is given no hash seed draws one. The order also depends on the version of Python.

    Args:
        names: texts, such as names of files; each once.
        hash_seed: of the process, 0 to 4294967295; 0 switches the drawing off.

    Raises:
        ValueError: a name stands twice, or the seed is out of range.

    Example:
        >>> names = [f"scan{n}" for n in range(20)]
        >>> order_of_set(names, hash_seed=1) == order_of_set(names, hash_seed=1)
        True
        >>> order_of_set(names, hash_seed=1) == order_of_set(names, hash_seed=2)
        False
    """
    if len(set(names)) < len(names):
        raise ValueError("a name stands twice; a set would hold it once")
    if not 0 <= hash_seed < 2**32:
        raise ValueError(f"hash_seed is {hash_seed}; Python takes 0 to {2**32 - 1}")
    told = subprocess.run(
        [sys.executable, "-S", "-c", _ASK],  # isolated, it would not heed the variable
        input=json.dumps(list(names)),
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(told.stdout)
