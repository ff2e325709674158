"""A build with nothing to do looks at digests alone; whatever is changed is looked at again."""

import json
import os

import pytest

from press.cli import verified
from press.cli.build import build
from press.errors import Exit
from press.finding import Finding
from press.source.project import Project

LOOKED = ["2 of 2 chapters are fresh", "nothing changed since the last build"]
STAMP = "build/verified.json"


@pytest.fixture
def checks(monkeypatch):
    """The checks and the site, replaced; how often they were asked."""

    class Checks:
        def __init__(self):
            self.asked = 0
            self.findings: list[Finding] = []
            self.meanwhile = lambda: None

        def verify_book(self, project):
            self.asked += 1
            self.meanwhile()
            return self.findings

        def build_site(self, project, *, echo):
            project.site.mkdir(parents=True, exist_ok=True)
            (project.site / "medbook-site.json").write_text('{"fingerprint": "x", "inputs": "y"}')
            return project.site

    stand_in = Checks()
    monkeypatch.setattr("press.check.verify.verify_book", stand_in.verify_book)
    monkeypatch.setattr("press.page.site.build_site", stand_in.build_site)
    return stand_in


@pytest.fixture
def press(ready_book, checks):
    """Build the book, as a command does: exit code, what was said, how often it was checked."""

    def run(**options):
        said, before = [], checks.asked
        code = build(Project(ready_book.root), echo=said.append, warn=said.append, **options)
        return code, said, checks.asked - before

    return run


def test_the_second_build_checks_nothing_and_says_so(press):
    assert press()[::2] == (Exit.OK, 1)
    code, said, asked = press()
    assert (code, asked) == (Exit.OK, 0)
    assert said[0] == LOOKED[0]
    assert said[1].startswith(LOOKED[1])
    assert "`medbook serve`" in said[2]


def test_no_chapter_is_read_then(press, monkeypatch):
    press()

    def read(*words, **options):
        raise AssertionError("something was read")

    for name in ("press.source.project.weave", "medlib.experiment.record.read_record"):
        monkeypatch.setattr(name, read)
    assert press()[::2] == (Exit.OK, 0)


def test_force_runs_and_checks_all_the_same(press):
    press()
    assert press(force=True)[2] == 1


@pytest.mark.parametrize(
    "name",
    [
        "chapters/pixels/alpha/alpha.py",
        "chapters/pixels/alpha/profiles.yml",
        "results/pixels/alpha/seeds.json",
        "results/known_stale.toml",
        "medlib/pixels/unused.py",
        "medlib/experiment/run.py",
        "data_fetch/reading.py",
        "book/index.md",
        "constraints.txt",
        "_toc.yml",
        "build/runs/pixels/alpha/record.json",
        "build/runs/pixels/alpha/figures/another.png",
        "build/live/pixels/alpha/_points/record.json",
        "build/site/medbook-site.json",
        "data.txt",
    ],
)
def test_a_byte_more_anywhere_is_looked_at(press, checks, ready_book, name, monkeypatch):
    monkeypatch.setattr("press.cli.build.run_jobs", lambda project, jobs, **options: [])
    press()
    path = ready_book.root / name
    ready_book.write(name, (path.read_text() if path.exists() else "") + "\n")
    assert press()[2] == 1


@pytest.mark.parametrize("name", ["build/runs/pixels/alpha/record.json", "data.txt"])
def test_a_file_less_is_looked_at(press, ready_book, name, monkeypatch):
    monkeypatch.setattr("press.cli.build.run_jobs", lambda project, jobs, **options: [])
    press()
    (ready_book.root / name).unlink()
    assert press()[2] == 1


def test_another_limit_is_looked_at(press, monkeypatch):
    monkeypatch.setenv("MEDBOOK_BUDGET_FACTOR", "3")
    press()
    assert press()[2] == 0
    monkeypatch.setenv("MEDBOOK_BUDGET_FACTOR", "2")
    assert press()[2] == 1


def test_another_renderer_is_looked_at(press, monkeypatch):
    press()
    monkeypatch.setattr(verified, "renderers", lambda: {"sphinx": "another"})
    assert press()[2] == 1


def test_what_is_wrong_is_said_again_each_time(press, checks):
    checks.findings = [Finding("pixels/alpha", "claim", "does not hold")]
    for _ in range(2):
        code, said, asked = press()
        assert (code, asked) == (Exit.CHECK_FAILED, 1)
        assert said[-1] == "  - pixels/alpha: claim: does not hold"


@pytest.mark.parametrize("name", ["chapters/pixels/alpha/alpha.py", "build/runs/pixels/x.json"])
def test_what_changes_while_it_is_checked_is_looked_at_again(press, checks, ready_book, name):
    path = ready_book.root / name

    def edit():
        ready_book.write(name, (path.read_text() if path.exists() else "") + "\n# later\n")
        checks.meanwhile = lambda: None

    checks.meanwhile = edit
    assert press()[2] == 1
    assert not (ready_book.root / STAMP).exists()
    assert press()[2] == 1


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"sources": 1}', "\0", '{"sources": "", "runs": "", "data": 3}']
)
def test_a_damaged_stamp_is_no_stamp(press, ready_book, text):
    press()
    (ready_book.root / STAMP).write_text(text)
    assert press()[2] == 1
    assert press()[2] == 0


def test_data_named_wrongly_in_the_stamp_are_no_data(press, ready_book):
    press()
    stamp = json.loads((ready_book.root / STAMP).read_text())
    assert [use["name"] for use in stamp["data"]] == ["numbers"]
    stamp["data"] = [{"name": os.sep}]
    (ready_book.root / STAMP).write_text(json.dumps(stamp))
    assert press()[2] == 1
