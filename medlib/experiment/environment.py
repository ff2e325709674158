"""What a run depended on: the project's files it imported, packages, commit, device, resources."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import re
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from medlib.experiment.record import Commit, Device

if TYPE_CHECKING:
    import torch

TRACKED_PACKAGES = ("medlib", "data_fetch")
PYTHON_FILE = re.compile(r'^"?([^/,"\n]+?)(?:/[^,"\n]*)?\.py"?,', re.MULTILINE)  # its first part
NAME = re.compile(r"^Name:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
VERSION = re.compile(r"^Version:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)


def sha256_of_file(path: Path) -> str:
    """The sha256 of a file's bytes, as 64 hexadecimal digits."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def project_root() -> Path:
    """The folder that holds `medlib`, or the one named by MEDBOOK_ROOT."""
    named = os.environ.get("MEDBOOK_ROOT")
    return Path(named).resolve() if named else Path(__file__).resolve().parents[2]


CHANGED_MEANWHILE = "0" * 64  # the digest of no file, so that a run that has it is never fresh


def tracked_files(root: Path) -> dict[str, str]:
    """sha256 of every Python file of the library packages, by path relative to `root`."""
    return {
        path.relative_to(root).as_posix(): sha256_of_file(path)
        for package in TRACKED_PACKAGES
        for path in sorted((root / package).rglob("*.py"))
    }


def imported_files(root: Path, *, before: Mapping[str, str] | None = None) -> dict[str, str]:
    """Path (relative to `root`) and sha256 of every project file that this process imported.

    Args:
        root: the project.
        before: `tracked_files` when the run began. A file whose bytes are others now may not be the
            one that was imported: `CHANGED_MEANWHILE` stands in the place of its digest. Clocks
            play no part in it.
    """
    found = {}
    for module in list(sys.modules.values()):
        package = (getattr(module, "__name__", "") or "").partition(".")[0]
        path = getattr(module, "__file__", None)
        if package in TRACKED_PACKAGES and path:
            resolved = Path(path).resolve()
            if resolved.is_relative_to(root) and resolved.is_file():
                name, digest = resolved.relative_to(root).as_posix(), sha256_of_file(resolved)
                same = before is None or before.get(name) == digest
                found[name] = digest if same else CHANGED_MEANWHILE
    return dict(sorted(found.items()))


def imported_packages() -> dict[str, str]:
    """Name and version of every installed distribution that this process imported."""
    imported = {name.partition(".")[0] for name in sys.modules}
    found = dict(
        _name_and_version(distribution)
        for distribution in importlib.metadata.distributions()
        if any(module in imported for module in _top_levels(distribution))
    )
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _top_levels(distribution: importlib.metadata.Distribution) -> Iterator[str]:
    """The top-level modules of a distribution: declared, else those of its record's Python files.

    As `importlib.metadata.packages_distributions` has it, which reads twice as much. One by one,
    some of them often: of a long record most need not be looked at.
    """
    if declared := (distribution.read_text("top_level.txt") or "").split():
        yield from declared
    elif record := distribution.read_text("RECORD"):
        yield from (file[1] for file in PYTHON_FILE.finditer(record))
    else:
        files = distribution.files or ()
        yield from (f.parts[0].removesuffix(".py") for f in files if f.suffix == ".py")


def _name_and_version(distribution: importlib.metadata.Distribution) -> tuple[str, str]:
    """As `distribution.name` and `.version`, each of which would parse its whole description."""
    head = (distribution.read_text("METADATA") or "").partition("\n\n")[0]
    name, version = NAME.search(head), VERSION.search(head)
    if name and version:
        return name[1], version[1]
    return distribution.name, distribution.version


def commit(root: Path) -> Commit | None:
    """The commit `root` stands at, and whether tracked files differ from it.

    None without git, and where `root` merely lies inside another repository. Variables such as
    GIT_DIR, which would name another one, are not heeded. Files under ``results/`` may differ: what
    a run reads there is in its record as data. Where the sources were sent to another machine,
    MEDBOOK_COMMIT tells: a sha, ``+changes`` behind it if files differed, or "none".
    """
    if told := os.environ.get("MEDBOOK_COMMIT"):
        sha, _, changes = told.partition("+")
        return None if told == "none" else Commit(sha=sha, dirty=bool(changes))
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            check=True,
            env=own,
        ).stdout.strip()

    try:
        top, sha = git("rev-parse", "--show-toplevel", "HEAD").rsplit("\n", 1)
        if Path(top).resolve() != root.resolve():
            return None  # unpacked inside another project's repository
        return Commit(
            sha=sha,
            dirty=bool(
                git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!results")
            ),
        )
    except (OSError, subprocess.CalledProcessError):
        return None


def constraints_digest(root: Path) -> str:
    """The sha256 of constraints.txt, or an empty string where there is none."""
    path = root / "constraints.txt"
    return sha256_of_file(path) if path.is_file() else ""


def resolve_device(requested: str) -> torch.device:
    """The device that `requested` names; "auto" is the GPU where there is one.

    Raises:
        ValueError: the name is unknown, or "cuda" was asked for where there is none.
    """
    import torch

    if requested not in ("auto", "cpu", "cuda"):
        raise ValueError(f'device = {requested!r}: must be "auto", "cpu" or "cuda"')
    if requested == "cuda" and not torch.cuda.is_available():
        raise ValueError('device = "cuda": no CUDA device here; use "auto" or "cpu"')
    if requested == "auto":
        requested = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(requested)


def describe_device(requested: str, used: torch.device) -> Device:
    """The device for the record, with the name its maker gave it."""
    import torch

    name = torch.cuda.get_device_name(used) if used.type == "cuda" else processor()
    return Device(requested=requested, used=used.type, name=name)


@cache
def processor() -> str:
    """The processor's model name, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def peak_memory_mib() -> float:
    """The peak resident memory of this process in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def cpu_seconds() -> float:
    """User and system CPU seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def make_torch_deterministic() -> None:
    """Ask torch for deterministic algorithms, on CPU and GPU alike."""
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_deterministic_debug_mode("error")  # the other way imports the compiler, for a second
    # Memory that torch has not written yet is not read here; filling it is a tenth of a training.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
