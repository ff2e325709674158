"""What a run may cost: of a quick one all its processes count, and an exception has a reason."""

import json

import pytest

from medlib.experiment.record import read_record
from press.check.budgets import CPU_BUDGET_S, START_S, inspect_budgets
from press.check.verify import verify_book
from press.errors import UserError
from press.source.project import Project, QuickBudget

PROFILES = "chapters/pixels/whole/profiles.yml"
LIMIT_S = CPU_BUDGET_S["smoke"]


@pytest.fixture(autouse=True)
def _no_stretching(monkeypatch):
    monkeypatch.delenv("MEDBOOK_BUDGET_FACTOR", raising=False)


def found(book, *, profile="smoke", kernel_s=0.1, project=None, **note):
    record = read_record(book.root / "build/runs/pixels/whole/record.json")
    record = record.model_copy(update={"profile": profile, "cpu_s": kernel_s})
    return [str(each) for each in inspect_budgets(record, note, project=project)]


def test_a_quick_run_s_seconds_are_those_of_all_its_processes(accepted_book):
    assert found(accepted_book, kernel_s=0.1, cpu_s=LIMIT_S, forked=True) == []
    (line,) = found(accepted_book, kernel_s=0.1, cpu_s=LIMIT_S + 0.1, forked=True)
    assert f"took {LIMIT_S + 0.1:.1f} s of CPU; profile 'smoke' allows {LIMIT_S:g} s" in line
    assert found(accepted_book, kernel_s=LIMIT_S + 0.1, cpu_s=0.1, forked=True) == [line]


def test_one_that_began_with_nothing_may_import_on_top(accepted_book):
    whole = LIMIT_S + START_S
    assert found(accepted_book, cpu_s=whole, forked=False) == []
    assert found(accepted_book, kernel_s=whole) == [], "without a note of the press"
    (line,) = found(accepted_book, cpu_s=whole + 0.1, forked=False)
    assert f"allows {whole:g} s" in line


def test_of_the_book_s_own_run_the_kernel_counts_and_nothing_is_added(accepted_book):
    assert found(accepted_book, profile="book", kernel_s=75.0, cpu_s=99.0, forked=False) == []
    assert len(found(accepted_book, profile="book", kernel_s=75.1, forked=False)) == 1
    assert found(accepted_book, profile="full", kernel_s=1e6) == []


def test_a_chapter_may_state_what_its_quick_run_takes_and_why(accepted_book):
    accepted_book.write(PROFILES, "smoke: {size: 20}\nbudget: {smoke: 14, because: two servers}\n")
    project = Project(accepted_book.root)
    assert project.quick_budgets == {"pixels/whole": QuickBudget(14.0, "two servers")}
    assert verify_book(project) == []
    assert found(accepted_book, project=project, cpu_s=14.0, forked=True) == []
    (line,) = found(accepted_book, project=project, cpu_s=14.1, forked=True)
    assert "allows 14 s" in line
    assert found(accepted_book, project=project, profile="book", kernel_s=75.0) == []


@pytest.mark.parametrize(
    "stated",
    ["14", "{smoke: 14}", "{smoke: 14, because: }", "{smoke: much, because: why}",
     "{smoke: 0, because: why}", "{smoke: .inf, because: why}", "{because: why}",
     "{smoke: 14, because: why, book: 99}", "{book: 99, because: why}"],
)  # fmt: skip
def test_a_budget_without_seconds_and_a_reason_is_refused(accepted_book, stated):
    accepted_book.write(PROFILES, f"budget: {stated}\n")
    with pytest.raises(UserError, match=r"whole/profiles\.yml: expected `budget: {smoke"):
        _ = Project(accepted_book.root).quick_budgets
    (line,) = [str(each) for each in verify_book(Project(accepted_book.root))]
    assert "expected `budget" in line


def test_a_budget_that_is_not_needed_is_named(accepted_book):
    accepted_book.write(PROFILES, f"budget: {{smoke: {LIMIT_S:g}, because: habit}}\n")
    (line,) = [str(each) for each in verify_book(Project(accepted_book.root))]
    assert f"states a budget of {LIMIT_S:g} s; every chapter is allowed {LIMIT_S:g}" in line


def test_the_check_holds_a_quick_run_to_what_it_took(accepted_book):
    accepted_book.write(PROFILES, "smoke: {size: 20}\n")
    assert accepted_book.medbook("run", "whole", "--profile", "smoke").returncode == 0
    assert accepted_book.medbook("check", "--profile", "smoke").returncode == 0
    (path,) = (accepted_book.root / "build/runs-adhoc").rglob("press.json")
    note = json.loads(path.read_text("utf-8"))
    allowed = LIMIT_S + (0 if note["forked"] else START_S)
    path.write_text(json.dumps(note | {"cpu_s": allowed + 0.1}), "utf-8")
    done = accepted_book.medbook("check", "--profile", "smoke")
    assert done.returncode == 1
    assert f"took {allowed + 0.1:.1f} s of CPU; profile 'smoke' allows {allowed:g} s" in done.stderr
