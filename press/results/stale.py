"""Whether a kept table is still what the present code would make, and the stale ones we know of.

``results/known_stale.toml`` names, each with its reason, the tables that are shown although their
code has changed since: `medbook check` notes them. Any other stale table is an error; so is an
entry that is no longer needed.

The ground floor (``medlib/experiment``) is not counted among a table's code. Whenever it changes
every chapter is run again, and what its own run gives is held to what was accepted; so is one point
of each sweep. That is the proof that the change moved no number. Nor is a room's map counted, an
``__init__.py`` with a docstring and nothing else but a table of late names: each new file in a room
adds a line to it, and each file that a name was taken from is counted itself. Nor are docstrings
and comments: the files are compared without them where their bytes differ.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Mapping
from pathlib import Path

from medlib.experiment.tables import MadeBy
from press.errors import UserError
from press.run.comparison import compare_digests
from press.run.freshness import file_digest
from press.source.computing import library_digest
from press.source.project import Chapter, Project

GROUND_FLOOR = "medlib/experiment/"
DRAWS = "medlib/experiment/streams.py"  # what a seed means: it counts as any other file does
KNOWN_STALE = "known_stale.toml"
MOST_NAMED = 3


def stale_because(project: Project, chapter: Chapter, made: MadeBy) -> list[str]:
    """What of the code that made a table has changed since; empty where nothing has.

    Args:
        project: the checkout.
        chapter: the chapter or companion whose code cells were run.
        made: what the table says of its making.
    """
    reasons = []
    if not made.code_sha256 or not made.modules:
        reasons.append("which code made it was not recorded in full")
    if made.code_sha256 and not same_code(made, chapter):
        reasons.append("its code cells changed")
    modules = counted(project, made.modules)
    now = digests_now(project, modules, made.computing_modules)
    changed = [found.message for found in compare_digests("code", modules, now)]
    reasons += changed[:MOST_NAMED]
    if len(changed) > MOST_NAMED:
        reasons.append(f"and {len(changed) - MOST_NAMED} more files")
    return reasons


def same_code(made: MadeBy, chapter: Chapter) -> bool:
    """Whether the code cells that made a table are today's, but for their words."""
    return (
        made.code_sha256 == chapter.code_sha256 or made.computing_sha256 == chapter.computing_sha256
    )


def digests_now(
    project: Project, modules: Mapping[str, str], computing: Mapping[str, str]
) -> dict[str, str | None]:
    """Today's digest of each file; the recorded one where only docstrings and comments changed.

    Args:
        project: the checkout.
        modules: the recorded digest of each file's bytes.
        computing: that of the files without their words, as far as it was recorded.

    Returns:
        None for a file that is not there.
    """
    now: dict[str, str | None] = {}
    for path, was in modules.items():
        digest = file_digest(project.root / path) or None
        if digest not in (None, was) and path in computing:
            digest = was if computing[path] == wordless_digest(project.root / path) else digest
        now[path] = digest
    return now


def computing_digests(project: Project, modules: Mapping[str, str]) -> dict[str, str]:
    """The digests without words of those files that are still, byte for byte, the recorded ones."""
    return {
        path: wordless_digest(project.root / path)
        for path, digest in counted(project, modules).items()
        if file_digest(project.root / path) == digest
    }


def wordless_digest(path: Path) -> str:
    """The digest of a library file without its docstrings and comments."""
    return library_digest(path.read_text(encoding="utf-8"))


def counted(project: Project, modules: Mapping[str, str]) -> dict[str, str]:
    """The library files whose change makes a kept table stale, with their digests."""
    return {
        path: digest
        for path, digest in modules.items()
        if (path == DRAWS or not path.startswith(GROUND_FLOOR))
        and not (path.endswith("/__init__.py") and is_map(project.root / path))
    }


def is_map(path: Path) -> bool:
    """Whether a Python file is there and holds a docstring, a table of late names, and no more.

    >>> is_map(Path(__file__))
    False
    """
    try:
        body = ast.parse(path.read_text(encoding="utf-8")).body
    except (OSError, SyntaxError):
        return False
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    return not body or _is_late_names(body)


def _is_late_names(body: list[ast.stmt]) -> bool:
    """Whether this is the import of `late_names`, a table of words, and its use; see there."""
    if len(body) != 3 or not isinstance(body[1], ast.Assign):
        return False
    table = body[1].value
    words = [*table.keys, *table.values] if isinstance(table, ast.Dict) else [None]
    return (
        ast.unparse(body[0]) == "from data_fetch.late_names import late_names"
        and ast.unparse(body[1].targets[0]) == "_HOME"
        and all(isinstance(w, ast.Constant) and isinstance(w.value, str) for w in words)
        and ast.unparse(body[2]) == "__getattr__, __dir__ = late_names(__name__, _HOME)"
    )


def pins_changed(project: Project, made: MadeBy) -> bool:
    """Whether a table was made under other pins than the present ones."""
    return bool(made.constraints_sha256) and made.constraints_sha256 != [
        file_digest(project.constraints)
    ]


def known_stale(project: Project) -> dict[str, str]:
    """Table (``part/name/kind``) -> why it is shown although it is stale.

    Raises:
        UserError: the file is damaged, or an entry gives no reason.
    """
    path = project.results / KNOWN_STALE
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{project.relative(path)}: cannot be read: {error}") from None
    entries = content.get("stale", {})
    if set(content) - {"stale"} or not isinstance(entries, dict):
        shape = '[stale] and lines such as "pixels/x/seeds" = "why"'
        raise UserError(f"{project.relative(path)}: expected {shape}")
    for table, reason in entries.items():
        if not isinstance(reason, str) or not reason.strip():
            raise UserError(f"{project.relative(path)}: {table} gives no reason")
    return entries
