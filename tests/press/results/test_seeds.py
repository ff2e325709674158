"""Other seeds: nine of ten must hold, a killed sweep goes on, the table says what was seen."""

import json
import statistics

import pytest
from click import unstyle

from medlib.experiment.record import Claim, Result, read_record
from medlib.experiment.tables import SweepTable, SweptPoint
from press.cli.claim_lines import seed_lines
from press.errors import UserError
from press.results.seeds import as_markdown, findings, other_seeds, plan_seeds, read_seeds_table
from press.results.sweep_table import claim_columns, result_columns
from press.source.project import Project

DICE = """\
if seed == 3:
    raise RuntimeError("three is unlucky")
run.claim("seeds below four are small enough", seed < 4, margin=3.5 - seed, unit="pips")
run.result("twice", 2 * seed)
run.claim("no seed is negative at all", True, margin=float(seed), control=True)
"""


@pytest.fixture(scope="module")
def record(whole_book):
    return read_record(whole_book.root / "build/runs/pixels/whole/record.json")


def tabulate(chapter, *, seeds, records, failed=None):
    """The table of records by seed, as a sweep over `seed` makes it."""
    failed = failed or {}
    keyed = {f"s{seed}": record for seed, record in records.items()}
    keys = [f"s{seed}" for seed in seeds]
    return SweepTable(
        chapter=chapter,
        grid={"seed": list(seeds)},
        points=[
            SweptPoint(point=f"s{seed}", parameters={"seed": seed}, error=failed.get(seed, ""))
            for seed in seeds
        ],
        results=result_columns(keys, keyed),
        claims=claim_columns(keys, keyed),
    )


def over(record, held):
    """Records of ten seeds on which the only claim holds `held` times."""
    records = {}
    for place, seed in enumerate(range(1, 11)):
        holds = place < held
        claim = Claim(
            text="it is so", holds=holds, margin=1.0 + seed / 100 if holds else -2.0, unit="dB"
        )
        records[seed] = record.model_copy(update={"claims": [claim]})
    return records


@pytest.mark.parametrize(("held", "wrong"), [(10, 0), (9, 0), (8, 1), (0, 1)])
def test_nine_of_ten_must_hold(record, held, wrong):
    table = tabulate("a/b", seeds=range(1, 11), records=over(record, held))
    found = findings(table)
    found = [finding for finding in found if finding.severity == "error"]
    assert len(found) == wrong
    for finding in found:
        expected = f"'it is so' held on {held} of 10 other seeds, at least 9 are needed"
        assert finding.message == f"{expected}; smallest margin -2 dB"


def test_margins_are_told_in_the_order_of_the_seeds(record):
    (claim,) = tabulate("a/b", seeds=range(1, 11), records=over(record, 8)).claims
    assert claim.margins == [1.0 + seed / 100 for seed in range(1, 9)] + [-2.0] * 2
    assert (claim.held, claim.least) == (8, -2.0)
    assert claim.median == pytest.approx(1.035)
    assert claim.spread == pytest.approx(statistics.stdev(claim.margins))
    assert claim.safety == pytest.approx(-2.0 / claim.spread)


def test_a_margin_that_no_seed_changes_is_one_draw(record):
    same = {seed: over(record, 10)[1] for seed in range(1, 11)}
    table = tabulate("a/b", seeds=range(1, 11), records=same)
    (claim,) = table.claims
    assert claim.one_draw
    assert (claim.spread, claim.safety) == (None, None)
    (finding,) = findings(table)
    assert finding.severity == "note"
    assert finding.message.endswith("has one and the same margin on 10 seeds: n = 1")
    assert "| n = 1 |" in as_markdown([table])
    assert not tabulate("a/b", seeds=[1], records={1: same[1]}).claims[0].one_draw


def test_the_table_keeps_all_results(record):
    records = {
        seed: record.model_copy(
            update={"results": [Result(name="x", value=seed / 3, low=0, high=9, n=seed)]}
        )
        for seed in (1, 2, 3)
    }
    (column,) = tabulate("a/b", seeds=[1, 2, 3], records=records).results
    assert column.values == [1 / 3, 2 / 3, 1.0]
    assert (column.low, column.high, column.n) == ([0] * 3, [9] * 3, [1, 2, 3])
    assert column.spread == pytest.approx(1 / 3)


def test_a_run_that_failed_or_made_no_claim_counts_against_it(record):
    records = over(record, 10)
    del records[4]
    records[5] = records[5].model_copy(update={"claims": []})
    table = tabulate("a/b", seeds=range(1, 11), records=records, failed={4: "it raised"})
    (claim,) = table.claims
    assert claim.held == 8
    assert claim.margins[3:5] == [None, None]
    assert [f.severity for f in findings(table)] == ["error", "note"]


def test_too_many_failed_runs_are_an_error(record):
    failed = {seed: "it raised" for seed in range(1, 11)}
    table = tabulate("a/b", seeds=range(1, 11), records={}, failed=failed)
    assert {finding.severity for finding in findings(table)} == {"error"}


