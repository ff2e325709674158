"""A worker's passport, written on the worker: ``python -m press.run.admission`` in the sources.

It runs in a process like those of the points, in the sources that were sent, so that it tells what
a point will really find. What it reads on standard input is where the worker itself would find the
book's packages; a checkout of another commit there means that the worker was not started for this.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from press.run.payload import PACKAGES, SHIPPED, Passport, installed, shipped_files

MOST_NAMED = 3


def main() -> int:
    """Print the passport as one line of JSON."""
    checkouts = json.loads(sys.stdin.readline())
    print(json.dumps(examine(Path.cwd(), checkouts)))
    return 0


def examine(tree: Path, checkouts: dict[str, str]) -> dict[str, Any]:
    """The digests that this worker can show, and in words what differs from what is wanted.

    Args:
        tree: the sources that were sent, unpacked.
        checkouts: package -> the folder that holds it, where the worker would import it from.
    """
    wanted = json.loads((tree / SHIPPED).read_text(encoding="utf-8"))
    constraints = tree / "constraints.txt"
    found = Passport(
        python=platform.python_version(),
        packages=installed(constraints.read_text("utf-8") if constraints.is_file() else ""),
        files=own_files(tree, wanted["files"], checkouts),
    )
    return {
        "digests": found.digests,
        "differences": [
            *_other_python(found, wanted),
            *_other_packages(found, wanted),
            *_other_files(found, wanted, checkouts),
        ],
        "places": {"tree": str(tree), "prefix": sys.prefix, "home": str(Path.home())},
    }


def own_files(tree: Path, wanted: dict[str, str], checkouts: dict[str, str]) -> dict[str, str]:
    """The digest of each wanted file: in the worker's own checkout where it has one, else as sent.

    Where packages are installed, but not from a checkout, only they can differ.
    """
    sent = dict(shipped_files(tree))
    digests = {}
    for name in wanted:
        folder = _folder_of(name, checkouts)
        path = folder / name if folder else sent.get(name, tree / name)
        digests[name] = sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
    return digests


def _folder_of(name: str, checkouts: dict[str, str]) -> Path | None:
    """The worker's own folder in which a file of that name must be equal; None if it has none.

    Accepted results may differ: what a run reads of them is in its record as data.
    """
    package = name.partition("/")[0]
    if package == "results":
        return None
    if package in PACKAGES:
        return Path(checkouts[package]) if package in checkouts else None
    root = Path(checkouts.get("medlib", os.devnull))
    return root if (root / "pyproject.toml").is_file() else None


def _other_python(found: Passport, wanted: dict[str, Any]) -> list[str]:
    if found.python == wanted["python"]:
        return []
    return [f"its Python is {found.python}, wanted is {wanted['python']}"]


def _other_packages(found: Passport, wanted: dict[str, Any]) -> list[str]:
    names = {**wanted["packages"], **found.packages}
    here = {name: found.packages.get(name, "missing") for name in names}
    there = {name: wanted["packages"].get(name, "none") for name in names}
    other = [f"{n} is {here[n]}, wanted is {there[n]}" for n in names if here[n] != there[n]]
    return _some(other, "packages")


def _other_files(found: Passport, wanted: dict[str, Any], checkouts: dict[str, str]) -> list[str]:
    other = [name for name, digest in wanted["files"].items() if found.files[name] != digest]
    if not other:
        return []
    where = _folder_of(other[0], checkouts) or Path.cwd()
    commit = f"is of commit {wanted['git']['sha'][:10]}" if wanted["git"] else "is not that"
    stands = _commit_at(where)
    stands = f" stands at commit {stands[:10]}" if stands else ""
    named = ", ".join(_some(other, "files"))
    return [f"its checkout {where}{stands} and what was sent {commit}: other bytes in {named}"]


def _some(words: list[str], what: str) -> list[str]:
    more = len(words) - MOST_NAMED
    return words[:MOST_NAMED] + ([f"{more} more {what}"] if more > 0 else [])


def _commit_at(folder: Path) -> str:
    try:
        return subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


if __name__ == "__main__":
    sys.exit(main())
