"""What a run stands on, layer by layer: a container holds some of it, and none holds all."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from medlib.experiment.arithmetic import arithmetic
from medlib.experiment.environment import constraints_digest, processor

__all__ = ["IMAGE", "differing_layers", "packages", "surroundings"]

IMAGE = "CONTAINER_IMAGE_DIGEST"  # to be set from outside: from inside, no container knows its own
_PACKAGE = re.compile(r"(.+)-([^-]+)\.(dist|egg)-info")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def surroundings(root: Path) -> dict[str, dict[str, Any]]:
    """The layers below a run, as they are in this process.

    Layers, in the order in which one usually fixes them: *pins* (the constraints file, versions of
    Python and of every package that is installed), *container* (digest of its image, if somebody
    told it in the variable CONTAINER_IMAGE_DIGEST), *flags* (of torch), *threads*, *machine*
    (processor, instructions, versions and kernels of the libraries that add), *variables* (that
    choose among these, and the hash seed).

    Args:
        root: of the project, where constraints.txt lies.

    Raises:
        ValueError: the variable holds something else than sha256: and 64 hexadecimal digits, such
            as a tag, which may stand for another image tomorrow.
    """
    image = os.environ.get(IMAGE, "")
    if image and not _DIGEST.fullmatch(image):
        raise ValueError(f"{IMAGE} is {image!r}; give sha256: and 64 hexadecimal digits, no tag")
    counted = arithmetic()
    return {
        "pins": {
            "constraints": constraints_digest(root),
            "python": ".".join(map(str, sys.version_info[:3])),
            "packages": packages(),
        },
        "container": {"image": image or "none told"},
        "flags": {
            "deterministic": torch.get_deterministic_debug_mode(),
            "oneDNN": torch.backends.mkldnn.enabled,
        },
        "threads": {"torch": torch.get_num_threads()},
        "machine": {
            "processor": processor(),
            "instructions": counted.cpu_capability,
            "simd": " ".join(counted.simd),
            "libraries": counted.libraries,
        },
        "variables": {
            **counted.variables,
            "PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED", "drawn"),
        },
    }


def packages() -> dict[str, str]:
    """Every package that this process could import, and its version, by its folder of metadata.

    Looked up anew at each call: nothing is remembered.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        if Path(folder).is_dir():
            for name in sorted(os.listdir(folder or ".")):
                if match := _PACKAGE.fullmatch(name):
                    found.setdefault(match[1], match[2])  # the first in the path is imported
    return dict(sorted(found.items()))


def differing_layers(
    one: Mapping[str, Mapping[str, Any]], other: Mapping[str, Mapping[str, Any]]
) -> tuple[str, ...]:
    """The layers in which two surroundings differ, in order.

    Example:
        >>> differing_layers({"pins": {"torch": "2"}, "threads": {"torch": 1}},
        ...                  {"pins": {"torch": "2"}, "threads": {"torch": 2}})
        ('threads',)
    """
    names = [*one, *(name for name in other if name not in one)]
    return tuple(name for name in names if one.get(name) != other.get(name))
