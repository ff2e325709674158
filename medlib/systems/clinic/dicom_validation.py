"""What an outside validator, dciodvfy, says of a DICOM file, where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Validation", "validate", "why_no_validator"]

_ERROR, _WARNING = re.compile(r"^Error", re.MULTILINE), re.compile(r"^Warning", re.MULTILINE)
_ENOUGH_S = 60.0


@dataclass(frozen=True)
class Validation:
    """The validator's findings.

    Attributes:
        errors, warnings: its lines.
        ran: False where it is not installed; there are then neither, which says nothing.
    """

    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    ran: bool

    @property
    def in_words(self) -> str:
        """For the ledger and the page."""
        if not self.ran:
            return "not validated: dciodvfy is not installed"
        return f"dciodvfy: {len(self.errors)} errors, {len(self.warnings)} warnings"


def why_no_validator() -> str | None:
    """What is missing, in words; None if nothing is."""
    if shutil.which("dciodvfy"):
        return None
    return "dciodvfy is not installed (Debian: apt-get install dicom3tools)"


def validate(path: Path) -> Validation:
    """Run `dciodvfy -new`. It ends with 0 on some errors, so that its words are what counts.

    Raises:
        ValueError: there is no such file, or the validator could not read it.

    The validator is David Clunie's, of dicom3tools; it does not know templates of reports.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is not a file")
    if why_no_validator():
        return Validation((), (), ran=False)
    done = subprocess.run(
        ["dciodvfy", "-new", str(path)], capture_output=True, text=True, errors="replace",
        check=False, timeout=_ENOUGH_S,
    )  # fmt: skip
    lines = (done.stderr + done.stdout).splitlines()
    errors = tuple(line for line in lines if _ERROR.match(line))
    if not lines or (done.returncode and not errors):
        raise ValueError(f"dciodvfy said nothing that could be read, and ended {done.returncode}")
    return Validation(errors, tuple(line for line in lines if _WARNING.match(line)), ran=True)
