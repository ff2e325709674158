"""A run in the words of the Workflow Run Crate 0.5 profile: ``ro-crate-metadata.json``.

The chapter's notebook is the workflow, the run is the one action, its parameters and data are what
it took (`object`), figures, notebook, record and numbers what it gave (`result`). All of it follows
from the record and from the files, and nothing from the clock: equal runs are described alike.
"""

from __future__ import annotations

import json
import math
import mimetypes
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from medlib.experiment.parameters import Parameter
from medlib.experiment.record import DataUse, Record, Result
from press.crate import terms
from press.crate.citation import Agent, Citation, local_id
from press.crate.image import Image
from press.crate.manifest import MANIFEST, digest_of

Entity = dict[str, Any]
TEXT_LICENCE = f"{terms.CODE}LICENSE-TEXT"
TYPES = {"int": "Integer", "float": "Float", "bool": "Boolean", "str": "Text"}
JUPYTER = "#jupyter"
FORMATS = {".ipynb": "application/x-ipynb+json", ".py": "text/x-python", ".toml": "text/plain"}
FORMATS |= {".cff": "text/plain", ".yml": "text/plain", "": "text/plain"}
ABOUT = {
    terms.RECORD: "What the run measured, and all that it depended on",
    terms.NOTEBOOK: "The notebook as it was executed, with its outputs",
    terms.PARAMETERS: "The parameters of the run, as papermill reads them",
    f"{terms.CODE}constraints.txt": "The exact version of every package",
    f"{terms.CODE}CITATION.cff": "Who wrote the book, and how to cite it",
    f"{terms.CODE}LICENSE": "The licence of the code",
    TEXT_LICENCE: "The licence of text and figures",
    MANIFEST: "The sha256 of every file, this one excepted: `sha256sum --check` reads it",
}


@dataclass(frozen=True)
class Facts:
    """All that a description is made of.

    Attributes:
        record: the run's.
        title: of the chapter.
        source: the chapter's source file, by its name in the crate.
        declared: the parameters that the chapter declares.
        citation: authors and licence of the book.
        files: name -> bytes of all that is packed.
        agent: who ran it, where that is not the authors.
        image: the container image that it ran in, where it did.
    """

    record: Record
    title: str
    source: str
    declared: Mapping[str, Parameter]
    citation: Citation
    files: Mapping[str, bytes]
    agent: Agent | None = None
    image: Image | None = None


