"""Which transfer syntaxes keep every voxel as it was.

A header's word on lossy compression can be deleted; the syntax that an image came in cannot, for
without it nobody could decode the image.
"""

from __future__ import annotations

from pydicom.uid import UID_dictionary

__all__ = ["LOSSLESS", "RIGHT", "syntax_that_may_lose"]

_KEEPS = {
    "ImplicitVRLittleEndian", "ExplicitVRLittleEndian", "ExplicitVRBigEndian",
    "EncapsulatedUncompressedExplicitVRLittleEndian", "DeflatedExplicitVRLittleEndian",
    "JPEGLossless", "JPEGLosslessNonHierarchical15", "JPEGLosslessHierarchical28",
    "JPEGLosslessHierarchical29", "JPEGLosslessSV1", "JPEGLSLossless", "JPEG2000Lossless",
    "JPEG2000MCLossless", "HTJ2KLossless", "HTJ2KLosslessRPCL", "RLELossless",
}  # fmt: skip
_NAMES = {uid: (name, keyword) for uid, (name, kind, _, _, keyword) in UID_dictionary.items()
          if kind == "Transfer Syntax"}  # fmt: skip

LOSSLESS = frozenset(uid for uid, (_, keyword) in _NAMES.items() if keyword in _KEEPS)
"""UIDs of those that cannot lose anything; what is not among them is refused."""

RIGHT = "uncompressed, or in a lossless syntax such as JPEG-LS Lossless, as it was acquired"


def syntax_that_may_lose(uid: str) -> str | None:
    """Its name in the standard, if it may lose details; None if it keeps all of them.

    A syntax that can be lossless and need not be (JPEG 2000, UID ending in .91) may lose them: the
    header does not tell which it was. One that the standard does not know is not known to keep
    them, and its UID is not quoted, for it may name whose it is.

    Args:
        uid: of the transfer syntax, of the file's header.

    Example:
        >>> syntax_that_may_lose("1.2.840.10008.1.2.4.81")
        'JPEG-LS Lossy (Near-Lossless) Image Compression'
        >>> syntax_that_may_lose("1.2.840.10008.1.2.4.80") is None
        True
        >>> syntax_that_may_lose("1.2.3")
        'a transfer syntax that the standard does not know'

    DICOM PS3.6, Table A-1; PS3.5, section 8.2 and Annex A.
    """
    uid = uid.strip(" \0")
    if uid in LOSSLESS:
        return None
    return _NAMES.get(uid, ("a transfer syntax that the standard does not know", ""))[0]
