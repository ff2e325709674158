"""Authors and licence of the book, from its ``CITATION.cff``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from press.errors import UserError
from press.source.yaml_file import read_yaml

CITATION = "CITATION.cff"


@dataclass(frozen=True)
class Agent:
    """Who wrote or ran something: a person or an organisation.

    >>> Agent.named("Ada Lovelace (https://orcid.org/0000-0002-1825-0097)").id
    'https://orcid.org/0000-0002-1825-0097'
    """

    name: str
    person: bool
    id: str

    @classmethod
    def named(cls, text: str) -> Agent:
        """A person as typed on a command line: a name, an address in parentheses behind it."""
        name, _, rest = text.partition("(")
        address = rest.strip().removesuffix(")").strip()
        name = name.strip()
        if not name or (rest and not address.startswith("https://")):
            raise UserError(f'--agent {text!r}: expected "Name" or "Name (https://orcid.org/...)"')
        return cls(name, True, address or local_id("person", name))


@dataclass(frozen=True)
class Citation:
    """What ``CITATION.cff`` says, as far as a crate repeats it."""

    title: str
    licence: str
    version: str
    authors: tuple[Agent, ...]
    repository: str = ""


def read_citation(path: Path) -> Citation:
    """Read a citation file.

    Raises:
        UserError: it is missing, is no YAML, or names no title, no licence or no author.
    """
    if not path.is_file():
        raise UserError(f"{CITATION} is missing: a crate takes its authors and its licence from it")
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise UserError(f"{CITATION}: expected `key: value` lines")
    authors = tuple(_agent(entry) for entry in content.get("authors") or ())
    missing = [key for key in ("title", "license", "authors") if not content.get(key)]
    if missing:
        raise UserError(f"{CITATION} says nothing of {' and '.join(missing)}")
    if not isinstance(content["license"], str):
        raise UserError(f"{CITATION}: license: one SPDX name is expected, such as Apache-2.0")
    return Citation(
        title=str(content["title"]),
        licence=content["license"],
        version=str(content.get("version", "")),
        authors=authors,
        repository=str(content.get("repository-code", "")),
    )


def _agent(entry: Any) -> Agent:
    if not isinstance(entry, dict):
        raise UserError(f"{CITATION}: authors: {entry!r} is no `name:` or `family-names:`")
    given = " ".join(str(entry[key]) for key in ("given-names", "family-names") if entry.get(key))
    name = str(entry.get("name") or given)
    if not name:
        raise UserError(f"{CITATION}: an author has neither a name nor family-names")
    person = not entry.get("name")
    address = str(entry.get("orcid") or entry.get("website") or "")
    return Agent(name, person, address or local_id("person" if person else "organization", name))


def local_id(kind: str, name: str) -> str:
    """An identifier within the crate.

    >>> local_id("package", "Ruamel.yaml & co")
    '#package-Ruamel.yaml-co'
    """
    words = "".join(c if c.isalnum() or c in "._-" else " " for c in name).split()
    return f"#{kind}-{'-'.join(words)}"
