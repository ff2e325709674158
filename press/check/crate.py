"""Whether a crate is whole, and true to itself: every file by its digest, the record by its word.

The validators of the profile read the description alone; a figure with a flipped byte passes them.
Here every file is compared with the manifest, the description with the files, and both with what
the record says of code, pins, parameters and pictures. No signature is involved: who changes a
file and all its digests, and keeps the record's word, makes another sound crate. The digest of the
manifest, published elsewhere, tells the two apart.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from medlib.experiment.record import Record, RecordError, read_record
from press.check.crate_profile import inspect_profile
from press.crate import terms
from press.crate.contents import parameters_text
from press.crate.manifest import MANIFEST, digest_of, read_manifest
from press.crate.names import name_fault
from press.crate.opening import Crate, open_crate
from press.errors import Exit, UserError
from press.finding import Finding, errors
from press.results.thumbnail import pixels_digest, read_pixels
from press.source.weave import code_digest, read_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

MOST_PIXELS = 50_000_000


@dataclass(frozen=True)
class Packed:
    """What a sound crate holds of its run."""

    crate: Crate
    record: Record
    notebook: NotebookNode
    digest: str


def read_crate(path: Path) -> Packed:
    """Open a crate whose every file is as its digest says.

    Raises:
        UserError: something in it is refused, missing, extra, or changed; the first is named.
    """
    crate = open_crate(path)
    found = errors(inspect_digests(crate)) or errors(inspect_word(crate))
    if found:
        more = f" (and {len(found) - 1} more: `medbook crate --check` lists them)"
        raise UserError(f"{found[0]}{more * (len(found) > 1)}", Exit.CHECK_FAILED)
    return Packed(crate, record_of(crate), notebook_of(crate, terms.NOTEBOOK), crate_digest(crate))


def crate_digest(crate: Crate) -> str:
    """The digest that stands for all files of a crate: of its manifest."""
    return digest_of(crate.files.get(MANIFEST, b""))


def inspect_crate(crate: Crate) -> list[Finding]:
    """All that is wrong with a crate; what builds on a broken file is not asked after it."""
    found = inspect_digests(crate)
    if not errors(found):
        found += inspect_word(crate)
    return [*found, *inspect_profile(crate)]


# -- digests ---------------------------------------------------------------------------------------


def inspect_digests(crate: Crate) -> list[Finding]:
    """Files that are missing, extra, or not of their digest, each by its name."""
    tell = _teller(crate)
    found = [
        tell("digest", f"{name} cannot be read: {why}") for name, why in crate.unreadable.items()
    ]
    try:
        listed = read_manifest(crate.files[MANIFEST])
    except KeyError:
        return [*found, tell("digest", f"{MANIFEST} is missing: no digest is known")]
    except UserError as error:
        return [*found, tell("digest", str(error)), *_described(crate, tell)]
    described = {unquote(str(e.get("@id"))): e.get("sha256") for e in graph_of(crate)}
    present = (crate.files.keys() | crate.unreadable.keys()) - {MANIFEST}
    for name in sorted(listed.keys() | present):
        if name not in present:
            found.append(tell("digest", f"{name} is missing"))
        elif name not in listed:
            found.append(tell("digest", f"{name} is extra: {MANIFEST} does not list it"))
        elif name in crate.files and (now := digest_of(crate.files[name])) != listed[name]:
            was = f"sha256 was {listed[name][:12]}, is {now[:12]}"
            found.append(tell("digest", _changed(name, now, was, described)))
    found += _described(crate, tell)
    if crate.repacked and not found:
        words = "packed by another tool, or its headers changed; every file in it is as it was"
        found.append(Finding(str(crate.place), "archive", words, "note"))
    return found


def _changed(name: str, now: str, was: str, described: Mapping[str, Any]) -> str:
    """Which of two changed, a file or its line in the manifest: mostly the description knows."""
    if name == terms.METADATA:
        return f"{name} changed, or its line in {MANIFEST}: {was}"
    if described.get(name) == now:
        return f"{MANIFEST} changed in its line of {name}: {was}"
    return f"{name} changed: {was}"


def _described(crate: Crate, tell: Callable[[str, str], Finding]) -> Iterator[Finding]:
    """Where the description says another size or digest, or names another set of files."""
    described: set[str] = set()
    for entity in graph_of(crate):
        kinds = entity.get("@type")
        if "File" not in (kinds if isinstance(kinds, list) else [kinds]):
            continue
        name = unquote(str(entity.get("@id", "")))
        if fault := name_fault(name):
            yield tell("digest", f"{terms.METADATA}: refused: {name!r} {fault}")
            continue
        described.add(name)
        data = crate.files.get(name)
        if data is None:
            yield tell("digest", f"{terms.METADATA}: {name} is described and not there")
        elif name != MANIFEST:
            if entity.get("sha256") != digest_of(data):
                yield tell("digest", f"{terms.METADATA}: another sha256 is told of {name}")
            if entity.get("contentSize") != str(len(data)):
                yield tell("digest", f"{terms.METADATA}: another size is told of {name}")
    for name in sorted(crate.files.keys() - described - {terms.METADATA}):
        yield tell("digest", f"{terms.METADATA}: {name} is not described")


def graph_of(crate: Crate) -> list[dict[str, Any]]:
    """The entities of a description; none where it cannot be read, which the profile tells."""
    try:
        graph = json.loads(crate.files[terms.METADATA])["@graph"]
        return [entity for entity in graph if isinstance(entity, dict)]
    except (KeyError, TypeError, ValueError, RecursionError):
        return []


# -- the record's word -----------------------------------------------------------------------------


def inspect_word(crate: Crate) -> list[Finding]:
    """Where files of the crate are not those that its record speaks of."""
    tell = _teller(crate)
    try:
        record = record_of(crate)
        found = [tell("record", fault) for fault in _against_record(crate, record)]
        executed = notebook_of(crate, terms.NOTEBOOK)
        if code_digest(executed) != code_digest(notebook_of(crate, terms.SOURCE)):
            words = f"{terms.NOTEBOOK} and {terms.SOURCE} are not of the same code"
            found.append(tell("record", words))
    except UserError as error:
        return [tell("record", str(error))]
    return found


def _against_record(crate: Crate, record: Record) -> Iterator[str]:
    expected = {f"{terms.CODE}{name}": digest for name, digest in record.modules.items()}
    if record.constraints_sha256:
        expected[f"{terms.CODE}constraints.txt"] = record.constraints_sha256
    for name, digest in expected.items():
        if digest_of(crate.files.get(name, b"")) != digest:
            yield f"{name} is not the file that the run imported"
    if crate.files.get(terms.PARAMETERS) != parameters_text(record):
        yield f"{terms.PARAMETERS} does not hold the parameters of the run"
    for figure in record.figures:
        for name, pixels in zip(figure.files, figure.pixels_sha256, strict=False):
            if _pixels(crate.files, name) != pixels:
                yield f"{name} does not show what the run drew"


def _pixels(files: Mapping[str, bytes], name: str) -> str:
    """The digest of a picture's pixels; empty where it is none, or too large to be a figure."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(files.get(name, b""))) as image:
            if image.width * image.height > MOST_PIXELS:
                return ""
        with _as_file(files, name) as path:
            return pixels_digest(read_pixels(path))
    except (UserError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return ""


def record_of(crate: Crate) -> Record:
    """The record that a crate holds.

    Raises:
        UserError: it is missing or damaged.
    """
    with _as_file(crate.files, terms.RECORD) as path:
        try:
            return read_record(path)
        except RecordError as error:
            raise UserError(str(error).removeprefix(f"{path}: ")) from None


def notebook_of(crate: Crate, name: str) -> NotebookNode:
    """A notebook that a crate holds.

    Raises:
        UserError: it is missing or damaged.
    """
    with _as_file(crate.files, name) as path:
        try:
            return read_notebook(path)
        except UserError as error:
            raise UserError(str(error).replace(str(path), name)) from None


class _as_file:
    """A file of a crate under a path of its own, for readers that want one."""

    def __init__(self, files: Mapping[str, bytes], name: str) -> None:
        self.data, self.name = files.get(name), Path(name).name

    def __enter__(self) -> Path:
        self.folder = tempfile.TemporaryDirectory(prefix="mb-crate-")
        path = Path(self.folder.name) / self.name
        if self.data is not None:
            path.write_bytes(self.data)
        return path

    def __exit__(self, *_: object) -> None:
        self.folder.cleanup()


def _teller(crate: Crate) -> Callable[[str, str], Finding]:
    return lambda what, message: Finding(str(crate.place), what, message)
