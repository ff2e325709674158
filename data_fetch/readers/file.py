"""A path that must be a file."""

from pathlib import Path

from data_fetch.errors import DataError


def existing_file(path: Path | str) -> Path:
    """The path, ``~`` resolved.

    Raises:
        DataError: it names nothing, or a folder.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        raise DataError(f"{path} is a folder, not a file")
    if not path.exists():
        raise DataError(f"no such file: {path}")
    return path
