"""A small book whose run can be packed, and ways to spoil what was packed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from press.check.reproduce import find_run
from press.crate.make import make_crate
from press.crate.manifest import MANIFEST, digest_of, write_manifest
from press.crate.terms import METADATA
from press.source.project import Project

if TYPE_CHECKING:
    from tests.press.conftest import TinyBook

RUN = "build/runs/pixels/whole"
CITATION = """\
cff-version: 1.2.0
title: A small book
authors:
  - name: The authors of the small book
  - given-names: Ada
    family-names: Lovelace
    orcid: https://orcid.org/0000-0002-1825-0097
license: Apache-2.0
version: 0.1.0
"""


def cite(book: TinyBook) -> None:
    """Write what a book says of its authors and licence."""
    book.write("CITATION.cff", CITATION)
    book.write("LICENSE-TEXT", "CC BY 4.0\n")


def packed(book: TinyBook, run: str = RUN, **more) -> dict[str, bytes]:
    """The files of the crate of a book's run."""
    found = find_run(book.root / run)
    return make_crate(Project(book.root), found.folder, found.record, **more)


def digested(files: dict[str, bytes]) -> dict[str, bytes]:
    """`files` with a description and a manifest that agree with them, as a forger would do it."""
    content = json.loads(files[METADATA])
    for entity in content["@graph"]:
        if (name := entity["@id"]) in files and "sha256" in entity:
            entity |= {"sha256": digest_of(files[name]), "contentSize": str(len(files[name]))}
    made = {**files, METADATA: json.dumps(content).encode()}
    return {**made, MANIFEST: write_manifest(made)}


def write_folder(files: dict[str, bytes], folder: Path) -> Path:
    """Write files below a folder, as they are."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder
