"""The build runs what is not fresh, checks everything, and is red for each thing that is wrong."""

import pytest

from press.cli.build import build, what_to_run
from press.errors import Exit, UserError
from press.finding import Finding
from press.run.execute import read_note
from press.source.project import Project


@pytest.fixture
def studio(monkeypatch):
    """The checks and the site, replaced by what a test wants them to say."""

    class Studio:
        def __init__(self):
            self.findings: list[Finding] = []
            self.sites = 0
            self.trouble: UserError | None = None

        def build_site(self, project, *, echo):
            if self.trouble:
                raise self.trouble
            self.sites += 1
            return project.site

    stand_in = Studio()
    monkeypatch.setattr("press.check.verify.verify_book", lambda project: stand_in.findings)
    monkeypatch.setattr("press.check.verify.inspect_source", lambda project, chapter: [])
    monkeypatch.setattr("press.page.site.build_site", stand_in.build_site)
    return stand_in


@pytest.fixture
def press(ready_book, studio):
    """Build the book: exit code, what was said, what was warned of."""

    def run(**options):
        said, warned = [], []
        code = build(Project(ready_book.root), echo=said.append, warn=warned.append, **options)
        return code, said, warned

    return run


def started(book, name):
    return (book.project.runs / "pixels" / name / "record.json").stat().st_mtime_ns


def test_a_fresh_book_executes_nothing(press, ready_book, studio):
    before = started(ready_book, "alpha")
    code, said, warned = press()
    assert (code, warned) == (Exit.OK, [])
    assert said[0] == "2 of 2 chapters are fresh"
    assert started(ready_book, "alpha") == before
    assert studio.sites == 1


def test_only_the_stale_chapter_runs_and_says_why(press, ready_book):
    ready_book.edit("medlib/pixels/double.py", "2 * x", "3 * x")
    alpha, beta = started(ready_book, "alpha"), started(ready_book, "beta")
    code, said, _ = press()
    assert code == Exit.OK
    assert said[:2] == [
        "1 of 2 chapters are fresh",
        "run     pixels/alpha (stale: medlib/pixels/double.py changed)",
    ]
    assert started(ready_book, "alpha") > alpha
    assert started(ready_book, "beta") == beta


def test_force_runs_all(press, ready_book):
    alpha, beta = started(ready_book, "alpha"), started(ready_book, "beta")
    assert press(force=True)[0] == Exit.OK
    assert started(ready_book, "alpha") > alpha
    assert started(ready_book, "beta") > beta


def test_each_failure_is_named_the_others_finish_and_no_site_is_made(press, ready_book, studio):
    ready_book.chapter("pixels/raises", "raise RuntimeError('planted')")
    ready_book.chapter("pixels/works", "pass")
    ready_book.chapter("pixels/misspelt", "pass", parameters="seed = 0\n")
    code, _, warned = press()
    assert code == Exit.CHAPTER_FAILED
    assert any("no run of its present code" in line for line in warned)
    listed = [line for line in warned if line.startswith("  - ")]
    assert len(listed) == 2
    assert "pixels/misspelt" in listed[0]
    assert "pixels/raises: cell 3 raised RuntimeError: planted" in listed[1]
    assert "  | RuntimeError: planted" in warned
    assert studio.sites == 0
    assert ready_book.state("pixels/works").fresh


def test_what_the_checks_find_makes_the_build_red(press, studio):
    studio.findings = [Finding("pixels/alpha", "claim", "does not hold")]
    code, _, warned = press()
    assert code == Exit.CHECK_FAILED
    assert warned[-1] == "  - pixels/alpha: claim: does not hold"
    assert studio.sites == 1


def test_a_site_that_cannot_be_made_makes_the_build_red(press, studio):
    studio.trouble = UserError("npm is missing", Exit.ENVIRONMENT)
    code, _, warned = press()
    assert code == Exit.ENVIRONMENT
    assert warned[-1] == "  - npm is missing"


def test_findings_of_a_failed_chapter_s_old_run_are_not_told(press, ready_book, studio):
    ready_book.edit("medlib/pixels/double.py", "2 * x", "2 * x / 0")
    studio.findings = [
        Finding("pixels/alpha", "claim", "of the old run"),
        Finding("pixels/beta", "claim", "does not hold"),
    ]
    code, _, warned = press()
    assert code == Exit.CHAPTER_FAILED
    assert not any("of the old run" in line for line in warned)
    assert "  - pixels/beta: claim: does not hold" in warned


def test_a_book_without_chapters_is_an_error(book):
    with pytest.raises(UserError, match="holds no chapters"):
        build(book.project)


def test_the_last_wall_time_is_expected_of_the_next_run(ready_book):
    ready_book.edit("medlib/pixels/double.py", "2 * x", "3 * x")
    (item,), broken = what_to_run(Project(ready_book.root))
    assert broken == []
    note = read_note(ready_book.project.runs / "pixels" / "alpha")
    assert item.job.expected_s == note["wall_s"] > 0


def test_a_cold_build_expects_what_was_accepted(book):
    book.chapter("pixels/alpha", "pass")
    book.write("results/pixels/alpha/accepted.json", '{"made_with": {"wall_s": 12.5}}')
    (item,), _ = what_to_run(Project(book.root))
    assert item.job.expected_s == 12.5
