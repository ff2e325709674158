"""The published vectors of RFC 8785, its number test, Node's own JSON, and laws."""

import hashlib
import json
import math
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from medlib.systems.ledger.canonical_json import canonical_json, read_canonical_json

GOLDEN = json.loads(
    (Path(__file__).parents[2] / "golden" / "canonical_json.json").read_text("utf-8")
)

# RFC 8785, appendix B
NUMBERS = """
0000000000000000 0
8000000000000000 0
0000000000000001 5e-324
8000000000000001 -5e-324
7fefffffffffffff 1.7976931348623157e+308
ffefffffffffffff -1.7976931348623157e+308
4340000000000000 9007199254740992
c340000000000000 -9007199254740992
4430000000000000 295147905179352830000
44b52d02c7e14af5 9.999999999999997e+22
44b52d02c7e14af6 1e+23
44b52d02c7e14af7 1.0000000000000001e+23
444b1ae4d6e2ef4e 999999999999999700000
444b1ae4d6e2ef4f 999999999999999900000
444b1ae4d6e2ef50 1e+21
3eb0c6f7a0b5ed8c 9.999999999999997e-7
3eb0c6f7a0b5ed8d 0.000001
41b3de4355555553 333333333.3333332
41b3de4355555554 333333333.33333325
41b3de4355555555 333333333.3333333
41b3de4355555556 333333333.3333334
41b3de4355555557 333333333.33333343
becbf647612f3696 -0.0000033333333333333333
43143ff3c1cb0959 1424953923781206.2
"""

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1) | TEXTS
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


def double(bits: str) -> float:
    return struct.unpack(">d", bytes.fromhex(bits))[0]


@pytest.mark.parametrize("name", GOLDEN["texts"])
def test_the_published_texts(name):
    given_text, canonical = GOLDEN["texts"][name]
    assert canonical_json(json.loads(given_text)) == canonical.encode()
    assert read_canonical_json(canonical.encode()) == json.loads(given_text)


@pytest.mark.parametrize(("bits", "text"), [line.split() for line in NUMBERS.split("\n") if line])
def test_the_published_numbers(bits, text):
    assert canonical_json(double(bits)).decode() == text
    assert canonical_json(read_canonical_json(text.encode())) == text.encode()


def numbers_of_the_published_test(n):
    """As its readme has it: a list, 2000 in a row, then what sha256 of sha256 of ... holds."""
    yield from map(double, GOLDEN["bits"])
    yield from (struct.unpack(">d", struct.pack(">Q", 2**52 + i))[0] for i in range(2000))
    block = bytes(32)
    while True:
        block = hashlib.sha256(block).digest()
        for value in struct.unpack("<4d", block):
            if value and math.isfinite(value):
                yield value


def test_ten_thousand_numbers_have_the_published_checksum():
    expected = GOLDEN["sha256_of_first_lines"]
    seen = hashlib.sha256()
    for n, value in enumerate(numbers_of_the_published_test(10_000), start=1):
        bits = struct.unpack(">Q", struct.pack(">d", value))[0]
        seen.update(b"%x,%s\n" % (bits, canonical_json(value)))
        if str(n) in expected:
            assert seen.hexdigest() == expected[str(n)], f"of the first {n} lines"
        if n == 10_000:
            break


NODE = """
const pair = (v) => (k) => JSON.stringify(k) + ':' + canonical(v[k]);
const canonical = (v) => Array.isArray(v) ? '[' + v.map(canonical).join(',') + ']'
  : v && typeof v === 'object' ? '{' + Object.keys(v).sort().map(pair(v)).join(',') + '}'
  : JSON.stringify(v);
process.stdout.write(canonical(JSON.parse(require('fs').readFileSync(0, 'utf8'))));
"""  # `sort` without an argument compares UTF-16 code units


@pytest.mark.skipif(not shutil.which("node"), reason="there is no node here")
def test_node_writes_the_same():
    values = []

    @settings(max_examples=100, database=None)
    @given(VALUES)
    def draw(value):
        values.append(value)

    draw()
    theirs = subprocess.run(
        ["node", "-e", NODE], input=json.dumps(values).encode(), capture_output=True, check=True
    ).stdout
    assert len(values) > 50
    assert canonical_json(values) == theirs


@settings(max_examples=60)
@given(VALUES)
def test_what_is_read_is_what_was_written(value):
    text = canonical_json(value)
    assert read_canonical_json(text) == value
    assert canonical_json(read_canonical_json(text)) == text


@settings(max_examples=60)
@given(st.dictionaries(TEXTS, VALUES, min_size=2, max_size=4))
def test_the_order_of_keys_does_not_matter(mapping):
    assert canonical_json(dict(reversed(mapping.items()))) == canonical_json(mapping)


@settings(max_examples=60)
@given(VALUES, st.data())
@example({"a": 1}, None)
def test_another_text_is_refused(value, data):
    text = canonical_json(value)
    at = len(text) if data is None else data.draw(st.integers(0, len(text)))
    for space in (b" ", b"\n"):
        other = text[:at] + space + text[at:]
        try:
            meant = json.loads(other)
        except ValueError:
            continue  # a space within a number, or a line break within a string
        if meant == value:
            with pytest.raises(ValueError, match="canonical form"):
                read_canonical_json(other)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"auc": math.nan}, r"\$\.auc is nan"),
        ([1, [math.inf]], r"\$\[1\]\[0\] is inf"),
        ({"n": 2**53}, r'write it as a string, "9007199254740992"'),
        ({"n": -(2**53)}, "beyond 2"),
        ({1: 2}, "the key 1"),
        ("\ud800", "surrogate"),
        ({"\udfff": 1}, "surrogate"),
        (b"bytes", "is a bytes"),
        ({1, 2}, "is a set"),
    ],
)
def test_what_has_no_text_is_refused(bad, words):
    with pytest.raises(ValueError, match=words):
        canonical_json(bad)


def test_a_circle_is_refused():
    circle = []
    circle.append(circle)
    with pytest.raises(ValueError, match="deeper than 100"):
        canonical_json(circle)
    with pytest.raises(ValueError, match="deeper than 100"):
        read_canonical_json(b"[" * 5000 + b"]" * 5000)


@pytest.mark.parametrize("text", ['{"a":1,"a":1}', '{"b":1,"a":1}', "1.0", "-0", '"\\/"', "1e400"])
def test_other_ways_to_write_a_value_are_refused(text):
    with pytest.raises(ValueError, match=r"canonical form|is inf"):
        read_canonical_json(text.encode())


@pytest.mark.parametrize("text", ["NaN", "{", "", "[1,]"])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(ValueError, match=r"NaN|Expecting|Illegal"):
        read_canonical_json(text.encode())
