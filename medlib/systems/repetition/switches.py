"""What decides in which order a processor adds, set for a while and put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

__all__ = ["Switches", "switched"]


@dataclass(frozen=True)
class Switches:
    """How torch computes on the processor; none of them is a part of the program or its seed.

    Attributes:
        threads: that share one operation.
        onednn: whether convolutions go to oneDNN's kernels or to torch's own.
        deterministic: whether operations that give another result each time are refused or
            replaced; otherwise they run.
    """

    threads: int = 1
    onednn: bool = True
    deterministic: bool = True

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ValueError(f"threads is {self.threads}: at least one must compute")


@contextmanager
def switched(switches: Switches) -> Iterator[None]:
    """Compute like this inside, and afterwards as before, also after an error.

    Example:
        >>> before = torch.get_num_threads()
        >>> with switched(Switches(threads=before + 1)):
        ...     torch.get_num_threads() == before + 1
        True
        >>> torch.get_num_threads() == before
        True
    """
    threads, mode = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    fill = torch.utils.deterministic.fill_uninitialized_memory
    onednn = torch.backends.mkldnn.enabled
    try:
        torch.set_num_threads(switches.threads)
        torch.set_deterministic_debug_mode("error" if switches.deterministic else "default")
        torch.utils.deterministic.fill_uninitialized_memory = False  # nothing here reads it
        torch.backends.mkldnn.enabled = switches.onednn
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode(mode)
        torch.utils.deterministic.fill_uninitialized_memory = fill
        torch.backends.mkldnn.enabled = onednn
