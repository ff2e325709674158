"""A crate holds the run and the code that it imported, and is made of one state or not at all."""

import json
import shutil
import warnings
from pathlib import Path

import pytest

from press.crate.citation import Agent, read_citation
from press.crate.image import Image
from press.crate.imports import needed_files
from press.crate.packing import archive, write_crate
from press.crate.terms import METADATA
from press.errors import UserError
from press.source.project import Project
from tests.press.conftest import TinyBook
from tests.press.packed_book import RUN, packed

DIGEST = 64 * "a"


@pytest.fixture
def book(cited_book, tmp_path):
    shutil.copytree(cited_book.root, tmp_path / "copy")
    return TinyBook(Project(tmp_path / "copy"))


def entity(files, identifier):
    graph = json.loads(files[METADATA])["@graph"]
    return next(item for item in graph if item["@id"] == identifier)


def action(files):
    graph = json.loads(files[METADATA])["@graph"]
    return next(item for item in graph if item["@type"] == "CreateAction")


def test_the_run_and_the_code_that_it_imported_are_in_it(cited_book, crate_files):
    run = cited_book.root / RUN
    record = json.loads((run / "record.json").read_text("utf-8"))
    assert crate_files["record.json"] == (run / "record.json").read_bytes()
    assert crate_files["notebook.ipynb"] == (run / "notebook.ipynb").read_bytes()
    assert json.loads(crate_files["parameters.json"]) == record["parameters"]
    assert not any(c.get("outputs") for c in json.loads(crate_files["source.ipynb"])["cells"])
    assert {f"code/{name}" for name in record["modules"]} <= crate_files.keys()
    assert {"code/constraints.txt", "code/chapters/pixels/whole/whole.py"} <= crate_files.keys()
    assert {f for figure in record["figures"] for f in figure["files"]} <= crate_files.keys()
    # what the exercises import after the record is closed
    assert "medlib/experiment/exercises.py" not in record["modules"]
    assert "code/medlib/experiment/exercises.py" in crate_files


def test_what_was_not_imported_is_not_in_it(book):
    book.write("medlib/pixels/unused.py", "x = 1\n")
    book.write("data.txt", "3\n")
    names = set(packed(book))
    assert not [name for name in names if "unused" in name or "data.txt" in name]


def test_a_run_packed_twice_makes_the_same_bytes(cited_book, crate_files):
    assert archive(packed(cited_book)) == archive(crate_files)


def test_the_action_tells_what_ran_on_what_by_whom_and_when(crate_files):
    run = action(crate_files)
    assert run["instrument"] == {"@id": "source.ipynb"}
    assert {"#value-size", "parameters.json"} <= {item["@id"] for item in run["object"]}
    assert {"figures/ramp.png", "#result-mean"} <= {item["@id"] for item in run["result"]}
    assert run["agent"][1] == {"@id": "https://orcid.org/0000-0002-1825-0097"}
    assert run["startTime"] < run["endTime"]
    assert entity(crate_files, "#value-size")["value"] == 40
    formal = entity(crate_files, "#parameter-size")
    assert (formal["additionalType"], formal["defaultValue"]) == ("Integer", 40)
    mean = entity(crate_files, "#result-mean")
    assert (mean["value"], mean["minValue"], mean["maxValue"]) == (0.5, 0.4, 0.6)
    assert entity(crate_files, "#package-numpy")["softwareVersion"]
    assert entity(crate_files, "figures/ramp.png")["abstract"].startswith("A picture that is black")
    assert entity(crate_files, "./")["license"] == {"@id": "https://spdx.org/licenses/Apache-2.0"}
    assert entity(crate_files, "notebook.ipynb")["license"] == {"@id": "code/LICENSE-TEXT"}


def test_who_ran_it_and_in_which_image_is_told_where_it_is_known(cited_book):
    image = Image.named(f"images.example/books/pixels:2@sha256:{DIGEST}")
    files = packed(cited_book, agent=Agent.named("Grace Hopper"), image=image)
    assert entity(files, "#person-Grace-Hopper")["@type"] == "Person"
    assert action(files)["agent"] == [{"@id": "#person-Grace-Hopper"}]
    found = entity(files, action(files)["containerImage"]["@id"])
    told = [found[key] for key in ("registry", "name", "tag", "sha256")]
    assert told == ["images.example", "books/pixels", "2", DIGEST]


