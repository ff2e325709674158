"""The files of a folder: which count, and a digest of each, so that a change can be told."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from data_fetch.errors import DataError
from data_fetch.sample import sha256_of_file


def existing_folder(path: Path | str, *, wanted: str) -> Path:
    """The path, ``~`` resolved.

    Args:
        path: of a folder.
        wanted: what to give instead, in words, for the message.

    Raises:
        DataError: it names no folder, or one that may not be read.
    """
    path = Path(path).expanduser()
    try:
        if not path.is_dir():
            raise DataError(f"{path} is not a folder; give {wanted}")
        next(path.iterdir(), None)
    except OSError as error:
        raise DataError(f"{path} may not be read: {error.strerror}") from error
    return path


def visible_files(folder: Path, pattern: str) -> list[Path]:
    """The files below `folder` that match, sorted; names and folders that begin with a dot do not.

    The press lists a folder by the same rule when it asks whether a run is still fresh.

    >>> [path.name for path in visible_files(Path(__file__).parent, "sam*.py")]
    ['sample.py']
    """
    return sorted(
        path
        for path in folder.glob(pattern)
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def members(folder: Path, files: Iterable[Path]) -> tuple[tuple[str, str], ...]:
    """Pairs of name (relative to `folder`, with forward slashes) and sha256, sorted by name.

    Raises:
        DataError: one of them may not be read.
    """
    try:
        return tuple(
            sorted((path.relative_to(folder).as_posix(), sha256_of_file(path)) for path in files)
        )
    except OSError as error:
        raise DataError(f"{error.filename} may not be read: {error.strerror}") from error


def sha256_of_members(members: tuple[tuple[str, str], ...]) -> str:
    """One digest for all files of a folder: of their digests, in the order of their names.

    >>> sha256_of_members((("a.png", "00"), ("b.png", "ff")))[:16]
    '8909cde2f411a84e'
    """
    return hashlib.sha256("".join(digest for _, digest in members).encode()).hexdigest()
