"""The one place where kept tables are read and written: other seeds, sweeps, longer training, a
long run, falsifiers. What was accepted of the book's own run is in `accepted`.

A kept table names the commit that made it, so that nothing is kept from a tree whose files differ
from their commit: nobody could ever make it again.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from medlib.experiment.environment import commit
from medlib.experiment.record import Part, Record, RecordError, write_atomically
from medlib.experiment.tables import FullRun, MadeBy, read_kept, table_path
from press.errors import UserError
from press.results.accepted import to_json
from press.results.stale import computing_digests, stale_because
from press.source.project import Project

HOW = {
    "seeds": "medbook check {chapter} --seeds 10 --accept",
    "sweep": "medbook sweep {chapter} ... --accept",
    "live": "medbook sweep {chapter} --profile live --seeds 0-4 --accept",
    "longer": "medbook check {chapter} --longer --accept",
    "full": "medbook run {chapter} --profile full --accept",
    "falsified": "medbook check {chapter} --falsify --accept",
}
_Kept = TypeVar("_Kept", bound=Part)


def how_to_make(chapter: str, kind: str) -> str:
    """The command that makes a kept table.

    >>> how_to_make("pixels/low_dose_ct", "seeds")
    'medbook check pixels/low_dose_ct --seeds 10 --accept'
    """
    return HOW[kind].format(chapter=chapter)


def path_of(project: Project, chapter: str, kind: str) -> Path:
    """Where the table of a kind stands."""
    return table_path(project.results, chapter, kind)


def read(project: Project, chapter: str, kind: str, model: type[_Kept]) -> _Kept | None:
    """A kept table; None where there is none.

    Raises:
        UserError: it is damaged.
    """
    path = path_of(project, chapter, kind)
    try:
        return read_kept(path, model)
    except FileNotFoundError:
        return None
    except RecordError as error:
        text = str(error).replace(str(path), project.relative(path))
        raise UserError(f"{text}: `{how_to_make(chapter, kind)}`") from None


def write(project: Project, chapter: str, kind: str, table: Part) -> Path:
    """Keep a table, and say where."""
    path = path_of(project, chapter, kind)
    write_atomically(path, as_text(table))
    return path


def as_text(table: Part) -> str:
    """A kept table as it stands in its file: one line a column, and no line that says nothing."""
    whole = isinstance(table, FullRun)  # a record is kept as it was written
    dump = table.model_dump(mode="json", exclude_defaults=not whole)
    version = {"schema_version": type(table).model_fields["schema_version"].default}
    return to_json(version | dump, long_columns=True)


# -- the commit ------------------------------------------------------------------------------------


def commit_to_name(project: Project) -> str:
    """The commit that a table made now may name.

    Files under ``results/`` may differ from it: what a run reads there is in its record as data.

    Raises:
        UserError: this is no git checkout, or tracked files differ from the commit.
    """
    found = commit(project.root)
    if found is None:
        raise UserError(
            "--accept keeps a table that names the commit that made it, and this is no git checkout"
            " with a commit"
        )
    if found.dirty:
        words = ("--porcelain", "--untracked-files=no", "--", ".", ":!results")
        changed = [line[3:] for line in _git(project, "status", *words).splitlines()]
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise UserError(
            f"--accept keeps a table that names the commit that made it, but {changed[0]}{more}"
            " differ from it: commit first (the runs that are done are kept)"
        )
    return found.sha


def must_be_committed(project: Project, chapter: str, made: MadeBy) -> None:
    """Whether the commit holds all that made a table, as it was when it made it.

    Args:
        project: the checkout, which is at a commit without changes.
        chapter: the id of the chapter or companion that was run.
        made: what the table says of its making.

    Raises:
        UserError: the notebook, or a library file that was imported, is not in git, or has changed
            since some of the runs.
    """
    found = Project(project.root).notebook(chapter)  # read again: the runs may have taken hours
    wanted = [project.relative(found.source), *made.modules]
    known = set(_git(project, "ls-files", "--", *wanted).splitlines())
    unknown = [path for path in wanted if path not in known]
    if unknown:
        raise UserError(f"--accept: {unknown[0]} is not in git: add and commit it first")
    if because := stale_because(project, found, made):
        raise UserError(f"--accept: since it was made, {'; '.join(because)}: run it again")


def _git(project: Project, *words: str) -> str:
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", "-C", str(project.root), *words],
        capture_output=True,
        text=True,
        check=True,
        env=own,
    ).stdout


def committed(project: Project, made: MadeBy, sha: str) -> MadeBy:
    """`made`, with the commit `sha` in the place of what was run before it was committed.

    The runs are fresh: the digests of all that they imported are those of the commit's files, or
    differ in words. The digests without words are added, of the files that are the same.
    """
    named = [sha if was.endswith("+changes") else was for was in made.commits] or [sha]
    computing = made.computing_modules | computing_digests(project, made.modules)
    update = {"commits": list(dict.fromkeys(named)), "computing_modules": computing}
    return made.model_copy(update=update)


def portable(record: Record, root: Path) -> Record:
    """A record that names no folder of the machine it was made on.

    Paths of data inside the repository become relative to it; others are left out.
    """
    return record.model_copy(
        update={
            "data": [
                use.model_copy(update={"path": _inside(use.path, root)}) for use in record.data
            ]
        }
    )


def _inside(path: str | None, root: Path) -> str | None:
    if path is None or not Path(path).is_absolute():
        return path
    resolved, top = Path(path).resolve(), root.resolve()
    return resolved.relative_to(top).as_posix() if resolved.is_relative_to(top) else None


def tables_in(project: Project) -> Iterable[tuple[str, str]]:
    """The chapter (or companion) and kind of every kept table there is."""
    for path in sorted(project.results.rglob("*.json")):
        if path.stem in HOW:
            yield path.parent.relative_to(project.results).as_posix(), path.stem
