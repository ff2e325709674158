"""The list of syntaxes that keep all is the standard's, and nothing else is on it."""

import pytest
from pydicom.uid import UID_dictionary

from medlib.systems.clinic.transfer_syntaxes import LOSSLESS, syntax_that_may_lose

SYNTAXES = {uid: name for uid, (name, kind, *_) in UID_dictionary.items()
            if kind == "Transfer Syntax"}  # fmt: skip
LOSSY = ("JPEG", "MPEG", "HEVC", "JPIP", "SMPTE", "MIME", "XML", "Papyrus")


@pytest.mark.parametrize("uid", sorted(SYNTAXES))
def test_every_syntax_of_the_standard_is_judged_by_its_name(uid):
    """By another rule than the library's list: what the name says."""
    name = SYNTAXES[uid]
    keeps = ("Lossless" in name and "Lossy" not in name) or not any(w in name for w in LOSSY)
    assert (syntax_that_may_lose(uid) is None) == keeps
    assert keeps or syntax_that_may_lose(uid) == name


def test_those_that_are_met_most():
    may = [f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 81, 91, 93, 100, 102, 107, 203)]
    keep = [f"1.2.840.10008.1.2.4.{n}" for n in (57, 70, 80, 90, 92, 201, 202)]
    assert not LOSSLESS & set(may)
    assert set(keep) <= LOSSLESS
    assert "1.2.840.10008.1.2.5" in LOSSLESS
    assert len(LOSSLESS) == 16


def test_an_unknown_one_is_not_known_to_keep_and_not_quoted():
    assert syntax_that_may_lose("1.2.276.0.99.1957.3.21") is not None
    assert "1957" not in syntax_that_may_lose("1.2.276.0.99.1957.3.21")
    assert syntax_that_may_lose("1.2.840.10008.1.2.1\0") is None
