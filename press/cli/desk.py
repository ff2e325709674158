"""What every verb of `medbook` is handed, and how it speaks and is interrupted."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from press.errors import Exit, UserError

if TYPE_CHECKING:
    from press.source.project import Project


@dataclass
class Desk:
    """What every command is handed (``@click.pass_obj``): the project, found when first asked."""

    root: Path | None = None
    _project: Any = None

    @property
    def project(self) -> Project:
        """The checkout that the command works on.

        Raises:
            UserError: there is none here.
        """
        if self._project is None:
            from press.source.project import Project, find_root

            if self.root is not None and not (self.root / "chapters").is_dir():
                raise UserError(f"--root {self.root} has no folder chapters/")
            self._project = Project(self.root.resolve() if self.root else find_root())
        return self._project


def warn(line: str) -> None:
    """A line on standard error."""
    click.echo(line, err=True)


def must_be_writable(output: Path, *, suffixes: Sequence[str] = ()) -> None:
    """Before a long run: can its result be written to `output`?

    Args:
        output: the file.
        suffixes: the endings that say what is written; by default any will do.

    Raises:
        UserError: it is a folder or a device, or stands in no folder or one that is not writable,
            or its name ends in none of `suffixes`: it would replace a file of another kind.
    """
    if output.is_dir():
        example = output / f"run{output.suffix or '.ipynb'}"
        raise UserError(f"-o {output} is a folder: give a file name, such as {example}")
    if output.exists() and not output.is_file():  # a rename would put a plain file in its place
        raise UserError(f"-o {output} is a device or a pipe: give the name of a plain file")
    if suffixes and output.suffix.lower() not in suffixes:
        raise UserError(f"-o {output}: the name must end in {' or '.join(suffixes)}")
    folder = output.absolute().parent
    if not folder.is_dir():
        raise UserError(f"-o {output}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise UserError(f"-o {output}: the folder {folder} is not writable", Exit.ENVIRONMENT)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let a termination signal end the command as Ctrl-C does: kernels killed, exit code 130."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {name: signal.signal(name, interrupt) for name in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
