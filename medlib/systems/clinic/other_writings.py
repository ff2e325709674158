"""How else a name, a number, a date or a UID may be written, and what other writing may hide it.

A `Form` is one thing that is sought, in all its writings; `texts_in` reads what a file says, in
letters of one or two bytes, escaped, in base64, as hexadecimal digits or compressed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import re
import unicodedata
import uuid
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

__all__ = [
    "Form", "date_form", "dense", "folded", "id_form", "name_form", "texts_in", "time_form",
    "uid_form", "whole_name_form",
]  # fmt: skip

_LETTER = rb"(?:[\t\n\r\x20-\x7e]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2})"
_NARROW = re.compile(_LETTER + rb"{4,}")
_WIDE = re.compile(rb"(?:[\x20-\x7e\xa0-\xff]\x00){4,}[\x20-\x7e]?")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])(?=[0-9]*[A-Za-z+/])[A-Za-z0-9+/]{7,}")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}){4,}(?![0-9A-Za-z])")
_COMPRESSED = re.compile(rb"\x78[\x01\x5e\x9c\xda]|\x1f\x8b\x08")
_MOST_BYTES, _DEEPEST = 1 << 20, 2
_ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "iso2022_jp")
_TWO_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "ß": "ss"})
_MONTHS = (
    ("january", "jan", "januar"), ("february", "feb", "februar"), ("march", "mar", "marz", "maerz"),
    ("april", "apr"), ("may", "mai"), ("june", "jun", "juni"), ("july", "jul", "juli"),
    ("august", "aug"), ("september", "sep", "sept"), ("october", "oct", "oktober", "okt"),
    ("november", "nov"), ("december", "dec", "dezember", "dez"),
)  # fmt: skip


@dataclass(frozen=True)
class Form:
    """One thing that is sought.

    Attributes:
        kind: "name", "date" and so on.
        plain: bytes, in small letters, any of which is a find anywhere in a file.
        dense: of which one must stand in the file's letters and digits without all else.
        pattern: how they must stand in its folded text; None = anyhow.
    """

    kind: str
    plain: tuple[bytes, ...] = ()
    dense: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None

    def stands_in(self, lowered: bytes, flat: str, letters: str) -> bool:
        """Whether it is in a file's bytes in small letters, its `folded` text, or the `dense`."""
        if any(one in lowered for one in self.plain):
            return True
        there = any(one in letters for one in self.dense)
        return there and (self.pattern is None or bool(self.pattern.search(flat)))


def folded(text: str) -> str:
    """In small letters, without the marks above and below them.

    Example:
        >>> folded("MÜLLER, Zoë; Groß")
        'muller, zoe; gross'
    """
    if not text.isascii():
        apart = unicodedata.normalize("NFKD", text)
        text = "".join(one for one in apart if not unicodedata.combining(one))
    return text.casefold()


def dense(flat: str) -> str:
    """Letters and digits alone."""
    return re.sub(r"[\W_]+", "", flat)


def name_form(part: str) -> Form:
    """A part of a name: in any letters, without its diacritics or with two letters for one, spaced.

    Example:
        >>> form = name_form("Müller")
        >>> [form.stands_in(b"", folded(t), dense(folded(t))) for t in ("MUELLER", "m u l l e r")]
        [True, True]
    """
    written = {folded(part), folded(part.lower().translate(_TWO_LETTERS))}
    spaced = (f"{one[0]}(?P<s{i}>[\\W_]{{1,2}}){f'(?P=s{i})'.join(one[1:])}"
              for i, one in enumerate(sorted(written)))  # fmt: skip
    pattern = "|".join([*map(re.escape, sorted(written)), *spaced])
    plain = _encoded({part.lower(), *written})
    return Form("name", plain, tuple(sorted(written)), re.compile(pattern))


def whole_name_form(parts: Sequence[str]) -> Form:
    """Two parts of a name side by side, as words, in either order; for parts too short alone."""
    one, other = (dense(folded(part)) for part in parts[:2])
    between = r"[\W_]{1,3}"
    pattern = rf"\b(?:{one}{between}{other}|{other}{between}{one})\b"
    return Form("name", (), (one + other, other + one), re.compile(pattern))


def id_form(text: str, *, digested: bool = False) -> Form:
    """A number, also with blanks, points or hyphens in it, or without the zeros before it.

    Args:
        text: five letters or digits, or more.
        digested: whether its plain digests (MD5, SHA-1, SHA-256) are sought as well: of a number
            that can be guessed they are no secret.
    """
    plain = list(_encoded({text.lower()}))
    if digested:
        for method in ("md5", "sha1", "sha256"):
            plain.append(hashlib.new(method, text.encode()).hexdigest().encode())
    core = dense(folded(text))
    core = (core.lstrip("0") or core) if core.isdecimal() else core
    pattern = rf"(?<![\w.])[0 ]*{'[ ./_-]?'.join(core)}(?!\w|\.\d)"
    return Form("id", tuple(plain), (core,), re.compile(pattern))


