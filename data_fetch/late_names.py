"""Names that a package takes from its files when they are first asked for."""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def late_names(
    package: str, home: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package whose names stand in files of it.

    A chapter that asks for one of them has imported one file, and is not run again when another
    changes.

    Args:
        package: its full name.
        home: of each name, the file that holds it, without `.py`.

    >>> get, listed = late_names("data_fetch.packaged", {"head_ct": "radiology"})
    >>> get("head_ct").__module__, "head_ct" in listed()
    ('data_fetch.packaged.radiology', True)
    """

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{home[name]}"), name)

    return get, lambda: sorted([*vars(sys.modules[package]), *home])
