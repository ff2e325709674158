"""Tiny books: projects with a library, data and chapters of their own, quick to run."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from press.cli.main import main
from press.run import starting
from press.run.execute import Outcome, execute_all, plan
from press.run.freshness import Freshness, freshness
from press.run.starting import can_fork
from press.source.project import Project
from tests.press.packed_book import cite, packed
from tests.press.swept_book import make_swept_book
from tests.press.whole_chapter import whole_chapter, whole_sheet

CLEAN_STARTS = (  # where the starting itself is looked at, or what is in the process
    "test_checks_on_a_cluster",
    "test_cluster",
    "test_execute",
    "test_interrupt",
    "test_jupyter_cache",
    "test_reproduce",
    "test_reproduce_crate",
    "test_starting",
)
REPOSITORY = Path(__file__).resolve().parents[2]

PARAMETERS = """\
seed: int = 0  # master seed, x ≥ 0
device: str = "cpu"  # where to compute: "auto", "cpu" or "cuda"
factor: float = 2.0  # what to multiply by, 0 < x ≤ 10
"""

CHAPTER = """\
# %% [markdown]
# # {title}
# Some prose.

# %% tags=["parameters"]
{parameters}
# %%
from medlib import experiment
{imports}
run = experiment.start("{id}", locals())

# %% [markdown]
# ## The work

# %%
{code}

