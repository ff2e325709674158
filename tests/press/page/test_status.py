import json

import pytest

from medlib.experiment.record import Claim, Device, Record
from medlib.experiment.tables import ClaimColumn, MadeBy, SweepTable, SweptPoint
from press.errors import UserError
from press.page.frontmatter import cards, expand
from press.page.pages import PageError
from press.page.status import machine_table, status_markdown, summary_table, tally
from press.results import kept
from press.results.falsified import FalsifiedTable, Refutation
from press.source.project import Project
from press.source.weave import code_digest, weave

SOURCE = """\
# %% [markdown]
# # A title

# %% tags=["parameters"]
seed: int = 0  # master seed, x ≥ 0
"""


def record(chapter: str = "pixels/demo", **changes) -> Record:
    fields = {
        "chapter": chapter,
        "profile": "book",
        "seed": 0,
        "parameters": {"seed": 0},
        "python": "3.11.7",
        "platform": "linux",
        "processor": "a processor",
        "packages": {"numpy": "2.4.6", "obscure": "1.0"},
        "device": Device(requested="cpu", used="cpu", name="a processor"),
        "threads": 1,
        "started": "2026-01-01T00:00:00Z",
        "wall_s": 41.0,
        "cpu_s": 39.0,
        "peak_memory_mib": 612.0,
        "claims": [
            Claim(text="the sum is right", holds=True, margin=0.42, unit="dB"),
            Claim(text="nothing is found", holds=False, margin=-0.1, control=True),
        ],
    }
    return Record(**(fields | changes))


@pytest.fixture
def project(tmp_path) -> Project:
    source = tmp_path / "chapters" / "pixels" / "demo" / "demo.py"
    source.parent.mkdir(parents=True)
    source.write_text(SOURCE, "utf-8")
    return Project(tmp_path)


def write_seeds(project: Project, *, code: str, margins=(0.4, -0.05, 0.2, None)) -> None:
    claim = ClaimColumn(
        text="the sum is right",
        unit="dB",
        holds=[None if margin is None else margin >= 0 for margin in margins],
        margins=list(margins),
    )
    table = SweepTable(
        chapter="pixels/demo",
        grid={"seed": [1, 2, 3, 4]},
        made_by=MadeBy(code_sha256=code),
        points=[SweptPoint(point=f"p{seed}", parameters={"seed": seed}) for seed in range(1, 5)],
        claims=[claim],
    )
    kept.write(project, "pixels/demo", "seeds", table)


def status(project: Project) -> str:
    text = status_markdown(project, {"pixels/demo": record()}, {"pixels/demo": "A title"})
    return text.replace("\u00a0", " ")


def test_every_claim_stands_with_its_margin(project) -> None:
    text = status(project)
    assert "| [A title](/pixels/demo.ipynb) | ✗ 1 of 2 | 41 s | 39 s | 612 MiB |" in text
    assert "- ✓ **the sum is right**\\\n  margin +0.42 dB; no falsifier is named." in text
    assert "- ✗ **nothing is found** *(negative control)*\\\n  margin −0.1; " in text
    assert "No table of other seeds has been accepted yet." in text


def test_what_a_claim_was_run_on_stands_before_its_margin(project) -> None:
    sheet = project.chapter("pixels/demo").source.with_name("grounds.yml")
    sheet.write_text(
        "run_on: simulation\nbut:\n  - {claim: nothing is found, run_on: [pictures, patients]}\n"
    )
    text = status(project)
    assert "- ✓ **the sum is right**\\\n  run on: simulation; margin +0.42 dB;" in text
    said = "run on: real pictures and scans, nothing found in patients; patients; margin −0.1;"
    assert f"*(negative control)*\\\n  {said}" in text


def test_other_seeds_stand_beside_it(project) -> None:
    source = project.chapter("pixels/demo").source
    write_seeds(project, code=code_digest(weave(source)))
    text = status(project)
    assert "margin +0.42 dB; other seeds 2 of 4, margins −0.05 to +0.4 dB; spread 0.225 dB," in text
    assert "least margin is −0.22 of it" in text
    assert "margin −0.1; not tried on other seeds" in text
    assert "The other seeds ran the same code as this page." in text


