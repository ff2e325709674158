"""Each term that a profile requires goes red when it, and only it, is broken."""

import json

import pytest

from press.check.crate_profile import TERMS, inspect_profile
from press.crate import terms
from press.crate.opening import Crate

RUN = "the run"


def drop(identifier, *names):
    def change(by_id, graph):
        for name in names:
            del by_id[identifier][name]

    return change


def put(identifier, name, value):
    def change(by_id, graph):
        by_id[identifier][name] = value

    return change


def without(identifier, name, item):
    def change(by_id, graph):
        by_id[identifier][name] = [ref for ref in by_id[identifier][name] if ref["@id"] != item]

    return change


def also(entity):
    return lambda by_id, graph: graph.append(entity)


BREAKS = {
    "RO-Crate 1.1, RO-Crate JSON-LD": [
        also({"@id": "#twice", "@type": "Thing", "about": {"name": "nested"}}),
        also({"@id": "./", "@type": "Dataset"}),
        also({"@id": "#untyped"}),
    ],
    "RO-Crate 1.1, RO-Crate Metadata File Descriptor": [
        put(terms.METADATA, "@type", "File-like"),
        without(terms.METADATA, "conformsTo", terms.BASE),
    ],
    "RO-Crate 1.1, Direct properties of the Root Data Entity": [
        drop("./", "name"),
        drop("./", "description"),
        drop("./", "license"),
        put("./", "datePublished", "lately"),
    ],
    "RO-Crate 1.1, Referencing files and folders from the Root Data Entity": [
        without("./", "hasPart", "record.json")
    ],
    "RO-Crate 1.1, Core Metadata for Data Entities": [
        lambda by_id, graph: (
            graph.append({"@id": "gone.txt", "@type": "File"}),
            by_id["./"]["hasPart"].append({"@id": "gone.txt"}),
        )
    ],
    "Workflow RO-Crate 1.0, Main Workflow": [
        put("source.ipynb", "@type", ["File", "ComputationalWorkflow"])
    ],
    "Workflow RO-Crate 1.0, Main Workflow: programmingLanguage": [
        drop("source.ipynb", "programmingLanguage")
    ],
    "Workflow RO-Crate 1.0, Metadata File Descriptor: conformsTo": [
        without(terms.METADATA, "conformsTo", terms.WORKFLOW_CRATE)
    ],
    "Process Run Crate 0.5, Requirements: Dataset, conformsTo": [
        without("./", "conformsTo", terms.PROCESS_RUN),
        put(terms.PROCESS_RUN, "@type", "Thing"),
    ],
    "Process Run Crate 0.5, Requirements: CreateAction, instrument": [
        also({"@id": "#other", "@type": "UpdateAction"})
    ],
    "Process Run Crate 0.5, Requirements: SoftwareApplication, @type": [
        also({"@id": "#o", "@type": "CreateAction", "instrument": {"@id": "record.json"}})
    ],
    "Workflow Run Crate 0.5, Requirements: Dataset, conformsTo": [
        without("./", "conformsTo", terms.WORKFLOW_RUN)
    ],
    "Workflow Run Crate 0.5, Overview: the execution of the main workflow": [
        put(RUN, "instrument", {"@id": "#python"})
    ],
    "Workflow Run Crate 0.5, Overview: input and output are FormalParameters": [
        put("source.ipynb", "output", [{"@id": "record.json"}])
    ],
    "Workflow Run Crate 0.5, Overview: exampleOfWork": [
        lambda by_id, graph: (
            graph.append({"@id": "#p", "@type": "FormalParameter", "additionalType": "Text"}),
            by_id["record.json"].update(exampleOfWork={"@id": "#p"}),
        )
    ],
    "Workflow Run Crate 0.5, Requirements: FormalParameter, additionalType": [
        drop("#parameter-size", "additionalType")
    ],
    "this book, what a run must tell": [
        drop(RUN, "agent"),
        drop(RUN, "object"),
        drop(RUN, "result"),
        put(RUN, "startTime", "then"),
        drop(RUN, "endTime"),
        put(RUN, "agent", {"@id": "#nobody"}),
    ],
}


def sections(files):
    return {finding.what for finding in inspect_profile(Crate("c", files))}


def test_every_term_has_a_description_that_breaks_it():
    assert {term.section for term in TERMS} == set(BREAKS)


@pytest.mark.parametrize(
    ("section", "number"),
    [(section, number) for section, some in BREAKS.items() for number in range(len(some))],
)
def test_a_broken_term_is_named_with_its_section_and_no_other(crate_files, section, number):
    content = json.loads(crate_files[terms.METADATA])
    graph = content["@graph"]
    by_id = {entity["@id"]: entity for entity in graph}
    by_id[RUN] = next(entity for entity in graph if entity["@type"] == "CreateAction")
    BREAKS[section][number](by_id, graph)
    files = {**crate_files, terms.METADATA: json.dumps(content).encode()}
    assert sections(crate_files) == set()
    assert sections(files) == {section}


def test_the_words_that_the_profiles_use_are_defined_by_the_contexts(crate_files):
    """The context that an installed library ships, and the terms of runs that we use."""
    from rocrate import vocabs

    known = set(vocabs.RO_CRATE["@context"])
    own = {"containerImage", "ContainerImage", "environment", "sha256", "registry", "tag"}
    graph = json.loads(crate_files[terms.METADATA])["@graph"]
    used = {name for entity in graph for name in entity if not name.startswith("@")}
    kinds = {kind for entity in graph for kind in [entity["@type"]] if isinstance(kind, str)}
    assert (used | kinds) <= known | own
