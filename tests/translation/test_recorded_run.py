"""The recorded run that the chapter on fine-tuning shows: whole, and as its page describes it."""

from pathlib import Path

import pytest

from medlib.experiment.record import Record, read_record

PATH = Path(__file__).parents[2] / "results/translation/extract_or_finetune/full.json"


@pytest.fixture(scope="module")
def recorded() -> Record:
    return read_record(PATH)


def rows(record: Record, name: str) -> list[dict]:
    (table,) = [table for table in record.tables if table.name == name]
    return table.rows


def test_it_is_a_run_of_the_profile_that_the_page_names(recorded):
    assert (recorded.chapter, recorded.profile) == ("translation/extract_or_finetune", "full")
    assert recorded.parameters["sweep"] is True


def test_it_names_no_folder_of_the_machine_it_was_made_on(recorded):
    assert not [use.path for use in recorded.data if use.path and Path(use.path).is_absolute()]


def test_each_rate_was_tried_on_six_draws_of_few_labels_and_two_of_many(recorded):
    for row in rows(recorded, "tuning"):
        assert len(row["AUCs"]) == (6 if row["when"] == "few" else 2), row


def test_each_arm_was_measured_on_as_many_draws_as_the_caption_says(recorded):
    short = recorded.parameters["steps"]
    for row in rows(recorded, "ablation"):
        expected = 3 if row["steps"] != short else 8 if row["n"] <= 50 else 5
        assert len(row["AUCs"]) == expected, row
        assert all(0 <= auc <= 1 for auc in row["AUCs"]), row


def test_every_arm_stands_at_every_number_of_labels(recorded):
    short = recorded.parameters["steps"]
    found: dict[tuple[str, str], set[int]] = {}
    for row in rows(recorded, "ablation"):
        if row["steps"] == short:
            found.setdefault((row["task"], row["arm"]), set()).add(row["n"])
    assert set(found) == {("near", name) for name in ("frozen", "graded", "full")} | {
        ("far", name) for name in ("scratch", "frozen", "norm only", "graded", "full")
    }
    assert set(map(frozenset, found.values())) == {frozenset({10, 20, 50, 100, 400})}
