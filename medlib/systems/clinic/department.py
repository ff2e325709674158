"""What stands ready before a study comes: archives, networks, rules, a key and a ledger's place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from medlib.systems.clinic.intake import Rules
from medlib.systems.clinic.readers import Readers
from medlib.systems.clinic.server_or_files import Archive
from medlib.systems.deidentification.options import Options

__all__ = ["Department", "Pause", "utc_now"]

Pause = Callable[[str, str], None]
"""Called with a step and a moment of it; a trial that kills does it from there."""


def utc_now() -> str:
    """The time as a ledger has it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Department:
    """What the steps of every study use.

    Attributes:
        inbox, outbox: where studies are, and where results go.
        folder: for the files of each step; made readable by the owner alone.
        ledger: file of the ledger.
        readers: the networks.
        key: 16 random bytes or more; who has it can tell whose study is whose.
        rules: of what may be read.
        options: of de-identification.
        clock: gives the time for the ledger; a study's objects all bear that of its arrival. In
            both it is moved by a keyed offset of the patient, as dates of de-identification are.
        pause: called at the moments of every step, for trials.
    """

    inbox: Archive
    outbox: Archive
    folder: Path
    ledger: Path
    readers: Readers
    key: bytes
    rules: Rules = field(default_factory=Rules)
    options: Options = field(default_factory=Options)
    clock: Callable[[], str] = utc_now
    pause: Pause = lambda step, moment: None
