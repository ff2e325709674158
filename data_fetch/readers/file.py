"""A path that must be a file."""

from pathlib import Path

from data_fetch.errors import DataError


def existing_file(path: Path | str) -> Path:
    """The path, ``~`` resolved.

    Raises:
        DataError: it names nothing, a folder, a device, or what may not be read.
    """
    path = Path(path).expanduser()
    try:
        if path.is_dir():
            raise DataError(f"{path} is a folder, not a file")
        if not path.exists():
            raise DataError(f"no such file: {path}")
        if not path.is_file():
            raise DataError(f"{path} is a device or a pipe, not a file")
        with path.open("rb"):
            return path
    except OSError as error:
        raise DataError(f"{path} may not be read: {error.strerror}") from error
