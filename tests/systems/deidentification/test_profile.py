"""The table is the library's: every action of its own rules is the one that is read here."""

import pytest
from dicomanonymizer import simpledicomanonymizer as theirs
from pydicom.tag import Tag

from medlib.systems.deidentification.profile import DESCRIPTORS, EDITION, code_of, table_tags

CODES = {
    theirs.replace: "D",
    theirs.empty: "Z",
    theirs.delete: "X",
    theirs.replace_UID: "U",
    theirs.empty_or_replace: "Z/D",
    theirs.delete_or_empty: "X/Z",
    theirs.delete_or_replace: "X/D",
    theirs.delete_or_empty_or_replace: "X/Z/D",
    theirs.delete_or_empty_or_replace_UID: "X/Z/U*",
}


def test_every_rule_of_the_library_is_read_as_it_is():
    rules = theirs.initialize_actions(f"dicomfields_{EDITION}")
    single = {Tag(*tag): CODES[action] for tag, action in rules.items() if len(tag) == 2}
    assert {tag: code_of(tag) for tag in table_tags()} == single
    assert len(single) > 600


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        (0x60023000, "X"), (0x601E4000, "X"), (0x50000005, "X"), (0x60023001, None),
        (0x00280010, None), (0x00100010, "Z"), (0x00100020, "Z/D"), (0x0020000D, "U"),
    ],
)  # fmt: skip
def test_attributes_and_ranges(tag, code):
    assert code_of(Tag(tag)) == code


def test_what_the_table_leaves_open():
    """The text of a structured report is not in it: a table alone lets findings pass."""
    assert code_of(Tag(0x0040A160)) is None


def test_descriptors_are_removed_or_emptied_without_the_option():
    assert all(code_of(tag) is not None for tag in DESCRIPTORS)