def test_a_chapter_without_a_claim_is_an_error(record):
    records = {1: record.model_copy(update={"claims": []})}
    (finding,) = findings(tabulate("a/b", seeds=[1], records=records))
    assert (finding.severity, finding.message) == ("error", "states no claim")


def test_the_books_seed_is_never_among_the_others(book):
    for seed in (0, 2, 5):
        parameters = f'seed: int = {seed}  # master seed\ndevice: str = "cpu"  # where'
        book.chapter("pixels/dice", "1", parameters=parameters)
        project = Project(book.root)
        jobs = [p.job for p in plan_seeds(project, project.chapter("dice"), count=5).points]
        seeds = [job.parameters["seed"] for job in jobs]
        assert seeds == other_seeds(seed, 5)
        assert seed not in seeds
        assert len({job.destination for job in jobs} | {project.run_dir(jobs[0].chapter)}) == 6


def test_the_markdown_table_has_a_row_a_claim(record):
    table = tabulate("a/b", seeds=range(1, 11), records=over(record, 9), failed={})
    assert "| a/b | it is so | 9 of 10 | -2 | 1.04 | 0.965 | dB |" in as_markdown([table])


@pytest.mark.parametrize("width", [40, 80, 120, None])
def test_the_printed_table_keeps_to_the_terminal_and_loses_no_word(record, width):
    text = "the tuned filters and the network are told apart by a reader who has fixed habits"
    records = {
        seed: old.model_copy(update={"claims": [old.claims[0].model_copy(update={"text": text})]})
        for seed, old in over(record, 8).items()
    }
    table = tabulate("pixels/low_dose_ct", seeds=range(1, 11), records=records)
    _, title, head, *rows, _ = [unstyle(line) for line in seed_lines(table, width=width)]
    assert title.endswith("seeds 1, 2, 3, 4, 5, 6, 7, 8, 9, 10; a claim must hold on 9")
    assert rows[0].startswith("  8 of 10          -2   +1.04    1.28  dB    the tuned")
    column = head.index("claim")
    assert " ".join(row[column:] for row in rows) == text
    if width != 40:  # too narrow for the numbers beside a readable column of text
        assert all(len(row) <= (width or 999) for row in rows)


@pytest.mark.parametrize(
    ("text", "expected"), [("{", "cannot be read"), ('{"schema_version": 2}', "damaged")]
)
def test_a_bad_table_is_told_in_one_line(book, text, expected):
    book.write("results/a/b/seeds.json", text)
    with pytest.raises(UserError, match=expected) as caught:
        read_seeds_table(book.project, "a/b")
    assert str(caught.value).startswith("results/a/b/seeds.json: ")
    assert "`medbook check a/b --seeds 10 --accept`" in str(caught.value)
    assert read_seeds_table(book.project, "a/c") is None


def test_a_sweep_is_kept_resumed_tabulated_and_red(book):
    book.chapter("pixels/dice", DICE)
    commit = book.commit()
    done = book.medbook("check", "--seeds", "4", "--accept", "-o", str(book.root / "table.md"))
    assert done.returncode == 1
    line = "  2 of 4        -0.5    +1.5    1.53  pips  seeds below four are small enough\n"
    assert line in done.stdout
    assert "seed 3 failed: " in done.stdout
    assert "three is unlucky" in done.stdout
    assert "held on 2 of 4 other seeds, at least 4 are needed" in done.stderr
    assert "| pixels/dice | seeds below four are small enough | 2 of 4 |" in (
        book.root / "table.md"
    ).read_text("utf-8")
    kept = json.loads((book.root / "results/pixels/dice/seeds.json").read_text("utf-8"))
    assert kept["grid"] == {"seed": [1, 2, 3, 4]}
    assert kept["claims"][0]["margins"] == [2.5, 1.5, None, -0.5]
    assert kept["results"][0]["values"] == [2, 4, None, 8]
    assert kept["made_by"]["commits"] == [commit]
    assert not (book.root / "build/runs/pixels/dice").exists()

    book.chapter("pixels/dice", DICE.replace("seed == 3:", "seed == 33:"))
    again = book.medbook("check", "--seeds", "4", "-o", str(book.root / "table.json"))
    assert "start   pixels/dice seed=1" in again.stdout  # the code changed: nothing is kept
    third = book.medbook("check", "--seeds", "5")
    assert "4 of 5 runs are fresh and kept" in third.stdout
    assert third.stdout.count("start ") == 1
    assert "start   pixels/dice seed=5" in third.stdout
    (table,) = json.loads((book.root / "table.json").read_text("utf-8"))
    assert [point["error"] for point in table["points"]] == [""] * 4
    assert table["claims"][0]["holds"] == [True, True, True, False]


@pytest.mark.parametrize(
    "words",
    [
        ("--accept",),
        ("-o", "x.md"),
        ("--seeds", "2", "-o", "x.txt"),
        ("--seeds", "0"),
        ("--seeds", "2", "--longer"),
        ("--falsify", "--accept", "--profile", "smoke"),
    ],
)
def test_options_that_make_no_sense_are_refused(accepted_book, words):
    done = accepted_book.medbook("check", *words)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
