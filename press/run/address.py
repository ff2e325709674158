"""Where a Dask scheduler is, and by which certificates both ends know each other."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from press.errors import UserError

TLS_FILES = {"ca": "ca.pem", "cert": "cert.pem", "key": "key.pem"}
EXAMPLE = "give one such as tls://host:8786 or tcp://127.0.0.1:8786"


@dataclass(frozen=True)
class Tls:
    """The files by which both ends of a tls:// connection know each other."""

    ca: Path
    cert: Path
    key: Path


@dataclass(frozen=True)
class Address:
    """A Dask scheduler's address, tcp://host:port or tls://host:port."""

    url: str
    tls: Tls | None = None

    def __str__(self) -> str:
        return self.url

    @property
    def caution(self) -> str:
        """A sentence of warning where others may read what is sent, and answer it; else empty."""
        if self.tls is not None or _is_loopback(urlsplit(self.url).hostname or ""):
            return ""
        return (
            f"{self.url} is not encrypted: whoever reaches it, or listens on the way, can run code"
            " on its workers and here; use tls:// outside a network of your own"
        )


def read_address(
    url: str,
    *,
    folder: Path | None = None,
    ca: Path | None = None,
    cert: Path | None = None,
    key: Path | None = None,
) -> Address:
    """The address that a person gave, with its certificates.

    Args:
        url: tcp://host:port or tls://host:port.
        folder: holds ca.pem, cert.pem and key.pem.
        ca: the certificate that both ends trust, instead of the folder's; so `cert` and `key`.

    Raises:
        UserError: it cannot be the address of a Dask scheduler, or a file is missing.
    """
    _check(url)
    given = {"ca": ca, "cert": cert, "key": key}
    files = {n: path or (folder / TLS_FILES[n] if folder else None) for n, path in given.items()}
    if not url.startswith("tls://"):
        if any(files.values()):
            raise UserError(f"--scheduler {url}: certificates need an address tls://...")
        return Address(url)
    if missing := [f"--tls-{name}" for name, path in files.items() if path is None]:
        wanted = "--tls FOLDER, which holds ca.pem, cert.pem and key.pem"
        raise UserError(f"--scheduler {url} needs {wanted}, or {', '.join(missing)}")
    for path in files.values():
        if not path.is_file():
            raise UserError(f"{path}: there is no such file; --scheduler {url} needs it")
    return Address(url, Tls(**files))


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UserError(f"--scheduler {url}: {error}; {EXAMPLE}") from None
    if parts.scheme not in ("tcp", "tls") or not parts.hostname or not port or parts.path:
        raise UserError(f"--scheduler {url}: no address of a Dask scheduler; {EXAMPLE}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