def test_an_outsider_reads_the_description(crate_files, tmp_path):
    write_crate(crate_files, tmp_path / "c")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from rocrate.rocrate import ROCrate

        crate = ROCrate(tmp_path / "c")
    assert crate.mainEntity.id == "source.ipynb"
    assert {e.id for e in crate.data_entities} == crate_files.keys() - {METADATA}
    (run,) = (crate.root_dataset.get("mentions"),)
    assert run["instrument"] is crate.mainEntity
    ramp = crate.get("figures/ramp.png")
    assert int(ramp["contentSize"]) == len(crate_files["figures/ramp.png"])


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (
            lambda b: b.edit("medlib/experiment/streams.py", "import", "import  "),
            "medlib/experiment/streams.py changed",
        ),
        (lambda b: (b.root / "medlib/experiment/streams.py").unlink(), "streams.py is gone"),
        (lambda b: b.write("constraints.txt", "numpy==1\n"), "constraints.txt changed"),
        (
            lambda b: b.edit("chapters/pixels/whole/whole.py", "linspace(0, 1", "linspace(0, 2"),
            "the code cells of chapters/pixels/whole/whole.py changed",
        ),
        (lambda b: (b.root / RUN / "notebook.ipynb").unlink(), "only the record was kept"),
        (lambda b: (b.root / RUN / "figures/ramp.png").unlink(), "ramp.png: cannot be packed"),
        (lambda b: (b.root / "CITATION.cff").unlink(), "CITATION.cff is missing"),
        (
            lambda b: b.edit(
                f"{RUN}/press.json",
                '"changed_while_running": []',
                '"changed_while_running": ["medlib/x.py"]',
            ),
            "medlib/x.py changed while it ran",
        ),
    ],
)
def test_a_run_of_another_state_is_not_packed(book, spoil, expected):
    spoil(book)
    with pytest.raises(UserError, match=expected) as caught:
        packed(book)
    assert "\n" not in str(caught.value)


def test_prose_may_change(book):
    book.edit("chapters/pixels/whole/whole.py", "# Nothing.", "# Nothing at all.")
    assert b"Nothing at all." in packed(book)["source.ipynb"]


def test_a_figure_outside_the_run_is_not_packed(book):
    book.edit(f"{RUN}/record.json", '"figures/ramp.png"', '"../../../../constraints.txt"')
    with pytest.raises(UserError, match=r"constraints.txt' does not lie in"):
        packed(book)


def test_a_recorded_table_is_packed_and_a_patient_s_file_is_not(book):
    from press.crate.manifest import digest_of

    table = book.write("results/pixels/whole/sweep.json", "{}\n")
    own = book.write("patients/one.dcm", "secret")
    path = book.root / RUN / "record.json"
    record = json.loads(path.read_text("utf-8"))
    for name, place in (("a table", table), ("own scans", own)):
        digest = digest_of(place.read_bytes())
        use = {"name": name, "kind": "real", "sha256": digest, "file_sha256": digest}
        record["data"].append(use | {"path": str(place), "doi": "10.1000/182"})
    path.write_text(json.dumps(record), "utf-8")
    files = packed(book)
    assert b"secret" not in b"".join(files.values())
    assert files["code/results/pixels/whole/sweep.json"] == b"{}\n"
    used = {item["@id"] for item in action(files)["object"]}
    assert {"code/results/pixels/whole/sweep.json", "#data-own-scans"} <= used
    assert entity(files, "#data-own-scans")["identifier"] == "https://doi.org/10.1000/182"
    table.write_text("[]\n")
    with pytest.raises(UserError, match=r"results/pixels/whole/sweep.json changed"):
        packed(book)


def test_imports_are_followed_without_running_them(tmp_path):
    for name, text in {
        "medlib/__init__.py": "",
        "medlib/a.py": "def f():\n    from medlib.part import b\n",
        "medlib/part/__init__.py": "",
        "medlib/part/b.py": "raise SystemExit\n",
        "medlib/c.py": "",
        "start.py": "import os\nimport medlib.a\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = [str(p.relative_to(tmp_path)) for p in needed_files(tmp_path / "start.py", tmp_path)]
    assert found == [
        "medlib/__init__.py",
        "medlib/a.py",
        "medlib/part/__init__.py",
        "medlib/part/b.py",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a\n", "expected `key: value`"),
        ("title: x\nlicense: MIT\n", "says nothing of authors"),
        ("title: x\nlicense: [MIT]\nauthors: [{name: a}]\n", "one SPDX name"),
        ("title: x\nlicense: MIT\nauthors: [a]\n", "'a' is no `name:`"),
        ("title: x\nlicense: MIT\nauthors: [{orcid: a}]\n", "neither a name nor family-names"),
    ],
)
def test_a_citation_that_says_too_little_is_refused(tmp_path, text, expected):
    (tmp_path / "CITATION.cff").write_text(text)
    with pytest.raises(UserError, match=expected):
        read_citation(tmp_path / "CITATION.cff")


def test_this_book_has_one():
    root = Path(__file__).parents[3]
    assert read_citation(root / "CITATION.cff").licence == "Apache-2.0"


@pytest.mark.parametrize(
    "text", ["book", "book:2", "book@sha256:abc", f"book@sha256:{DIGEST}0", f"Ä@sha256:{DIGEST}"]
)
def test_an_image_without_its_whole_digest_is_refused(text):
    with pytest.raises(UserError, match="expected NAME@sha256:DIGEST"):
        Image.named(text)
    with pytest.raises(UserError, match="--agent"):
        Agent.named("(https://orcid.org/1)")
