"""Attributes that are removed whatever they hold."""

from __future__ import annotations

from pydicom.datadict import dictionary_has_tag, tag_for_keyword
from pydicom.tag import BaseTag, Tag

__all__ = ["why_removed"]

_OPAQUE = {Tag(0xFFFCFFFC): "padding, which may hold anything"} | {
    Tag(tag_for_keyword(name)): "bytes that cannot be looked into"
    for name in ("EncryptedAttributesSequence", "EncryptedContent", "MAC", "Signature")
}


def why_removed(tag: BaseTag) -> str | None:
    """Why an attribute is removed whatever it holds; None if the table and its value decide.

    Private attributes go, all of them: no list of safe ones is kept. So do those that pydicom's
    dictionary does not know, as nothing is known of what they hold.

    Example:
        >>> why_removed(Tag(0x00091001)), why_removed(Tag(0x00100010))
        ('private', None)
    """
    if tag.is_private:
        return "private"
    if tag.group in (0x0000, 0x0002, 0x0004, 0x0006):
        return "of a message, a file or a medium, not of the dataset"
    if tag.group & 0xFF00 in (0x5000, 0x6000):
        return "curve or overlay"
    if tag.element == 0:
        return "length of a group, which is another now"
    if tag in _OPAQUE:
        return _OPAQUE[tag]
    return None if dictionary_has_tag(tag) else "unknown: not in the dictionary of DICOM"
