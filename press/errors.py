"""Errors made for the person who reads them, and the exit codes of `medbook`."""

from __future__ import annotations

import errno
from enum import IntEnum
from pathlib import Path


class Exit(IntEnum):
    """What the exit code of `medbook` means."""

    OK = 0
    CHECK_FAILED = 1
    USAGE = 2
    CHAPTER_FAILED = 3
    ENVIRONMENT = 4
    FAULT = 70
    INTERRUPTED = 130


EXIT_MEANINGS = {
    Exit.OK: "all is well",
    Exit.CHECK_FAILED: "something checked is wrong: a claim, a result, a figure, a budget",
    Exit.USAGE: "bad input: an unknown chapter, parameter or option, a file that cannot be read",
    Exit.CHAPTER_FAILED: "a chapter failed to execute",
    Exit.ENVIRONMENT: "trouble with the machine: disk full, no permission, a tool is missing",
    Exit.FAULT: "a fault in medbook itself; run again with --debug and report it",
    Exit.INTERRUPTED: "interrupted (Ctrl-C or a termination signal)",
}


class UserError(Exception):
    """A failure told in one line, with the exit code it ends the command with."""

    def __init__(self, message: str, exit_code: int = Exit.USAGE) -> None:
        super().__init__(message)
        self.exit_code = int(exit_code)


def describe_os_error(error: OSError) -> str:
    """One line for an operating-system error, with what to do about it.

    >>> describe_os_error(OSError(errno.ENOSPC, "No space left on device", "build/x"))
    'the disk is full: build/x: free some space (`medbook clean` removes build/) and run again'
    """
    where = f": {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        cause = "the disk is full"
        cure = "free some space (`medbook clean` removes build/) and run again"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        cause, cure = "may not write or read here", "check the folder's permissions"
    elif error.errno in (errno.ENOTDIR, errno.EEXIST):
        cause, cure = "a file stands where a folder belongs", "move it away and run again"
        if error.filename and (file := _file_on_the_way(Path(error.filename))):
            where = f": {file}"
    else:
        cause, cure = error.strerror or str(error) or type(error).__name__, ""
    return f"{cause}{where}" + (f": {cure}" if cure else "")


def _file_on_the_way(path: Path) -> Path | None:
    """The file that stands where `path` needs a folder, where there is one."""
    return next((p for p in reversed([path, *path.parents]) if p.exists() and not p.is_dir()), None)
