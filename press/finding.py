"""One thing that a check found: which chapter, what, in words, and how serious."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "note"]


@dataclass(frozen=True, order=True)
class Finding:
    """What a check has to say about a chapter.

    Args:
        chapter: id, `part/name`; empty when no single chapter is meant.
        what: the kind of check, a short stable word ("claim", "result", "figure", "lint"...).
        message: one sentence that says what is wrong and, where known, what would be right.
        severity: "error" fails the check, "note" is only shown.

    >>> print(Finding("pixels/demo", "claim", "does not hold"))
    pixels/demo: claim: does not hold
    """

    chapter: str
    what: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        return ": ".join(part for part in (self.chapter, self.what, self.message) if part)


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """Only the findings that fail a check, in their order.

    >>> errors([Finding("a/b", "figure", "one pixel differs", "note")])
    []
    """
    return [finding for finding in findings if finding.severity == "error"]