def date_form(day: str) -> Form:
    """A day, YYYYMMDD: in any order of its parts, with a month in English or German words.

    Years of two digits are not sought: six digits stand in many places by chance.

    Example:
        >>> form = date_form("19570321")
        >>> texts = ("21.3.1957", "March 21st, 1957", "21. März 1957", "03/21/1957", "1957-03-21")
        >>> [form.stands_in(b"", folded(text), dense(folded(text))) for text in texts]
        [True, True, True, True, True]
    """
    y, m, d = day[:4], day[4:6], day[6:8]
    month, date = rf"0?{int(m)}", rf"0?{int(d)}"
    word = rf"(?:{'|'.join(_MONTHS[int(m) - 1])})" if 1 <= int(m) <= 12 else "(?!)"
    nth, gap = rf"{date}(?:st|nd|rd|th)?", r"[\W_]{1,3}(?:of )?"
    ways = (
        rf"{y}{gap}{month}{gap}{date}", rf"{date}{gap}{month}{gap}{y}", rf"{d}{m}{y}",
        rf"{month}{gap}{date}{gap}{y}", rf"{nth}{gap}{word}{gap}{y}", rf"{word}{gap}{nth}{gap}{y}",
        rf"{y}{gap}{word}{gap}{date}", rf"{d}{word}{y}", rf"{m}{d}{y}",
    )  # fmt: skip
    pattern = rf"(?<![\d.])(?:{'|'.join(ways)})(?!\d)"
    return Form("date", _encoded({day}), (y,), re.compile(pattern))


def time_form(time: str) -> Form:
    """A time of the day, HHMMSS and perhaps a fraction: with signs between its parts.

    Its six digits alone are not sought here, for chance writes them; with a fraction they are.
    """
    h, m, s = time[:2], time[2:4], time[4:6]
    rest = rf"[:.h-]{m}[:.m-]{s}"
    twelve = rf"0?{int(h) % 12 or 12}{rest} ?{'ap'[int(h) > 11]}\.?m"
    pattern = rf"(?<![\d.])(?:0?{int(h)}{rest}|{twelve})(?!\d|\.\d+\.)"
    plain = _encoded({f"{h}:{m}:{s}", *([time] if len(time) > 6 else [])})
    return Form("time", plain, (m,), re.compile(pattern))


def uid_form(text: str) -> Form:
    """A UID: as text; one of root 2.25 also as its number alone, in digits of ten or sixteen, with
    hyphens, or as sixteen bytes in either order."""
    plain, number = list(_encoded({text})), text.removeprefix("2.25.")
    if number == text or not number.isdecimal() or not 1 << 80 <= int(number) < 1 << 128:
        return Form("uid", tuple(plain))
    whole = uuid.UUID(int=int(number))
    plain += [whole.bytes.lower(), whole.bytes_le.lower(), whole.bytes[::-1].lower()]
    return Form("uid", tuple(plain), (number, f"{int(number):x}"))


def texts_in(written: bytes, *, deepest: int = _DEEPEST) -> str:
    """All that can be read in the bytes of a file, one piece a line.

    Letters of one or two bytes; what is escaped (as in JSON, HTML or an address); and, in what was
    read, what base64, hexadecimal digits or compression (zlib, gzip) hold, one in another at most.

    Args:
        written: the file, all of it.
        deepest: how often to look into what was found.

    Example:
        >>> "Erika" in texts_in(b"{'key': '" + base64.b64encode(b"for Erika") + b"'}")
        True
    """
    found = [one.decode("utf-8", errors="replace") for one in _NARROW.findall(written)]
    found += [one[: len(one) // 2 * 2].decode("utf-16-le") for one in _WIDE.findall(written)]
    text = "\n".join(found)
    plain = re.sub(r"\\u([0-9a-fA-F]{4})", lambda one: chr(int(one[1], 16)), text)
    plain = unquote(html.unescape(plain))
    if plain != text:
        text = f"{text}\n{plain}"
    if deepest:
        inner = (texts_in(one, deepest=deepest - 1) for one in _hidden(text, written))
        text = "\n".join([text, *filter(None, inner)])
    return text


def _hidden(text: str, written: bytes) -> Iterator[bytes]:
    for run in set(_BASE64.findall(text.replace("-", "+").replace("_", "/"))):
        for begin in range(4):  # what stands before it may be of other writing
            part = run[begin:]
            part = part[: len(part) - (len(part) % 4 == 1)]
            if len(part) > 5:
                yield base64.b64decode(part + "=" * (-len(part) % 4))
    for run in set(_HEX.findall(text)):
        yield binascii.unhexlify(run)
    for begin in _COMPRESSED.finditer(written):
        try:
            reader = zlib.decompressobj(wbits=47)  # zlib or gzip, as it says itself
            yield reader.decompress(memoryview(written)[begin.start() :], _MOST_BYTES)
        except zlib.error:
            continue


def _encoded(texts: set[str]) -> tuple[bytes, ...]:
    found = set()
    for text in texts:
        for encoding in _ENCODINGS:
            try:
                found.add(text.encode(encoding))
            except UnicodeEncodeError:
                continue
    return tuple(sorted(found))