# %%
run.finish()
"""


@pytest.fixture(autouse=True)
def _warm_starts(request):
    """Fork what the press would start clean: the same results, without a second of imports each.

    `tests/press/run/test_starting.py` shows that both
    ways give the same.
    """
    if request.path.stem not in CLEAN_STARTS:
        request.getfixturevalue("forked")


@pytest.fixture
def forked(request, monkeypatch):
    """Fork what the press would start clean, in a test of a file of CLEAN_STARTS."""
    if can_fork():
        monkeypatch.setattr(starting, "clean", request.getfixturevalue("nursery"))


@contextlib.contextmanager
def forking(request):
    """The same for a fixture of more than one test."""
    start = request.getfixturevalue("nursery") if can_fork() else starting.clean
    with mock.patch.object(starting, "clean", start):
        yield


@dataclass(frozen=True)
class TinyBook:
    """A project in a temporary folder."""

    project: Project

    @property
    def root(self) -> Path:
        return self.project.root

    def write(self, path: str, text: str) -> Path:
        """Write a file of the project."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace `old`, which must be there, by `new`."""
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text
        self.write(path, text.replace(old, new))

    def chapter(
        self, chapter_id: str, code: str, *, imports: str = "", parameters: str = PARAMETERS
    ) -> None:
        """Write a chapter that runs `code` between `experiment.start` and `run.finish`."""
        text = CHAPTER.format(
            title=f"Chapter {chapter_id}",
            id=chapter_id,
            code=code,
            imports=imports,
            parameters=parameters,
        )
        self.write(source_of(chapter_id), text)

    def commit(self) -> str:
        """Commit every file but derived ones, in a repository of the book's own; the commit."""
        if not (self.root / ".git").exists():
            self._git("init", "-q")
            self.write(".gitignore", "build/\n__pycache__/\n")
        self._git("add", "-A")
        name = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
        self._git(*name, "commit", "-q", "--allow-empty", "-m", "all")
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(self.root), *words], capture_output=True, text=True, check=True
        ).stdout

    def run(self, *chapter_ids: str, workers: int = 2) -> list[Outcome]:
        """Execute chapters as the book runs them."""
        project = Project(self.root)
        jobs = [plan(project, project.chapter(name)) for name in chapter_ids]
        return execute_all(project, jobs, workers=workers)

    def state(self, chapter_id: str) -> Freshness:
        """A chapter's freshness, from files alone."""
        project = Project(self.root)
        return freshness(project, project.chapter(chapter_id))

    def stale(self) -> dict[str, tuple[str, ...]]:
        """The chapters that are not fresh, and why."""
        states = {c.id: self.state(c.id) for c in Project(self.root).chapters}
        return {name: state.reasons for name, state in states.items() if not state.fresh}

    def command(self, *words: str) -> list[str]:
        """The command line of `medbook` on this project."""
        return [sys.executable, "-m", "press.cli.main", "--root", str(self.root), *words]

    def medbook(
        self, *words: str, before: Sequence[str] = (), **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run `medbook` as a user's shell would, and wait for it.

        In this process, which has imported the press already; `before`, a command that runs it, and
        any option of `subprocess.run` give it one of its own.
        """
        command = [*before, *self.command(*words)]
        if not before and not options:
            return in_this_process(command, words, root=self.root)
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=plain_environment(),
            check=False,
            **options,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start `medbook` in a process of its own, and do not wait for it.

        It hears Ctrl-C even where these tests run in the background of a shell, which has its
        background jobs ignore it.
        """
        return subprocess.Popen(
            self.command(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=plain_environment(),
            start_new_session=True,
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )


def in_this_process(
    command: list[str], words: Sequence[str], *, root: Path
) -> subprocess.CompletedProcess[str]:
    """What `command` would give, without a process of its own."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, plain_environment(), clear=True),
        warnings.catch_warnings(),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        warnings.simplefilter("default")
        code = main(["--root", str(root), *words])
    return subprocess.CompletedProcess(command, int(code), out.getvalue(), err.getvalue())


def plain_environment() -> dict[str, str]:
    """The environment of a user's shell: nothing of the book's or pytest's own."""
    dropped = ("MEDBOOK_", "PYTEST_", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1", "COLUMNS": "100"}


def source_of(chapter_id: str) -> str:
    """Where a chapter's or a companion's source stands, below the root."""
    name = chapter_id.rsplit("/", 1)[-1]
    folder = chapter_id.rsplit("/", 1)[0] if name.startswith("_") else chapter_id
    return f"chapters/{folder}/{name}.py"


def make_book(root: Path) -> TinyBook:
    """An empty project with the real medlib.experiment and nothing else."""
    book = TinyBook(Project(root))
    book.write("pyproject.toml", '[project]\nname = "pixels-to-patients"\n')
    book.write("constraints.txt", "numpy==2.4.6\n")
    (book.root / "chapters").mkdir()
    for package in ("medlib", "medlib/pixels", "data_fetch"):
        book.write(f"{package}/__init__.py", "")
    shutil.copytree(
        REPOSITORY / "medlib" / "experiment",
        root / "medlib" / "experiment",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    return book


@pytest.fixture
def book(tmp_path: Path) -> TinyBook:
    """An empty tiny book."""
    return make_book(tmp_path)


@pytest.fixture(scope="session")
def executed_book(tmp_path_factory: pytest.TempPathFactory) -> TinyBook:
    """Two executed chapters: `alpha` imports a library file that imports another, `beta` neither.

    Never change it: take `ready_book`, a copy.
    """
    book = make_book(tmp_path_factory.mktemp("executed"))
    book.write("medlib/pixels/double.py", "def double(x):\n    return 2 * x\n")
    book.write(
        "medlib/pixels/quadruple.py",
        "from medlib.pixels.double import double\n\n\n"
        "def quadruple(x):\n    return double(double(x))\n",
    )
    book.write("medlib/pixels/unused.py", "")
    book.write("data_fetch/reading.py", READING)
    book.write("data.txt", "3\n")
    book.chapter(
        "pixels/alpha",
        'run.result("quadrupled", quadruple(factor))\n'
        'run.claim("four times a positive number is larger", True, margin=3 * factor)\n'
        'print("alpha ran")',
        imports="from medlib.pixels.quadruple import quadruple",
    )
    book.chapter(
        "pixels/beta",
        'sample = run.uses(read())\nrun.result("value", float(sample.array) * factor)',
        imports="from data_fetch.reading import read",
    )
    outcomes = book.run("pixels/alpha", "pixels/beta")
    assert [outcome.failure for outcome in outcomes] == [None, None]
    return book


READING = """\
import hashlib
import os
from pathlib import Path
from types import SimpleNamespace


def read():
    path = Path(os.environ["MEDBOOK_ROOT"]) / "data.txt"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return SimpleNamespace(
        array=int(path.read_text()), name="numbers", kind="simulated", sha256=digest, path=path
    )
"""


@pytest.fixture
def ready_book(executed_book: TinyBook, tmp_path: Path) -> TinyBook:
    """A copy of `executed_book` to do as one likes with.

    The data file's path is recorded in full, so that it is made to point into the copy.
    """
    root = tmp_path / "copy"
    shutil.copytree(executed_book.root, root)
    record = root / "build" / "runs" / "pixels" / "beta" / "record.json"
    record.write_text(record.read_text().replace(str(executed_book.root), str(root)))
    return TinyBook(Project(root))


@pytest.fixture(scope="session")
def whole_book(tmp_path_factory: pytest.TempPathFactory) -> TinyBook:
    """One chapter, pixels/whole, that passes every check: executed, its results accepted.

    Never change it: take `accepted_book`, a copy.
    """
    return make_whole_book(tmp_path_factory.mktemp("whole"))


def make_whole_book(root: Path) -> TinyBook:
    """One chapter, pixels/whole, that passes every check: executed, its results accepted."""
    book = make_book(root)
    book.write("chapters/pixels/whole/whole.py", whole_chapter("pixels/whole"))
    book.write("chapters/pixels/whole/exercises.py", whole_sheet("pixels/whole"))
    book.write("chapters/pixels/whole/grounds.yml", "run_on: simulation\n")
    (outcome,) = book.run("pixels/whole")
    assert outcome.failure is None
    done = book.medbook("accept")
    assert done.returncode == 0, done.stderr
    return book


@pytest.fixture
def accepted_book(whole_book: TinyBook, tmp_path: Path) -> TinyBook:
    """A copy of `whole_book` to do as one likes with."""
    shutil.copytree(whole_book.root, tmp_path / "whole")
    return TinyBook(Project(tmp_path / "whole"))


@pytest.fixture(scope="session")
def swept_book(request, tmp_path_factory: pytest.TempPathFactory) -> TinyBook:
    """A whole chapter with a companion whose sweep was accepted, one point of it run again.

    Never change it: take `live_book`, a copy.
    """
    with forking(request):
        return make_swept_book(tmp_path_factory.mktemp("swept"))


@pytest.fixture
def live_book(swept_book: TinyBook, tmp_path: Path) -> TinyBook:
    """A copy of `swept_book` to do as one likes with."""
    shutil.copytree(swept_book.root, tmp_path / "copy")
    return TinyBook(Project(tmp_path / "copy"))


@pytest.fixture(scope="session")
def cited_book(whole_book: TinyBook, tmp_path_factory: pytest.TempPathFactory) -> TinyBook:
    """A whole book that says who wrote it, so that its run can be packed. Never change it."""
    root = tmp_path_factory.mktemp("cited") / "book"
    shutil.copytree(whole_book.root, root)
    cite(book := TinyBook(Project(root)))
    return book


@pytest.fixture(scope="session")
def crate_files(cited_book: TinyBook) -> dict[str, bytes]:
    """The files of the crate of its run, by name. Change a copy."""
    return packed(cited_book)
