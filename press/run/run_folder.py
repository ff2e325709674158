"""What lies in a run's folder: record, executed notebook, the press's own note."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from press.run.execute import NOTEBOOK, RECORD, read_note
from press.source.weave import read_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from medlib.experiment.record import Record


class Run:
    """What lies in a run's folder; each file is read when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def record(self) -> Record:
        """What the run measured.

        Raises:
            RecordError: it is missing, damaged or of another schema.
        """
        from medlib.experiment.record import read_record

        return read_record(self.folder / RECORD)

    @cached_property
    def note(self) -> dict[str, Any]:
        """What the press wrote beside the record."""
        return read_note(self.folder)

    @cached_property
    def notebook(self) -> NotebookNode:
        """The executed notebook; who changes it takes a copy.

        Raises:
            UserError: it is missing or damaged.
        """
        return read_notebook(self.folder / NOTEBOOK)
