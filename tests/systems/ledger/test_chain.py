"""Every change but a cut at the end is found, where it is, and called what it is."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.systems.ledger.chain import first_fault, is_whole
from medlib.systems.ledger.entry import Draft, digest_of, entry_after

NOON = "2024-05-03T12:00:00Z"


def chain(n, note="note"):
    entries = []
    for i in range(n):
        last = entries[-1] if entries else None
        entries.append(entry_after(last, Draft(note, {"n": i}), time=NOON))
    return entries


def resealed(entry, **change):
    """The entry changed, with a digest that is right again."""
    said = {
        name: getattr(entry, name) for name in ("index", "time", "kind", "body", "previous")
    } | change
    return replace(entry, **change, digest=digest_of(**said))


@given(st.integers(0, 6))
@settings(max_examples=8)
def test_a_chain_is_whole_and_so_is_its_beginning(n):
    entries = chain(6)[:n]
    assert first_fault(entries) is None
    assert all(map(is_whole, entries))


@pytest.mark.parametrize("position", range(5))
@pytest.mark.parametrize(
    "change", [{"body": {"n": 99}}, {"kind": "other"}, {"time": "2024-05-03T12:00:01Z"},
               {"digest": "1" * 64}]
)  # fmt: skip
def test_changed_content(position, change):
    entries = chain(5)
    entries[position] = replace(entries[position], **change)
    fault = first_fault(entries)
    assert (fault.position, fault.wrong) == (position, "content changed")
    assert fault.was == entries[position].digest != fault.found


@given(st.lists(st.integers(0, 4), min_size=1, max_size=4, unique=True).map(sorted))
@settings(max_examples=30)
def test_removed(gone):
    whole = chain(6)
    fault = first_fault([entry for i, entry in enumerate(whole) if i not in gone])
    assert (fault.position, fault.wrong) == (gone[0], "removed")


@given(st.permutations(range(5)))
@settings(max_examples=40)
def test_reordered(order):
    fault = first_fault([chain(5)[i] for i in order])
    wrong = [position for position, i in enumerate(order) if position != i]
    if not wrong:
        assert fault is None
    else:
        assert (fault.position, fault.wrong) == (wrong[0], "reordered")


@pytest.mark.parametrize("position", range(1, 6))
def test_a_copy_is_inserted(position):
    entries = chain(5)
    entries.insert(position, entries[0])
    fault = first_fault(entries)
    assert (fault.position, fault.wrong) == (position, "inserted")


@pytest.mark.parametrize("position", range(4))
def test_a_stranger_is_inserted(position):
    entries = chain(5)
    entries.insert(position, chain(5, note="other")[max(position, 1)])
    fault = first_fault(entries)
    assert (fault.position, fault.wrong) == (position, "inserted")


@pytest.mark.parametrize("position", range(5))
def test_a_well_made_entry_is_inserted_and_claims_the_place_of_the_next(position):
    entries = chain(5)
    last = entries[position - 1] if position else None
    entries.insert(position, entry_after(last, Draft("note", {"lie": 1}), time=NOON))
    fault = first_fault(entries)
    assert (fault.position, fault.wrong) == (position + 1, "inserted")


@pytest.mark.parametrize("position", range(4))
def test_a_rewritten_entry_breaks_the_next_link(position):
    entries = chain(5)
    entries[position] = resealed(entries[position], body={"n": 99})
    fault = first_fault(entries)
    assert (fault.position, fault.wrong) == (position + 1, "wrong previous")


@pytest.mark.parametrize("position", range(1, 5))
def test_a_wrong_previous(position):
    entries = chain(5)
    entries[position] = resealed(entries[position], previous="1" * 64)
    assert first_fault(entries).wrong == "wrong previous"
    assert first_fault(entries).position == position


@pytest.mark.parametrize("position", range(5))
def test_a_wrong_index(position):
    entries = chain(5)
    entries[position] = resealed(entries[position], index=position + 7)
    fault = first_fault(entries)
    assert (fault.position, fault.wrong) == (position, "wrong index")


def test_a_cut_at_the_end_leaves_no_fault():
    """It is why heads are signed."""
    assert first_fault(chain(5)[:3]) is None
