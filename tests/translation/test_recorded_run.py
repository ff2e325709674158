"""The recorded search for rates that the chapter on fine-tuning shows: whole, as the page says."""

from pathlib import Path

import pytest

from medlib.experiment.record import Record
from medlib.experiment.tables import FullRun, read_kept

PATH = Path(__file__).parents[2] / "results/translation/extract_or_finetune/full.json"


@pytest.fixture(scope="module")
def recorded() -> Record:
    return read_kept(PATH, FullRun).record


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


def test_every_rate_of_the_grid_was_tried_for_every_arm(recorded):
    rates: dict[tuple[str, str, str], list[float]] = {}
    for row in rows(recorded, "tuning"):
        rates.setdefault((row["task"], row["when"], row["arm"]), []).append(row["rate"])
    assert len(rates) == 2 * 6 + 2
    for (_, when, _), tried in rates.items():
        assert len(tried) == len(set(tried)) == (4 if when == "long" else 5)
