"""The typed view of registry.toml: which data there are, where from, and how to check them."""

import difflib
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from data_fetch.errors import DataError

_HERE = Path(__file__).parent


class Dataset(BaseModel):
    """One entry. Network entries carry addresses and digests; the others name the function."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    source: Literal["network", "wheel", "simulated"]
    card: str = Field(description="file name in cards/")
    call: str = Field(description="the function that returns it, module.function")
    # only for source = "network":
    urls: tuple[str, ...] = ()
    file: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*)?$")
    size_bytes: int | None = Field(default=None, gt=0)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    md5: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    licence: str = ""
    cite: str = ""
    doi: str = ""
    labels: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _network_is_checkable(self) -> "Dataset":
        if self.source == "network":
            if not (self.urls and self.file):
                raise ValueError(f"{self.name}: a network data set needs urls and file")
            if self.sha256 is None and self.md5 is None:
                raise ValueError(f"{self.name}: a network data set needs sha256 or md5")
            if not (self.licence and self.cite):
                raise ValueError(f"{self.name}: say the licence and how to cite it")
        return self

    @property
    def known_hash(self) -> str:
        """The strongest published digest, as pooch writes it: "sha256:..." or "md5:..."."""
        return f"sha256:{self.sha256}" if self.sha256 else f"md5:{self.md5}"

    @property
    def card_path(self) -> Path:
        return _HERE / "cards" / self.card

    @property
    def kind(self) -> Literal["real", "simulated"]:
        return "simulated" if self.source == "simulated" else "real"


def read_registry(path: Path | str) -> dict[str, Dataset]:
    """All entries of a registry file, by name.

    Raises:
        DataError: missing, not TOML, or with an entry that is incomplete; it says which.
    """
    try:
        entries = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        return {name: Dataset(name=name, **entry) for name, entry in entries.items()}
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path} is not a valid registry: {error}") from error


@lru_cache(maxsize=1)
def catalog() -> dict[str, Dataset]:
    """The project's own registry.

    >>> catalog()["pathmnist"].file
    'pathmnist.npz'
    """
    return read_registry(_HERE / "registry.toml")


def dataset(name: str) -> Dataset:
    """One entry by name.

    Raises:
        DataError: no such data set; the message names the nearest.

    >>> dataset("pathminst")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    data_fetch.errors.DataError: no data set 'pathminst'; the nearest is 'pathmnist' ...
    """
    known = catalog()
    if name not in known:
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.0)
        raise DataError(
            f"no data set {name!r}; the nearest is {near[0]!r} (see: python -m data_fetch list)"
        )
    return known[name]
