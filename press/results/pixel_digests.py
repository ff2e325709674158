"""Digests of figures' pixels, each file decoded once however often a book is checked."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from medlib.experiment.record import write_atomically
from press.results.thumbnail import pixels_digest, read_pixels
from press.source.project import Project

MOST_KEPT = 20_000


class PixelDigests:
    """The digest of the pixels of an image file, looked up by the digest of its bytes.

    Two files of the same bytes hold the same pixels, so that what is kept never goes stale.
    """

    def __init__(self, memo: Path) -> None:
        self.memo = memo
        self.known = self._read()
        self.seen: dict[str, str] = {}

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self.memo.read_text(encoding="utf-8"))
            return known if isinstance(known, dict) else {}
        except (OSError, ValueError):
            return {}

    def of(self, path: Path) -> str:
        """The digest of the pixels in a file.

        Raises:
            UserError: the file is missing or is no image.
        """
        try:
            key = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError:
            key = ""
        if key not in self.known:
            digest = pixels_digest(read_pixels(path))  # says what is wrong where it cannot be read
            self.seen[key] = digest
            return digest
        return self.known[key]

    def keep(self) -> None:
        """Write down what was decoded; where that cannot be done, it is decoded again."""
        if self.seen:
            kept = (self.known | self.seen).items()
            self.known, self.seen = dict(list(kept)[-MOST_KEPT:]), {}
            try:
                write_atomically(self.memo, json.dumps(self.known) + "\n")
            except OSError:
                return


def pixel_digests(project: Project) -> PixelDigests:
    """The digests that a command shares."""
    key = ("pixels",)
    return project.kept.setdefault(key, PixelDigests(project.build / "pixels.json"))
