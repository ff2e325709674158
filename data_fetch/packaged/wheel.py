"""A file inside an installed package, found without importing it, its bytes checked."""

import importlib.util
from pathlib import Path

from data_fetch.errors import ChecksumError, DataError
from data_fetch.sample import sha256_of_file

_DISTRIBUTIONS = {"skimage": "scikit-image", "sklearn": "scikit-learn"}


def distribution(package: str) -> str:
    """The name under which an importable package is installed.

    >>> distribution("skimage"), distribution("pydicom")
    ('scikit-image', 'pydicom')
    """
    return _DISTRIBUTIONS.get(package, package)


def packaged_file(package: str, relative: str, *, sha256: str) -> Path:
    """The path of a file inside an installed package, its bytes checked. Imports nothing.

    Raises:
        DataError: the package or the file is not installed.
        ChecksumError: the file has other bytes (another version of the package).
    """
    wheel = distribution(package)
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DataError(f"{wheel} is not installed; pip install -c constraints.txt {wheel}")
    path = Path(spec.submodule_search_locations[0]) / relative
    if not path.is_file():
        raise DataError(
            f"{wheel} is installed without {relative}, which its own wheel "
            f"has: pip install -c constraints.txt --force-reinstall {wheel}"
        )
    found = sha256_of_file(path)
    if found != sha256:
        raise ChecksumError(
            f"{path} has sha256 {found}, not {sha256}: another version of {wheel} than "
            "the one in constraints.txt, or a changed file"
        )
    return path
