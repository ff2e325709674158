"""Flower, imported when it is first needed, silent, and told to report to nobody."""

from __future__ import annotations

import importlib
import logging
import os
import warnings
from types import ModuleType

__all__ = ["SILENT", "import_flower"]

# Read by Flower when it is imported, and by the processes that it starts.
SILENT = {"FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1"}


def import_flower(*more: str) -> ModuleType:
    """Import Flower: seconds the first time, which is why no file imports it at its top.

    Only errors are logged. Warnings that its import raises are about its own dependencies.

    Args:
        more: modules of Flower to import as well, by their full names.

    Example:
        >>> import_flower().__name__
        'flwr'
    """
    for name, value in SILENT.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import flwr
        import flwr.clientapp
        import flwr.serverapp.strategy

        for name in more:
            importlib.import_module(name)
    logging.getLogger("flwr").setLevel(logging.ERROR)
    return flwr
