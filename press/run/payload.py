"""What travels between this machine and a cluster: the book's sources one way, run folders back.

The sources are one tar under its digest, the same bytes for the same files. With them goes
`shipped.json`: which commit they are, and what a worker must have installed.
"""

from __future__ import annotations

import importlib.metadata
import io
import json
import platform
import re
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from press.errors import UserError
from press.source.project import Project

PACKAGES = ("press", "medlib", "data_fetch")
FOLDERS = ("chapters", "results", *PACKAGES)
FILES = ("pyproject.toml", "constraints.txt", "_toc.yml")
SHIPPED = "shipped.json"
PIN = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*==\s*([^\s;#]+)")


@dataclass(frozen=True)
class Passport:
    """What a worker must show before its first point: the digests, and what they are made of.

    Attributes:
        python: the version of Python.
        packages: name -> version of each package that constraints.txt pins and that is installed;
            without a local label such as ``+cpu``, which names the machine and not the code.
        files: path -> sha256 of every file that is shipped.
    """

    python: str
    packages: dict[str, str]
    files: dict[str, str]

    @property
    def digests(self) -> dict[str, str]:
        """What is compared: of the shipped tree, of constraints.txt, of all that is installed."""
        return {
            "tree": _digest_of(self.files),
            "constraints": self.files.get("constraints.txt", ""),
            "installed": _digest_of([self.python, self.packages]),
        }


@dataclass(frozen=True)
class Payload:
    """The sources, packed: a tar, its digest, and the passport that belongs to it."""

    digest: str
    data: bytes
    passport: Passport


def pack_project(project: Project) -> Payload:
    """Pack what a run needs of `project`, as its files stand now.

    A project without a `press` of its own, such as a test's, is run by ours.
    """
    from medlib.experiment.environment import commit

    files = dict(shipped_files(project.root))
    content = {name: path.read_bytes() for name, path in sorted(files.items())}
    passport = Passport(
        python=platform.python_version(),
        packages=installed(content.get("constraints.txt", b"").decode()),
        files={name: sha256(data).hexdigest() for name, data in content.items()},
    )
    stands_at = commit(project.root)
    shipped = {"git": stands_at.model_dump() if stands_at else None, **asdict(passport)}
    content[SHIPPED] = json.dumps(shipped, indent=1, sort_keys=True).encode()
    data = pack(content)
    return Payload(sha256(data).hexdigest(), data, passport)


def shipped_commit(root: Path) -> str:
    """The commit that sources which were sent are of; empty where `root` is a checkout itself.

    Returns:
        The sha, with ``+changes`` behind it where tracked files differ; "none" if it is not known.
    """
    path = root / SHIPPED
    if not path.is_file():
        return ""
    commit = json.loads(path.read_text(encoding="utf-8"))["git"]
    return commit["sha"] + "+changes" * commit["dirty"] if commit else "none"


def shipped_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Name and place of every file that a run may need."""
    ours = Path(__file__).resolve().parents[2]
    for folder in FOLDERS:
        base = root if (root / folder).is_dir() else ours if folder == "press" else None
        for path in (base / folder).rglob("*") if base else ():
            name = path.relative_to(base)
            hidden = any(part.startswith(".") or part == "__pycache__" for part in name.parts)
            if path.is_file() and not hidden:
                yield name.as_posix(), path
    for name in FILES:
        if (root / name).is_file():
            yield name, root / name


def installed(constraints: str) -> dict[str, str]:
    """Name and version of what is installed here of what `constraints` pins.

    >>> list(installed("numpy==1.0\\nnot-a-package==2.0\\n"))
    ['numpy']
    """
    found: dict[str, str] = {}
    for distribution in importlib.metadata.distributions():
        name = normal(distribution.name or "")
        found.setdefault(name, distribution.version.partition("+")[0])
    return {name: found[name] for name in sorted(set(pins(constraints)) & set(found))}


def pins(constraints: str) -> dict[str, str]:
    """Name and version of what `constraints` pins.

    >>> pins("NumPy == 1.0  # why\\nscipy==2.1.0\\n")
    {'numpy': '1.0', 'scipy': '2.1.0'}
    """
    found = (PIN.match(line) for line in constraints.splitlines())
    return {normal(m[1]): m[2].partition("+")[0] for m in found if m}


def normal(name: str) -> str:
    """A distribution's name as the package index compares it.

    >>> normal("Ruamel.Yaml_clib")
    'ruamel-yaml-clib'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def pack(content: dict[str, bytes]) -> bytes:
    """A tar of `content`, by name; equal content makes equal bytes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in sorted(content.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o644
            tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def pack_folder(folder: Path) -> bytes:
    """A tar of the files of a run's folder."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return pack({path.relative_to(folder).as_posix(): path.read_bytes() for path in files})


def unpack(data: bytes, folder: Path) -> None:
    """Write the files of a tar below `folder`; what would lie elsewhere, or is no file, is refused.

    Raises:
        UserError: the bytes are not such a tar.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            for member in tar:
                if not member.isfile():
                    raise UserError(f"what came back holds {member.name!r}, which is no plain file")
                tar.extract(member, folder, filter="data")
    except tarfile.TarError as error:
        raise UserError(f"what came back is no whole run folder: {error}") from None


def _digest_of(content: Any) -> str:
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
