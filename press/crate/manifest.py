"""The digests of a crate's files, in the form that ``sha256sum --check`` reads.

The crate's own description tells the digest of every file but its own; this file holds that one as
well. No digest of itself stands anywhere, and none is needed: it is read so strictly that a byte of
it that is changed is no line of it any more, or another digest or another name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256

from press.crate.names import name_fault
from press.errors import UserError

MANIFEST = "manifest-sha256.txt"
LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)\n")


def digest_of(data: bytes) -> str:
    """The sha256 of bytes, as 64 hexadecimal digits."""
    return sha256(data).hexdigest()


def write_manifest(files: Mapping[str, bytes]) -> bytes:
    """The manifest of `files`, by name.

    >>> write_manifest({"b": b"", "a": b"x"}).decode().splitlines()[0][60:]
    '4881  a'
    """
    lines = (f"{digest_of(files[name])}  {name}\n" for name in sorted(files) if name != MANIFEST)
    return "".join(lines).encode()


def read_manifest(data: bytes) -> dict[str, str]:
    """Name -> sha256 of every file that a manifest lists.

    Raises:
        UserError: it is not exactly what `write_manifest` writes, or names a place outside.
    """
    found: dict[str, str] = {}
    at = number = 0
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise UserError(f"{MANIFEST}: not text in UTF-8 (byte {error.start})") from None
    while at < len(text):
        number += 1
        line = LINE.match(text, at)
        if not line:
            raise UserError(f"{MANIFEST}, line {number}: not `sha256, two spaces, name`")
        digest, name = line.groups()
        if fault := name_fault(name):
            raise UserError(f"{MANIFEST}, line {number}: {name!r} {fault}")
        if found and name <= next(reversed(found)):
            raise UserError(f"{MANIFEST}, line {number}: {name!r} is not in the order of names")
        found[name] = digest
        at = line.end()
    return found
