"""Other seeds: nine of ten must hold, a killed sweep goes on, the table says what was seen."""

import json

import pytest
from click import unstyle

from medlib.experiment.record import Claim, read_record
from press.cli.seed_lines import as_lines
from press.errors import UserError
from press.results.seed_table import as_markdown, findings, read_seed_table, tabulate
from press.results.seeds import other_seeds, seed_jobs
from press.source.project import Project

DICE = """\
if seed == 3:
    raise RuntimeError("three is unlucky")
run.claim("seeds below four are small enough", seed < 4, margin=3.5 - seed, unit="pips")
run.claim("no seed is negative at all", True, margin=float(seed), control=True)
"""


@pytest.fixture(scope="module")
def record(whole_book):
    return read_record(whole_book.root / "build/runs/pixels/whole/record.json")


def over(record, held):
    """Records of ten seeds on which the only claim holds `held` times."""
    records = {}
    for place, seed in enumerate(range(1, 11)):
        holds = place < held
        claim = Claim(text="it is so", holds=holds, margin=1.0 if holds else -2.0, unit="dB")
        records[seed] = record.model_copy(update={"claims": [claim]})
    return records


@pytest.mark.parametrize(("held", "wrong"), [(10, 0), (9, 0), (8, 1), (0, 1)])
def test_nine_of_ten_must_hold(record, held, wrong):
    table = tabulate("a/b", seeds=range(1, 11), records=over(record, held))
    found = findings(table)
    assert [finding.severity for finding in found] == ["error"] * wrong
    for finding in found:
        expected = f"'it is so' held on {held} of 10 other seeds, at least 9 are needed"
        assert finding.message == f"{expected}; smallest margin -2 dB"


def test_margins_are_told_in_the_order_of_the_seeds(record):
    (claim,) = tabulate("a/b", seeds=range(1, 11), records=over(record, 8)).claims
    assert claim.margins == [1.0] * 8 + [-2.0] * 2
    assert (claim.held, claim.min_margin, claim.median_margin) == (8, -2.0, 1.0)


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
        jobs = seed_jobs(project, project.chapter("dice"), count=5)
        seeds = [job.parameters["seed"] for job in jobs]
        assert seeds == other_seeds(seed, 5)
        assert seed not in seeds
        assert len({job.destination for job in jobs} | {project.run_dir(jobs[0].chapter)}) == 6


def test_the_markdown_table_has_a_row_a_claim(record):
    table = tabulate("a/b", seeds=range(1, 11), records=over(record, 9), failed={})
    assert "| a/b | it is so | 9 of 10 | -2 | 1 | dB |" in as_markdown([table])


@pytest.mark.parametrize("width", [40, 80, 120, None])
def test_the_printed_table_keeps_to_the_terminal_and_loses_no_word(record, width):
    text = "the tuned filters and the network are told apart by a reader who has fixed habits"
    records = {
        seed: old.model_copy(update={"claims": [old.claims[0].model_copy(update={"text": text})]})
        for seed, old in over(record, 8).items()
    }
    table = tabulate("pixels/low_dose_ct", seeds=range(1, 11), records=records)
    _, title, head, *rows, _ = [unstyle(line) for line in as_lines(table, width=width)]
    assert title.endswith("seeds 1, 2, 3, 4, 5, 6, 7, 8, 9, 10; a claim must hold on 9")
    assert rows[0].startswith("  8 of 10          -2      +1  dB    the tuned")
    column = head.index("claim")
    assert " ".join(row[column:] for row in rows) == text
    if width != 40:  # too narrow for the numbers beside a readable column of text
        assert all(len(row) <= (width or 999) for row in rows)


@pytest.mark.parametrize(("text", "expected"), [("{", "damaged"), (None, "no such table")])
def test_a_bad_table_is_told_in_one_line(tmp_path, text, expected):
    path = tmp_path / "x.seeds.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=expected):
        read_seed_table(path)


def test_a_sweep_is_kept_resumed_tabulated_and_red(book):
    book.chapter("pixels/dice", DICE)
    done = book.medbook("check", "--seeds", "4", "--accept", "-o", str(book.root / "table.md"))
    assert done.returncode == 1
    assert "  2 of 4        -0.5    +1.5  pips  seeds below four are small enough\n" in done.stdout
    assert "seed 3 failed: " in done.stdout
    assert "three is unlucky" in done.stdout
    assert "held on 2 of 4 other seeds, at least 4 are needed" in done.stderr
    assert "| pixels/dice | seeds below four are small enough | 2 of 4 |" in (
        book.root / "table.md"
    ).read_text("utf-8")
    kept = json.loads((book.root / "results/pixels/dice/seeds.json").read_text("utf-8"))
    assert kept["seeds"] == [1, 2, 3, 4]
    assert kept["claims"][0]["margins"] == [2.5, 1.5, None, -0.5]
    assert not (book.root / "build/runs/pixels/dice").exists()

    book.chapter("pixels/dice", DICE.replace("seed == 3", "seed == 33"))
    again = book.medbook("check", "--seeds", "4", "-o", str(book.root / "table.json"))
    assert "start   pixels/dice seed 1" in again.stdout  # the code changed: nothing is kept
    third = book.medbook("check", "--seeds", "5")
    assert "4 of 5 runs are fresh and kept" in third.stdout
    assert third.stdout.count("start ") == 1
    assert "start   pixels/dice seed 5" in third.stdout
    (table,) = json.loads((book.root / "table.json").read_text("utf-8"))
    assert table["failed"] == {}
    assert table["claims"][0]["held"] == 3


@pytest.mark.parametrize(
    "words", [("--accept",), ("-o", "x.md"), ("--seeds", "2", "-o", "x.txt"), ("--seeds", "0")]
)
def test_options_that_make_no_sense_are_refused(accepted_book, words):
    done = accepted_book.medbook("check", *words)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
