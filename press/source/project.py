"""Where everything lies: the repository's root, its chapters in book order, the build's folders."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from press.errors import UserError
from press.source.computing import computing_digest
from press.source.weave import code_cells, code_digest, parameters_source, title, weave
from press.source.yaml_file import read_yaml

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from medlib.experiment.parameters import Parameter

DISTRIBUTION = "pixels-to-patients"
BOOK_PROFILE = "book"
SMOKE_PROFILE = "smoke"
LIVE_PROFILE = "live"  # of one small point of a long sweep, which every cold build runs again
PROFILES = "profiles.yml"
COMPANIONS = "companions"
BUDGET = "budget"  # in a chapter's ``profiles.yml``: what its quick run may take, and why


@dataclass(frozen=True)
class QuickBudget:
    """The CPU seconds that a chapter's quick run may take where it cannot do with the usual ones.

    Attributes:
        seconds: of all its processes, forked.
        because: the reason, in a sentence.
    """

    seconds: float
    because: str


@dataclass(frozen=True, order=True)
class Chapter:
    """One chapter: its identity ``part/name``, its source file, and the folder that is all its own.

    A companion's name begins with its chapter's: ``chapter/_name``.

    What its source says is read when it is first asked for, and once: whoever holds a chapter sees
    one state of it, however long that takes. The notebook is shared; who changes it takes a copy.
    """

    part: str
    name: str
    source: Path

    def __reduce__(self) -> tuple[type[Chapter], tuple[str, str, Path]]:
        return Chapter, (self.part, self.name, self.source)  # not what was read of it

    @property
    def id(self) -> str:
        return f"{self.part}/{self.name}"

    @property
    def folder(self) -> Path:
        """Where all that is the chapter's own stands: notebook, profiles, lesson plan."""
        return self.source.parent

    @property
    def place(self) -> str:
        """Its source file, as a person in the repository's root would type it."""
        return "/".join(self.source.parts[-4:])

    @cached_property
    def notebook(self) -> NotebookNode:
        """The source woven into a notebook.

        Raises:
            UserError: it cannot be.
        """
        return weave(self.source)

    @cached_property
    def declared(self) -> dict[str, Parameter]:
        """The parameters that the source declares, by name.

        Raises:
            UserError: its parameters cell is missing or wrong.
        """
        from medlib.experiment.parameters import ParameterError, parse_parameters

        try:
            return parse_parameters(parameters_source(self.notebook))
        except ParameterError as error:
            raise UserError(f"{self.place}: {error}") from None

    @cached_property
    def code_sha256(self) -> str:
        """The digest of the code cells: see `press.source.weave.code_digest`."""
        return code_digest(self.notebook)

    @cached_property
    def computing_sha256(self) -> str:
        """The digest of what of the code cells decides a number: see `press.source.computing`."""
        return computing_digest(cell.source for cell in code_cells(self.notebook))

    @cached_property
    def title(self) -> str:
        """The first heading."""
        return title(self.notebook)

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True)
class Project:
    """A checkout of the book, as one command sees it. All derived files stay below `build`.

    A command makes one and passes it on. What is read of chapters and their runs is kept in it, and
    is not looked at again: see `Chapter`, and `press.run.chapter_run`.
    """

    root: Path
    kept: dict[tuple[str, ...], Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def build(self) -> Path:
        return self.root / "build"

    @property
    def runs(self) -> Path:
        return self.build / "runs"

    @property
    def adhoc_runs(self) -> Path:
        return self.build / "runs-adhoc"

    @property
    def sweeps(self) -> Path:
        return self.build / "sweeps"

    @property
    def seed_runs(self) -> Path:
        return self.build / "seeds"

    @property
    def live_runs(self) -> Path:
        return self.build / "live"

    @property
    def failed_runs(self) -> Path:
        return self.build / "failed"

    @property
    def stage(self) -> Path:
        return self.build / "stage"

    @property
    def site(self) -> Path:
        return self.build / "site"

    @property
    def notebooks(self) -> Path:
        return self.build / "notebooks"

    @property
    def results(self) -> Path:
        return self.root / "results"

    @property
    def constraints(self) -> Path:
        return self.root / "constraints.txt"

    def forget_runs(self) -> None:
        """Look at every run again that is asked for from now on: some were executed."""
        self.kept.clear()

    def run_dir(self, chapter: Chapter) -> Path:
        """The folder of the book's own run of `chapter`."""
        return self.runs / chapter.part / chapter.name

    def relative(self, path: Path) -> str:
        """`path` as a person in the repository's root would type it."""
        try:
            return path.resolve().relative_to(self.root).as_posix()
        except ValueError:
            return str(path)

    @cached_property
    def chapters(self) -> list[Chapter]:
        """Every chapter, in the order of ``_toc.yml``; those not in it come last, by name."""
        found = {}
        for folder in sorted((self.root / "chapters").glob("*/*/")):
            source = folder / f"{folder.name}.py"
            if source.is_file() and not folder.name.startswith(("_", ".")):
                chapter = Chapter(folder.parent.name, folder.name, source)
                found[chapter.id] = chapter
        order = {name: place for place, name in enumerate(map(chapter_id, self.toc_entries()))}
        last = len(order)
        return sorted(found.values(), key=lambda c: (order.get(c.id, last), c.id))

    def chapter(self, text: str) -> Chapter:
        """The chapter that `text` names: its id, its bare name where unique, or its source path.

        Raises:
            UserError: there is none such; the message names the nearest.
        """
        wanted = _bare(text)
        for chapter in self.chapters:
            if wanted == chapter.id:
                return chapter
        by_name = [chapter for chapter in self.chapters if chapter.name == wanted]
        if len(by_name) == 1:
            return by_name[0]
        if by_name:
            raise UserError(f"{text!r} could be {' or '.join(c.id for c in by_name)}: say which")
        ids = [chapter.id for chapter in self.chapters]
        close = difflib.get_close_matches(wanted, ids, n=1, cutoff=0.4)
        if not close:
            names = {chapter.name: chapter.id for chapter in self.chapters}
            close = [names[n] for n in difflib.get_close_matches(wanted, names, n=1, cutoff=0.5)]
        hint = f"did you mean {close[0]}?" if close else "`medbook list` shows them all"
        raise UserError(f"there is no chapter {text!r}: {hint}")

    @cached_property
    def companions(self) -> list[Chapter]:
        """Notebooks whose names start with an underscore: no pages, but they can be run and swept.

        One is a draft, or computes what a chapter shows: a point of a sweep, say.
        """
        sources = sorted((self.root / "chapters").glob("*/*/_[!_]*.py"))
        return [
            Chapter(source.parts[-3], f"{source.parts[-2]}/{source.stem}", source)
            for source in sources
        ]

    def notebook(self, text: str) -> Chapter:
        """The chapter or the companion that `text` names; a companion by its id or its file's name.

        Raises:
            UserError: there is none such; the message names the nearest chapter.
        """
        wanted = _bare(text)
        for companion in self.companions:
            if wanted in (companion.id, companion.source.stem):
                return companion
        return self.chapter(text)

    @cached_property
    def profiles(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Profile name -> chapter id -> parameters, from the ``profiles.yml`` of every chapter."""
        found: dict[str, dict[str, dict[str, Any]]] = {SMOKE_PROFILE: {}}
        for chapter, whole in self._profile_files.items():
            content = {name: value for name, value in whole.items() if name != BUDGET}
            companions = content.pop(COMPANIONS, None) or {}
            for profile, parameters in content.items():
                found.setdefault(profile, {})[chapter] = parameters or {}
            for name, profiles in companions.items():
                for profile, parameters in (profiles or {}).items():
                    found.setdefault(profile, {})[f"{chapter}/{name}"] = parameters or {}
        return found

    @cached_property
    def quick_budgets(self) -> dict[str, QuickBudget]:
        """Chapter id -> what its quick run may take, of the chapters that state it, with a reason.

        Raises:
            UserError: a budget is no number of seconds with a reason.
        """
        found = {}
        for chapter, content in self._profile_files.items():
            if BUDGET in content:
                stated = content[BUDGET]
                try:
                    seconds = float(stated[SMOKE_PROFILE])
                    because = str(stated["because"] or "").strip()
                    right = len(stated) == 2 and 0 < seconds < float("inf") and bool(because)
                except (KeyError, TypeError, ValueError):
                    right = False
                if not right:
                    shape = f"`{BUDGET}: {{{SMOKE_PROFILE}: seconds, because: the reason}}`"
                    raise UserError(f"chapters/{chapter}/{PROFILES}: expected {shape}")
                found[chapter] = QuickBudget(seconds, because)
        return found

    @cached_property
    def _profile_files(self) -> dict[str, dict[str, Any]]:
        """Chapter id -> the content of its ``profiles.yml``."""
        return {
            f"{path.parts[-3]}/{path.parts[-2]}": self._profiles_in(path)
            for path in sorted((self.root / "chapters").glob(f"*/*/{PROFILES}"))
        }

    def _profiles_in(self, path: Path) -> dict[str, Any]:
        """The content of a chapter's ``profiles.yml``: profile -> parameter -> value."""
        content = read_yaml(path) or {}
        right = isinstance(content, dict)
        if right:
            own = {
                name: value for name, value in content.items() if name not in (COMPANIONS, BUDGET)
            }
            right = _nested(own, depth=1) and _nested(content.get(COMPANIONS), depth=2)
        if not right:
            shape = "`profile: {parameter: value}`, and `companions: {name: {profile: ...}}`"
            raise UserError(f"{self.relative(path)}: expected {shape}")
        return content

    def profile_parameters(self, profile: str, chapter: Chapter) -> dict[str, Any]:
        """What `profile` sets for `chapter`; the profile "book" is the notebook's own defaults.

        Raises:
            UserError: there is no such profile; the message names those there are.
        """
        if profile == BOOK_PROFILE:
            return {}
        if profile not in self.profiles:
            names = [BOOK_PROFILE, *(name for name in self.profiles if name != BOOK_PROFILE)]
            close = difflib.get_close_matches(profile, names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}"
            raise UserError(f"there is no profile {profile!r}: {hint}")
        return dict(self.profiles[profile].get(chapter.id) or {})

    def toc_entries(self) -> list[str]:
        """The pages that ``_toc.yml`` lists, without suffix, in reading order; none without it.

        Raises:
            UserError: the file is not YAML.
        """
        path = self.root / "_toc.yml"
        if not path.is_file():
            return []
        return toc_entries(read_yaml(path))


def _nested(content: Any, *, depth: int) -> bool:
    """Whether `content` is a mapping (or empty), of mappings, to `depth` further levels."""
    if content is None or not isinstance(content, dict):
        return content is None
    return depth == 0 or all(_nested(value, depth=depth - 1) for value in content.values())


def _bare(text: str) -> str:
    """What a person typed for a chapter, less what a path adds to its id.

    >>> _bare("./chapters/pixels/low_dose_ct/low_dose_ct.py"), _bare("pixels/low_dose_ct/")
    ('pixels/low_dose_ct', 'pixels/low_dose_ct')
    """
    wanted = text.removesuffix("/").removeprefix("./").removeprefix("chapters/")
    if wanted.endswith(".py"):
        *folders, name = wanted.removesuffix(".py").split("/")
        wanted = "/".join(folders if folders and folders[-1] == name else [*folders, name])
    return wanted


def toc_entries(content: Any) -> list[str]:
    """The pages that a table of contents lists, without suffix, in reading order.

    >>> toc_entries({"root": "index", "parts": [{"chapters": [{"file": "pixels/x.py"}]}]})
    ['pixels/x']
    """
    suffixes = (".py", ".md", ".ipynb")
    return [e.rsplit(".", 1)[0] if e.endswith(suffixes) else e for e in _files_of(content)]


def chapter_id(entry: str) -> str:
    """The id of the chapter that an entry of ``_toc.yml`` names.

    >>> chapter_id("chapters/pixels/low_dose_ct")
    'pixels/low_dose_ct'
    """
    return "/".join(entry.split("/")[-2:])


def _files_of(node: Any) -> Iterator[str]:
    """Every `file` entry of a table of contents, in reading order."""
    if isinstance(node, list):
        for item in node:
            yield from _files_of(item)
    elif isinstance(node, dict):
        if isinstance(node.get("file"), str):
            yield node["file"]
        for key, value in node.items():
            if key != "file":
                yield from _files_of(value)


def find_root(start: Path | None = None) -> Path:
    """The repository's root: $MEDBOOK_ROOT, else above `start` (the current folder), else ours.

    Raises:
        UserError: no folder above holds our ``pyproject.toml``.
    """
    if start is None and (named := os.environ.get("MEDBOOK_ROOT")):
        root = Path(named).expanduser().resolve()
        if not (root / "chapters").is_dir():
            raise UserError(f"MEDBOOK_ROOT is {root}, which has no folder chapters/")
        return root
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[2]):
        if _is_root(folder):
            return folder
    raise UserError(f"{here} is not inside a checkout of {DISTRIBUTION}: cd there, or use --root")


def _is_root(folder: Path) -> bool:
    try:
        with (folder / "pyproject.toml").open("rb") as stream:
            return tomllib.load(stream).get("project", {}).get("name") == DISTRIBUTION
    except (OSError, tomllib.TOMLDecodeError):
        return False
