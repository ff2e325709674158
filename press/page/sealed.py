"""Texts and answers that a page holds without showing them.

Hints, solutions and words on an answer are sealed: xored with a stream of SHA-256 blocks, so that
neither the page's source nor a search in it shows them. What is said of an answer lies in a box
whose key, and whose place in the table of boxes, follow from the answer itself (PBKDF2); a page
holds the boxes of the right answer and of named mistakes, and no answer.

This keeps an answer out of sight; it keeps no secret. All that a page can check, its reader can
check a thousand times a second, and most answers are among a few hundred numbers or six options:
whoever writes that loop has earned the answer. `book/_static/exercises.js` does the same in the
browser.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from itertools import count

ROUNDS = 1000


def salt_of(chapter: str) -> str:
    """The salt of a chapter's page; an unchanged chapter makes an unchanged page."""
    return hashlib.sha256(f"exercises of {chapter}".encode()).hexdigest()[:16]


def seal(text: str, *, salt: str, label: str) -> str:
    """`text` under a key that the page holds: unreadable, and opened by a button.

    >>> open_sealed(seal("a hint", salt="0f", label="x/hint/1"), salt="0f", label="x/hint/1")
    'a hint'
    """
    return _xor_to_base64(text.encode(), _open_key(salt, label))


def open_sealed(sealed: str, *, salt: str, label: str) -> str:
    """What `seal` sealed."""
    return _xor(base64.b64decode(sealed), _open_key(salt, label)).decode()


def box(answer: str, content: dict[str, object], *, salt: str, name: str) -> tuple[str, str]:
    """The place and the sealed content of what is said of `answer` to the exercise `name`.

    Args:
        answer: the answer in its one spelling: the cell of a number, or the letter of an option.
        content: plain data.
        salt: the page's.
        name: the exercise's.
    """
    place, key = _answer_key(answer, salt=salt, name=name)
    return place, _xor_to_base64(json.dumps(content, ensure_ascii=False).encode(), key)


def open_box(boxes: dict[str, str], answer: str, *, salt: str, name: str) -> dict | None:
    """The content of the box of `answer`; None where there is none."""
    place, key = _answer_key(answer, salt=salt, name=name)
    return json.loads(_xor(base64.b64decode(boxes[place]), key)) if place in boxes else None


def _answer_key(answer: str, *, salt: str, name: str) -> tuple[str, bytes]:
    stretched = hashlib.pbkdf2_hmac(
        "sha256", f"{name}|{answer}".encode(), salt.encode(), ROUNDS, dklen=32
    )
    return stretched[:8].hex(), stretched[8:]


def _open_key(salt: str, label: str) -> bytes:
    return hashlib.sha256(f"{salt}|{label}".encode()).digest()


def _xor_to_base64(plain: bytes, key: bytes) -> str:
    return base64.b64encode(_xor(plain, key)).decode()


def _xor(data: bytes, key: bytes) -> bytes:
    stream = _stream(key)
    return bytes(byte ^ next(stream) for byte in data)


def _stream(key: bytes) -> Iterator[int]:
    for block in count():
        yield from hashlib.sha256(key + block.to_bytes(4, "big")).digest()
