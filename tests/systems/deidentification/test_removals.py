"""What goes whatever it holds, with its reason."""

import pytest
from pydicom.datadict import DicomDictionary
from pydicom.tag import Tag

from medlib.systems.deidentification.removals import why_removed


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        (0x00090010, "private"), (0x00091001, "private"), (0x7FE10010, "private"),
        (0x00080000, "length"), (0x60003000, "curve or overlay"), (0x601E0022, "curve or overlay"),
        (0x50000005, "curve or overlay"), (0xFFFCFFFC, "padding"), (0x04000500, "bytes"),
        (0x00080FF0, "unknown"), (0x00000901, "message"), (0x00020016, "message"),
    ],
)  # fmt: skip
def test_what_goes(tag, words):
    assert words in why_removed(Tag(tag))


def test_all_else_that_pydicom_knows_is_for_the_table():
    kept = [tag for tag in DicomDictionary if why_removed(Tag(tag)) is None]
    assert len(kept) > 4500
    assert not any(Tag(tag).is_private for tag in kept)
    assert {0x00100010, 0x7FE00010, 0x00280010} <= set(kept)
