"""pytorch-ood, which is no part of the book's environment, where somebody has put it beside it."""

import importlib
import importlib.util
import re
from pathlib import Path
from types import ModuleType

HOW = "pip install --no-deps --target PEER pytorch-ood==0.4.0 torchvision==0.28.0, PYTHONPATH=PEER"
_kept = []  # what is declared lives as long as its library


def pytorch_ood(module: str = "pytorch_ood") -> ModuleType:
    """A module of pytorch-ood.

    It imports torchvision, whose compiled operators do not load beside a torch that was built for
    the processor alone. Neither detectors nor metrics use them: they are declared by name, so that
    the import goes through, and would fail if they were called.

    Raises:
        ImportError: it is not there; how to get it.
    """
    if importlib.util.find_spec("pytorch_ood") is None or not _torchvision():
        raise ImportError(f"pytorch-ood or torchvision is not there: {HOW}")
    return importlib.import_module(module)


def _torchvision() -> bool:
    import torch

    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        return False
    if not _kept and not torch.cuda.is_available():
        text = Path(found.origin).with_name("_meta_registrations.py").read_text("utf-8")
        names = re.findall(r'register_meta\("(\w+)"\)|"torchvision::(\w+)"', text)
        _kept.append(torch.library.Library("torchvision", "FRAGMENT"))
        for name in sorted({one or other for one, other in names}):
            _kept[0].define(f"{name}(Tensor x) -> Tensor")
    return True
