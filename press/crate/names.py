"""Names of files in a crate: which are safe to write below a folder, on any machine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

LONGEST = 240
UNSAFE = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')


def name_fault(name: str) -> str:
    """Why a file of that name may not lie in a crate; empty where it may.

    >>> [name_fault(n)[:16] for n in ("code/a.py", "../a", "/a", "a//b", "c:/a")]
    ['', 'leaves the crate', 'leaves the crate', 'is no plain rela', 'is no name that ']
    """
    parts = name.split("/")
    if not name:
        return "is empty"
    if name.startswith("/") or ".." in parts:
        return "leaves the crate"
    if "" in parts or "." in parts:
        return "is no plain relative path"
    if UNSAFE.search(name) or any(part.endswith((" ", ".")) for part in parts):
        return "is no name that every machine can write"
    if len(name) > LONGEST:
        return f"is longer than {LONGEST} characters"
    return ""


def clashes(names: Iterable[str]) -> Iterator[str]:
    """What in a set of names would overwrite something else: a sentence each.

    >>> list(clashes(["a", "a/b", "b", "B"]))
    ["'B' and 'b' are one file on some machines", "'a' is a file and a folder"]
    """
    known: dict[str, str] = {}
    names = sorted(names)
    for name in names:
        other = known.setdefault(name.casefold(), name)
        if other != name:
            yield f"{other!r} and {name!r} are one file on some machines"
    for name in names:
        parents = name.casefold().split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            if (above := "/".join(parents[:depth])) in known:
                yield f"{known[above]!r} is a file and a folder"
                break