def describe(facts: Facts) -> bytes:
    """The bytes of ``ro-crate-metadata.json``."""
    content = {"@context": terms.CONTEXT, "@graph": _Graph(facts).entities()}
    return (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def file_id(name: str) -> str:
    """The identifier of a packed file: its path, as an address spells it.

    >>> file_id("figures/a b.png")
    'figures/a%20b.png'
    """
    return quote(name)


def refer(items: Iterable[str]) -> list[Entity]:
    """References to entities by their identifiers."""
    return [{"@id": item} for item in items]


@dataclass
class _Graph:
    facts: Facts
    known: dict[str, Entity] = field(default_factory=dict)

    def add(self, entity: Entity) -> str:
        """Keep an entity, without what it leaves empty; its identifier."""
        filled = {key: value for key, value in entity.items() if value not in ("", None, [])}
        return self.known.setdefault(entity["@id"], filled)["@id"]

    def entities(self) -> list[Entity]:
        """All entities, in an order that follows from the record."""
        self._crate()
        self._files()
        self._workflow()
        self._action()
        return list(self.known.values())

    # -- the crate and its files -------------------------------------------------------------------

    def _crate(self) -> None:
        facts, record = self.facts, self.facts.record
        about = {"@id": terms.METADATA, "@type": "CreativeWork", "about": {"@id": terms.ROOT}}
        self.add(about | {"conformsTo": refer([terms.BASE, terms.WORKFLOW_CRATE])})
        licence = f"https://spdx.org/licenses/{facts.citation.licence}"
        self.add(
            {
                "@id": terms.ROOT,
                "@type": "Dataset",
                "name": f"{facts.title} ({record.chapter}, profile {record.profile})",
                "description": f"One run of a chapter of “{facts.citation.title}”: its notebook,"
                " parameters, record, figures, and the code that it imported.",
                "datePublished": self.ended.isoformat(),
                "license": {"@id": licence},
                "author": refer(self._agent(author) for author in facts.citation.authors),
                "conformsTo": refer(terms.PROFILES),
                "mainEntity": {"@id": terms.SOURCE},
                "mentions": {"@id": self.action},
                "hasPart": refer(file_id(name) for name in sorted([*facts.files, MANIFEST])),
            }
        )
        self.add({"@id": licence, "@type": "CreativeWork", "name": facts.citation.licence})
        for address, (name, version) in terms.PROFILES.items():
            self.add({"@id": address, "@type": "CreativeWork", "name": name, "version": version})

    @property
    def ended(self) -> Any:
        return self.facts.record.started + timedelta(seconds=self.facts.record.wall_s)

    @property
    def action(self) -> str:
        digest = digest_of(self.facts.files[terms.RECORD])
        return f"#run-{uuid.uuid5(uuid.NAMESPACE_OID, digest)}"

    def _agent(self, agent: Agent) -> str:
        kind = "Person" if agent.person else "Organization"
        return self.add({"@id": agent.id, "@type": kind, "name": agent.name})

    def _files(self) -> None:
        drawn = {name: figure for figure in self.facts.record.figures for name in figure.files}
        for name, data in sorted({**self.facts.files, MANIFEST: b""}.items()):
            suffix = name[name.rfind(".") :] if "." in name.rsplit("/", 1)[-1] else ""
            entity = {
                "@id": file_id(name),
                "@type": "File",
                "name": name,
                "description": ABOUT.get(name, ""),
                "encodingFormat": FORMATS.get(suffix) or mimetypes.guess_type(name)[0] or "",
            }
            if name != MANIFEST:
                entity |= {"contentSize": str(len(data)), "sha256": digest_of(data)}
            if figure := drawn.get(name):
                alt = figure.alt[figure.files.index(name) % len(figure.alt)]
                entity |= {"name": figure.name, "description": figure.caption, "abstract": alt}
            if TEXT_LICENCE in self.facts.files and (figure or suffix == ".ipynb"):
                entity["license"] = {"@id": file_id(TEXT_LICENCE)}
            if name.startswith(terms.CODE) and suffix == ".py":
                entity["@type"] = ["File", "SoftwareSourceCode"]
            if name == terms.SOURCE:
                entity["@type"] = terms.WORKFLOW_TYPES
            self.add(entity)

    # -- the workflow ------------------------------------------------------------------------------

    def _workflow(self) -> None:
        facts, record = self.facts, self.facts.record
        jupyter = {"@id": JUPYTER, "@type": "ComputerLanguage", "name": "Jupyter Notebook"}
        python = {"@id": "#python", "@type": "SoftwareApplication", "name": "Python"}
        needs = [self.add(python | {"softwareVersion": record.python})]
        for name, version in record.packages.items():
            package = {"@id": local_id("package", name), "@type": "SoftwareApplication"}
            needs.append(self.add(package | {"name": name, "softwareVersion": version}))
        changes = "+changes" if record.git and record.git.dirty else ""
        authors = refer(self._agent(author) for author in facts.citation.authors)
        self.known[terms.SOURCE] |= {
            "name": facts.title,
            "description": f"The notebook of chapter {record.chapter} before it ran",
            "programmingLanguage": {"@id": self.add(jupyter | {"url": "https://jupyter.org"})},
            "version": f"{record.git.sha}{changes}" if record.git else facts.citation.version,
            "author": authors,
            "isBasedOn": {"@id": file_id(facts.source)},
            "softwareRequirements": refer(needs),
            "input": refer(self._formal(name) for name in record.parameters),
        }
        if facts.citation.repository:
            self.known[terms.SOURCE]["codeRepository"] = facts.citation.repository

    def _formal(self, name: str) -> str:
        """A parameter as the chapter declares it."""
        declared = self.facts.declared.get(name)
        kind = TYPES.get(declared.type, "Text") if declared else "Text"
        entity = {
            "@id": f"#parameter-{name}",
            "@type": "FormalParameter",
            "additionalType": kind,
            "name": name,
            "valueRequired": "False",
            "workExample": {"@id": f"#value-{name}"},
        }
        if declared:
            texts = (declared.meaning, declared.range_text())
            entity["description"] = ", ".join(text for text in texts if text)
            entity["defaultValue"] = plain(declared.default)
        return self.add(entity)

    # -- the run -----------------------------------------------------------------------------------

    def _action(self) -> None:
        facts, record = self.facts, self.facts.record
        took = [self._value(name, value) for name, value in record.parameters.items()]
        took += [file_id(terms.PARAMETERS), *(self._data(use) for use in record.data)]
        gave = [terms.NOTEBOOK, terms.RECORD]
        gave += [name for figure in record.figures for name in figure.files]
        numbers = [self._number(result) for result in record.results]
        agents = [facts.agent] if facts.agent else facts.citation.authors
        given = "".join(f" -p {name}={plain(v)}" for name, v in record.parameters.items())
        action = {
            "@id": self.action,
            "@type": "CreateAction",
            "name": f"Run of {record.chapter}, profile {record.profile}",
            "description": f"medbook run {record.chapter} --profile {record.profile}{given}",
            "startTime": record.started.isoformat(),
            "endTime": self.ended.isoformat(),
            "instrument": {"@id": terms.SOURCE},
            "agent": refer(self._agent(agent) for agent in agents),
            "object": refer(took),
            "result": refer([*map(file_id, gave), *numbers]),
            "environment": refer(self._environment()),
            "actionStatus": {"@id": terms.COMPLETED},
        }
        if facts.image:
            action["containerImage"] = {"@id": self.add(facts.image.entity())}
        self.add(action)

    def _value(self, name: str, value: Any) -> str:
        entity = {"@id": f"#value-{name}", "@type": "PropertyValue", "name": name}
        return self.add(
            entity | {"value": plain(value), "exampleOfWork": {"@id": f"#parameter-{name}"}}
        )

    def _data(self, use: DataUse) -> str:
        """A data set; a table that is packed is its file, of any other only this is told."""
        for name, data in self.facts.files.items():
            packed = name.startswith(f"{terms.CODE}results/")
            if packed and use.file_sha256 == digest_of(data):
                return file_id(name)
        return self.add(
            {
                "@id": local_id("data", use.name),
                "@type": "CreativeWork",
                "name": use.name,
                "description": f"{use.kind} data, not in this crate",
                "sha256": use.sha256,
                "license": use.licence,
                "citation": use.cite,
                "identifier": f"https://doi.org/{use.doi}" if use.doi else "",
            }
        )

    def _number(self, result: Result) -> str:
        entity = {"@id": f"#result-{result.name}", "@type": "PropertyValue", "name": result.name}
        entity |= {"value": plain(result.value), "unitText": result.unit}
        if result.interval is not None:
            entity |= {"minValue": plain(result.low), "maxValue": plain(result.high)}
        return self.add(entity)

    def _environment(self) -> Iterable[str]:
        record = self.facts.record
        settings = {"OMP_NUM_THREADS": str(record.threads)}
        settings |= record.arithmetic.variables if record.arithmetic else {}
        for name, value in settings.items():
            entity = {"@id": f"#environment-{name}", "@type": "PropertyValue", "name": name}
            yield self.add(entity | {"value": value})


def plain(value: Any) -> Any:
    """A value as JSON has it; a list, which JSON-LD would put out of order, is its text.

    >>> plain(2.5), plain([1, 1]), plain(float("inf"))
    (2.5, '[1, 1]', 'inf')
    """
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value if isinstance(value, bool | int | float | str) else json.dumps(value)
