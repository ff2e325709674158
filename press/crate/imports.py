"""Which library files a file of Python needs, found by reading and not by running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from press.errors import UserError

PACKAGES = ("medlib", "data_fetch")


def needed_files(start: Path, root: Path) -> list[Path]:
    """Every file of the library packages below `root` that `start` imports, or those it imports.

    Imports inside functions count too. What is imported by a name that is computed is not seen.

    Raises:
        UserError: a file cannot be read as Python.
    """
    found: dict[Path, None] = {}
    waiting = [start]
    while waiting:
        for path in _imported_by(waiting.pop(), root):
            if path not in found:
                found[path] = None
                waiting.append(path)
    return sorted(found)


def _imported_by(source: Path, root: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(source.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        raise UserError(f"{source}: cannot be read as Python: {error}") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            if name.partition(".")[0] in PACKAGES:
                yield from _files_of(name, root)


def _files_of(module: str, root: Path) -> Iterator[Path]:
    """The files that importing `module` executes: the packages on the way, and itself."""
    place = root
    for part in module.split("."):
        place = place / part
        if (package := place / "__init__.py").is_file():
            yield package
        elif (file := place.with_suffix(".py")).is_file():
            yield file
