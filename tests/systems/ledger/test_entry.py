"""An entry's digest depends on all that it says, an entry is frozen, a line is one entry."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.systems.ledger.entry import (
    FIRST,
    Draft,
    Entry,
    digest_of,
    entry_after,
    from_line,
    to_line,
)

NOON = "2024-05-03T12:00:00Z"
BODIES = st.dictionaries(st.text("ab", max_size=2), st.integers(0, 3) | st.text("xy", max_size=2))
SAID = st.fixed_dictionaries(
    {
        "index": st.integers(0, 3),
        "time": st.sampled_from([NOON, "2024-05-03T12:00:01Z"]),
        "kind": st.sampled_from(["note", "run"]),
        "body": BODIES,
        "previous": st.sampled_from([FIRST, "1" * 64]),
    }
)


@settings(max_examples=80)
@given(SAID, SAID)
def test_two_entries_have_one_digest_only_if_they_say_the_same(one, other):
    assert (digest_of(**one) == digest_of(**other)) == (one == other)


def test_the_digest_by_hand():
    line = (
        b'pixels-to-patients ledger entry v1\n{"body":{"n":1},"index":0,"kind":"note","previous":"'
        + b"0" * 64 + b'","time":"2024-05-03T12:00:00Z"}'
    )  # fmt: skip
    entry = entry_after(None, Draft("note", {"n": 1}), time=NOON)
    assert entry.digest == hashlib.sha256(line).hexdigest()


@settings(max_examples=40)
@given(SAID)
def test_a_line_holds_the_entry(said):
    entry = Entry(**said, digest=digest_of(**said))
    line = to_line(entry)
    assert line.count(b"\n") == 1
    assert from_line(line) == entry == from_line(line[:-1])
    assert to_line(from_line(line)) == line


def test_an_entry_is_frozen_to_all_depths():
    body = {"a": {"b": [1, {"c": 2}]}}
    entry = entry_after(None, Draft("note", body), time=NOON)
    body["a"]["b"][1]["c"] = 3
    assert entry.body["a"]["b"][1]["c"] == 2
    with pytest.raises(TypeError):
        entry.body["a"]["b"][1]["c"] = 3
    with pytest.raises(AttributeError):
        entry.index = 2


@pytest.mark.parametrize(
    "time",
    ["2024-05-03", "2024-05-03T12:00:00", "2024-05-03T12:00:00+02:00", "2024-13-03T12:00:00Z", ""],
)
def test_a_time_in_another_form_is_refused(time):
    with pytest.raises(ValueError, match="time is"):
        entry_after(None, Draft("note", {}), time=time)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"index": -1}, "places count from 0"),
        ({"kind": ""}, "kind is empty"),
        ({"previous": "A" * 64}, "64 small hexadecimal"),
        ({"digest": "0" * 63}, "64 small hexadecimal"),
        ({"body": {"x": float("nan")}}, r"\$\.x is nan"),
    ],
)
def test_what_is_no_entry_is_refused(change, words):
    right = {"index": 0, "time": NOON, "kind": "note", "body": {}, "previous": FIRST}
    right["digest"] = digest_of(**right)
    with pytest.raises(ValueError, match=words):
        Entry(**right | change)


@pytest.mark.parametrize("change", [(b"{}", b"[]"), (b":0,", b":false,"), (b":0,", b":0.5,")])
def test_a_field_of_another_type_is_refused(change):
    line = to_line(entry_after(None, Draft("note", {}), time=NOON)).replace(*change)
    with pytest.raises(ValueError, match=r"index \(int\)"):
        from_line(line)


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"body":{}}', b"\x00", b"\xff\n"])
def test_what_is_no_line_is_refused(line):
    with pytest.raises(ValueError, match=r"line of a ledger|Expecting|decode"):
        from_line(line)
