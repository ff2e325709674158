"""One thing in all its writings; and what was written otherwise is read."""

import base64
import gzip
import hashlib
import json
import zlib

import pytest

from medlib.systems.clinic.other_writings import (
    date_form,
    dense,
    folded,
    id_form,
    name_form,
    texts_in,
    time_form,
    uid_form,
)


def stands(form, written) -> bool:
    written = written.encode() if isinstance(written, str) else written
    flat = folded(texts_in(written))
    return form.stands_in(written.lower(), flat, dense(flat))


@pytest.mark.parametrize(
    "text",
    ["Größe", "GROESSE", "grosse", "G-R-Ö-S-S-E", "Gr%C3%B6%C3%9Fe",
     "Gr&ouml;&szlig;e", "Größe".encode("latin-1"), "größe".encode("utf-16-be"),
     "größe".encode("utf-16-le"), json.dumps("Größe")],
)  # fmt: skip
def test_a_name(text):
    assert stands(name_form("Größe"), text)


@pytest.mark.parametrize("wrap", [base64.b64encode, bytes.hex, zlib.compress, gzip.compress])
@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_a_name_in_another_writing(wrap, before):
    hidden = wrap(f"{before} of Größe".encode())
    hidden = hidden.encode() if isinstance(hidden, str) else hidden
    assert stands(name_form("Größe"), b"\x00\x01key=" + hidden + b";\xff")
    assert not stands(name_form("Klein"), hidden)


def test_two_writings_within_each_other_and_not_three():
    twice = base64.b64encode(zlib.compress(b"for Erika and nobody else"))
    assert "Erika" in texts_in(twice)
    assert "Erika" not in texts_in(base64.b64encode(twice))


@pytest.mark.parametrize(
    "text",
    ["20240503", "2024-05-03", "2024/5/3", "03.05.2024", "3. 5. 2024", "05/03/2024", "3-MAY-2024",
     "May 3rd, 2024", "3rd of May 2024", "03. Mai 2024", "03052024", "2024 May 3"],
)  # fmt: skip
def test_a_date(text):
    assert stands(date_form("20240503"), text)
    assert stands(date_form("20240503"), f"on {text}.")
    assert not stands(date_form("20240504"), text)


@pytest.mark.parametrize(
    "text", ["13:05:09", "13.05.09", "1:05:09 PM", "01:05:09 p.m.", "13-05-09", "13h05m09"]
)
def test_a_time(text):
    assert stands(time_form("130509"), text)
    assert not stands(time_form("130508"), text)
    assert not stands(time_form("140509"), text)


@pytest.mark.parametrize("text", ["00731415", "731415", "731 415", "73-14-15", "007.314.15"])
def test_a_number(text):
    assert stands(id_form("00731415"), text)
    assert not stands(id_form("00731416"), text)


def test_a_plain_digest_of_a_number_only_where_it_is_asked_for():
    for method in (hashlib.md5, hashlib.sha1, hashlib.sha256):
        digest = method(b"0031415").hexdigest()
        assert stands(id_form("0031415", digested=True), digest.upper())
        assert not stands(id_form("0031415"), digest)
        assert not stands(id_form("0031416", digested=True), digest)


@pytest.mark.parametrize("uid", ["2.25.329800735698586629295641978511506172918"])
def test_a_uid(uid):
    number = int(uid[5:])
    form = uid_form(uid)
    for text in (uid, uid[5:], f"{number:x}", f"{number:032X}"):
        assert stands(form, text)
    whole = number.to_bytes(16, "big")
    assert stands(form, b"\x00" + whole + b"\x00")
    assert stands(form, whole[::-1])
    assert not stands(uid_form("1.2.840.3.4"), "1.2.840.3.5")
    assert stands(uid_form("1.2.840.3.4"), "uid=1.2.840.3.4")