def test_a_margin_that_no_seed_changes_is_called_one_draw(project) -> None:
    write_seeds(project, code="x", margins=(0.4, 0.4, 0.4, 0.4))
    assert "other seeds 4 of 4; the same margin on every seed, so that n = 1" in status(project)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"margin_there": -0.3, "refuted": True}, "`worse` refutes it (margin there −0.3 dB)"),
        ({"margin_there": 0.1}, "`worse` **does not refute it** (margin there +0.1 dB)"),
        ({"error": "it raised"}, "`worse` **could not be run**"),
        ({"falsified_by": "other", "margin_there": -1.0, "refuted": True}, "`worse`, not run yet"),
    ],
)
def test_what_refutes_a_claim_stands_beside_it(project, changes, expected) -> None:
    claim = Claim(text="the sum is right", holds=True, margin=0.4, unit="dB", falsified_by="worse")
    row = {**claim.model_dump(exclude={"holds"}), **changes}
    table = FalsifiedTable(chapter="pixels/demo", made_by=MadeBy(), claims=[Refutation(**row)])
    kept.write(project, "pixels/demo", "falsified", table)
    records = {"pixels/demo": record(claims=[claim])}
    text = status_markdown(project, records, {"pixels/demo": "A title"}).replace("\u00a0", " ")
    assert f"falsifier {expected}" in text


def test_recorded_tables_are_named_with_what_made_them(project) -> None:
    write_seeds(project, code="other")
    text = status(project)
    assert "- `chapter`, seeds: when and on what it was made was not recorded; **stale**" in text


def test_seeds_of_earlier_code_are_called_so(project) -> None:
    write_seeds(project, code="other")
    assert "ran an earlier version of the chapter's code" in status(project)


def test_a_damaged_table_of_seeds_is_not_passed_over(project) -> None:
    path = project.results / "pixels" / "demo" / "seeds.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"schema_version": 99}), "utf-8")
    with pytest.raises(UserError, match="damaged, or of another version"):
        status(project)


def test_the_sum_of_chapters() -> None:
    both = {"pixels/a": record(), "pixels/b": record(wall_s=19.0, peak_memory_mib=2048.0)}
    text = summary_table(both, {"pixels/a": "A", "pixels/b": "B"}).replace("\u00a0", " ")
    assert "| **All** | **2 of 4** | 60 s | 78 s | 2.0 GiB |" in text


def test_no_run_no_table(project) -> None:
    assert status_markdown(project, {}, {}) == "No chapter has run yet."


def test_versions_that_differ_between_runs_are_all_named() -> None:
    table = machine_table([record(), record(packages={"numpy": "2.4.5"})])
    assert "| numpy | 2.4.6 / 2.4.5 |" in table
    assert "| Processor | a processor |" in table
    assert "obscure" not in table


def test_the_tally_counts_what_the_runs_say() -> None:
    text = tally({"pixels/demo": record()})
    assert "<dd>1</dd><dt>chapter</dt>" in text
    assert "<dd>1</dd><dt>of 2 claims hold</dt>" in text


# ------------------------------------------------------------------------------------ front matter


def test_an_unknown_block_is_refused_with_those_there_are() -> None:
    with pytest.raises(PageError, match=r"index\.md: no block is called 'talley'; there are tally"):
        expand("```{medbook} talley\n```", {"tally": lambda *, body: ""}, where="index.md")


def test_a_block_with_wrong_arguments_is_refused() -> None:
    with pytest.raises(PageError, match=r"index\.md: \{medbook\} tally x"):
        expand("```{medbook} tally x\n```", {"tally": lambda *, body: ""}, where="index.md")


def test_other_fences_stay_as_they_are() -> None:
    text = "```python\nx = 1\n```\n\n````{note}\n```bash\nls\n```\n````"
    assert expand(text, {}, where="x") == text


def test_cards_are_listed_and_linked_to_each_other(tmp_path) -> None:
    (tmp_path / "a.md").write_text(
        "# First\n\n**Real or simulated.** Simulated on real anatomy. See"
        " [it](b.md), not [x](c.md).",
        "utf-8",
    )
    (tmp_path / "b.md").write_text("# Second\n\n**Real or simulated.** Real.\n", "utf-8")
    text = cards(tmp_path)
    assert "| [First](#card-a) | " in text
    assert text.index("medbook-real") < text.index("medbook-simulated")
    assert "(card-b)=\n## Second" in text
    assert "[it](#card-b), not [x](c.md)" in text
    assert cards(tmp_path / "none") == "No card has been written yet."
