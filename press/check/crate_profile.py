"""What the profiles REQUIRE of a crate's description, each term with the section that says so.

A term is one sentence of a profile that says MUST. None is looked up on a network.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from press.crate import terms
from press.crate.opening import Crate
from press.finding import Finding

Entity = dict[str, Any]
ACTIONS = {"CreateAction", "ActivateAction", "UpdateAction"}
TOOLS = {"SoftwareApplication", "SoftwareSourceCode", "ComputationalWorkflow"}


@dataclass(frozen=True)
class Graph:
    """A description that could be read."""

    content: dict[str, Any]
    entities: list[Entity]
    files: frozenset[str]

    def get(self, identifier: str) -> Entity:
        """The entity of that identifier; empty where there is none."""
        return next((e for e in self.entities if e.get("@id") == identifier), {})

    @property
    def root(self) -> Entity:
        about = next(iter(ids(self.get(terms.METADATA).get("about"))), terms.ROOT)
        return self.get(about)

    @property
    def workflow(self) -> Entity:
        return self.get(next(iter(ids(self.root.get("mainEntity"))), ""))

    @property
    def actions(self) -> list[Entity]:
        return [e for e in self.entities if ACTIONS & set(kinds(e))]

    @property
    def runs(self) -> list[Entity]:
        """The actions whose instrument is the workflow."""
        named = self.workflow.get("@id")
        return [e for e in self.actions if named and named in ids(e.get("instrument"))]

    def of(self, kind: str) -> list[Entity]:
        return [entity for entity in self.entities if kind in kinds(entity)]


def many(value: Any) -> list[Any]:
    """A value as a list: JSON-LD writes one thing without brackets."""
    return value if isinstance(value, list) else [] if value is None else [value]


def ids(value: Any) -> list[str]:
    """The identifiers that a property refers to.

    >>> ids([{"@id": "a"}, "text"]), ids({"@id": "b"}), ids(None)
    (['a'], ['b'], [])
    """
    items = (item.get("@id") for item in many(value) if isinstance(item, dict))
    return [item for item in items if isinstance(item, str)]


def kinds(entity: Entity) -> list[str]:
    return [kind for kind in many(entity.get("@type")) if isinstance(kind, str)]


def is_date(value: Any) -> bool:
    """Whether a text is a date, or a date and time, in ISO 8601.

    >>> is_date("2026-11-29"), is_date("2026-11-29T19:00:00Z"), is_date("yesterday"), is_date(1)
    (True, True, False, False)
    """
    try:
        return bool(datetime.fromisoformat(value))
    except (TypeError, ValueError):
        return False


# -- the terms -------------------------------------------------------------------------------------

Look = Callable[[Graph], Iterable[str]]


@dataclass(frozen=True)
class Term:
    """One requirement: who says it where, and what in a description breaks it."""

    section: str
    look: Look


TERMS: list[Term] = []
CRATE, WORKFLOW, PROCESS, RUN, OURS = (
    "RO-Crate 1.1",
    "Workflow RO-Crate 1.0",
    "Process Run Crate 0.5",
    "Workflow Run Crate 0.5",
    "this book",
)


def term(profile: str, section: str) -> Callable[[Look], Look]:
    """Count a function among the terms."""

    def keep(look: Look) -> Look:
        TERMS.append(Term(f"{profile}, {section}", look))
        return look

    return keep


@term(CRATE, "RO-Crate JSON-LD")
def flat(graph: Graph) -> Iterator[str]:
    if terms.CONTEXT[0] not in many(graph.content.get("@context")):
        yield f"@context does not name {terms.CONTEXT[0]}"
    seen: set[str] = set()
    for entity in graph.entities:
        identifier = entity.get("@id")
        if not isinstance(identifier, str) or not kinds(entity):
            yield f"an entity has no @id or no @type: {identifier or entity}"
        elif identifier in seen:
            yield f"{identifier} is described twice"
        seen.add(str(identifier))
        for name, value in entity.items():
            if any(isinstance(item, dict) and "@id" not in item for item in many(value)):
                yield f"{name} of {identifier} is nested: every entity stands in @graph itself"


@term(CRATE, "RO-Crate Metadata File Descriptor")
def descriptor(graph: Graph) -> Iterator[str]:
    found = graph.get(terms.METADATA)
    if kinds(found) != ["CreativeWork"]:
        yield f"no CreativeWork is called {terms.METADATA}"
    if not ids(found.get("about")):
        yield f"about of {terms.METADATA} names no root"
    if terms.BASE not in ids(found.get("conformsTo")):
        yield f"conformsTo of {terms.METADATA} does not name {terms.BASE}"


@term(CRATE, "Direct properties of the Root Data Entity")
def root(graph: Graph) -> Iterator[str]:
    found = graph.root
    if "Dataset" not in kinds(found) or not str(found.get("@id")).endswith("/"):
        yield "the root is no Dataset whose @id ends in a slash"
    for name in ("name", "description", "license"):
        if not found.get(name):
            yield f"{name} of the root is missing"
    if not is_date(found.get("datePublished")):
        yield "datePublished of the root is no date in ISO 8601"


@term(CRATE, "Referencing files and folders from the Root Data Entity")
def linked(graph: Graph) -> Iterator[str]:
    parts, waiting = set(), [graph.root]
    while waiting:
        for part in ids(waiting.pop().get("hasPart")):
            if part not in parts:
                parts.add(part)
                waiting.append(graph.get(part))
    for entity in graph.of("File"):
        if str(entity.get("@id")) not in parts:
            yield f"{entity.get('@id')} is not reached from the root by hasPart"


@term(CRATE, "Core Metadata for Data Entities")
def there(graph: Graph) -> Iterator[str]:
    for entity in graph.of("File"):
        name = str(entity.get("@id"))
        if "://" not in name and unquote(name) not in graph.files:
            yield f"{name} is described as a File and is not in the crate"


@term(WORKFLOW, "Main Workflow")
def main_workflow(graph: Graph) -> Iterator[str]:
    if not ids(graph.root.get("mainEntity")):
        yield "mainEntity of the root is missing"
    elif missing := [kind for kind in terms.WORKFLOW_TYPES if kind not in kinds(graph.workflow)]:
        yield f"mainEntity is not of @type {' and '.join(missing)}"


@term(WORKFLOW, "Main Workflow: programmingLanguage")
def language(graph: Graph) -> Iterator[str]:
    if graph.workflow and not graph.workflow.get("programmingLanguage"):
        yield "programmingLanguage of the workflow is missing"


@term(WORKFLOW, "Metadata File Descriptor: conformsTo")
def workflow_crate(graph: Graph) -> Iterator[str]:
    if terms.WORKFLOW_CRATE not in ids(graph.get(terms.METADATA).get("conformsTo")):
        yield f"conformsTo of {terms.METADATA} does not name {terms.WORKFLOW_CRATE}"


def conforms(graph: Graph, profile: str) -> Iterator[str]:
    if profile not in ids(graph.root.get("conformsTo")):
        yield f"conformsTo of the root does not name {profile}"
    elif "CreativeWork" not in kinds(graph.get(profile)):
        yield f"{profile} is not described as a CreativeWork"


@term(PROCESS, "Requirements: Dataset, conformsTo")
def process_run(graph: Graph) -> Iterator[str]:
    yield from conforms(graph, terms.PROCESS_RUN)


@term(PROCESS, "Requirements: CreateAction, instrument")
def instrument(graph: Graph) -> Iterator[str]:
    for action in graph.actions:
        if not ids(action.get("instrument")):
            yield f"instrument of {action.get('@id')} is missing"


@term(PROCESS, "Requirements: SoftwareApplication, @type")
def tools(graph: Graph) -> Iterator[str]:
    for action in graph.actions:
        for name in ids(action.get("instrument")):
            if not TOOLS & set(kinds(graph.get(name))):
                yield f"instrument {name} of {action.get('@id')} is not described as software"


@term(RUN, "Requirements: Dataset, conformsTo")
def workflow_run(graph: Graph) -> Iterator[str]:
    yield from conforms(graph, terms.WORKFLOW_RUN)


@term(RUN, "Overview: the execution of the main workflow")
def executed(graph: Graph) -> Iterator[str]:
    if not graph.runs:
        yield "no action has the main workflow as its instrument"


@term(RUN, "Overview: input and output are FormalParameters")
def formal(graph: Graph) -> Iterator[str]:
    for side in ("input", "output"):
        for name in ids(graph.workflow.get(side)):
            if "FormalParameter" not in kinds(graph.get(name)):
                yield f"{side} {name} of the workflow is no FormalParameter"


@term(RUN, "Overview: exampleOfWork")
def examples(graph: Graph) -> Iterator[str]:
    slots = {name for side in ("input", "output") for name in ids(graph.workflow.get(side))}
    for entity in graph.entities:
        for name in ids(entity.get("exampleOfWork")):
            if "FormalParameter" in kinds(graph.get(name)) and name not in slots:
                yield f"{entity.get('@id')} is an example of {name}, no parameter of the workflow"


@term(RUN, "Requirements: FormalParameter, additionalType")
def typed(graph: Graph) -> Iterator[str]:
    for entity in graph.of("FormalParameter"):
        if not entity.get("additionalType"):
            yield f"additionalType of {entity.get('@id')} is missing"


@term(OURS, "what a run must tell")
def told(graph: Graph) -> Iterator[str]:
    for action in graph.runs:
        for name in ("agent", "object", "result"):
            if not ids(action.get(name)):
                yield f"{name} of {action.get('@id')} is missing"
            for named in ids(action.get(name)):
                if not graph.get(named):
                    yield f"{name} {named} of {action.get('@id')} is not described"
        for name in ("startTime", "endTime"):
            if not is_date(action.get(name)):
                yield f"{name} of {action.get('@id')} is no time in ISO 8601"


def inspect_profile(crate: Crate) -> list[Finding]:
    """What in a crate's description breaks a term, each with the section that says so."""
    place = str(crate.place)
    try:
        content = json.loads(crate.files[terms.METADATA])
        entities = content["@graph"]
        if not all(isinstance(entity, dict) for entity in entities):
            raise TypeError("not every item of @graph is an entity")
    except KeyError as error:
        return [Finding(place, f"{CRATE}, RO-Crate Metadata File", f"{error} is missing")]
    except (TypeError, ValueError, RecursionError) as error:
        words = f"{terms.METADATA} is no JSON-LD with a flat @graph: {error}"
        return [Finding(place, f"{CRATE}, RO-Crate Metadata File", words)]
    graph = Graph(content, entities, frozenset(crate.files))
    return [Finding(place, t.section, fault) for t in TERMS for fault in t.look(graph)]
