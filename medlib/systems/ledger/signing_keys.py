"""Ed25519 keys in PEM files: the private one readable by its owner alone."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["key_id", "new_key", "read_key", "read_public_key", "write_public_key"]


def key_id(key: Ed25519PublicKey) -> str:
    """The name of a key: sha256 of its 32 bytes, in hexadecimal."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def new_key(path: Path) -> Ed25519PrivateKey:
    """Draw a private key and keep it in a new file of mode 0600.

    It is drawn from the operating system, not from a seed: who knows the seed could sign as well.
    The file is not encrypted; who reads it can sign.

    Raises:
        ValueError: the file is there already; a key is not overwritten.

    Example:
        >>> key = new_key(Path("signer.pem"))
        >>> key_id(read_key(Path("signer.pem")).public_key()) == key_id(key.public_key())
        True
    """
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise ValueError(f"{path} is there already; a key is not overwritten") from None
    with os.fdopen(file, "wb") as stream:
        os.fchmod(stream.fileno(), 0o600)  # whatever the umask took or left
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    return key


def read_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a file.

    Raises:
        ValueError: others than the owner may read or write the file, or it holds no such key.
    """
    with Path(path).open("rb") as stream:
        mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
        if mode & 0o077:
            raise ValueError(
                f"{path} has mode {mode:04o}: others may read or write the key, and may have. Draw"
                " a new one; chmod 600 if you are sure that nobody did"
            )
        text = stream.read()
    try:
        key = pem.load_pem_private_key(text, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(f"{path} holds no unencrypted private key in PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path} holds a {type(key).__name__}, not a key for Ed25519")
    return key


def write_public_key(path: Path, key: Ed25519PublicKey) -> None:
    """Keep a public key in a file, to be handed to whoever is to check signatures."""
    text = key.public_bytes(pem.Encoding.PEM, pem.PublicFormat.SubjectPublicKeyInfo)
    Path(path).write_bytes(text)


def read_public_key(path: Path) -> Ed25519PublicKey:
    """The public key in a file.

    Raises:
        ValueError: it holds no public key for Ed25519.
    """
    try:
        key = pem.load_pem_public_key(Path(path).read_bytes())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"{path} holds no public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{path} holds a {type(key).__name__}, not a key for Ed25519")
    return key
