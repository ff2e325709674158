"""Run a recorded run again, and name the first thing that differs.

Things are compared in the order in which they cause one another: code, data, environment, result,
figure. Results must be equal to the bit: the seeds are fixed, and on the same machine with the same
versions there is no excuse. What merely tells where a run took place (host, time, commit) is not
compared.
"""

from __future__ import annotations

import dataclasses
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medlib.experiment.record import Record, RecordError, read_record
from press.errors import Exit, UserError
from press.run.execute import NOTEBOOK, RECORD, Job, Silent, execute_all, plan, tracked_digests
from press.source.project import BOOK_PROFILE, Project
from press.source.weave import code_cells, weave

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from press.run.execute import Listener

    Show = Callable[[Sequence[Job]], AbstractContextManager[Listener]]


@dataclass(frozen=True, order=True)
class Difference:
    """One thing that differs: the kind ("code", "data"...), and what was and is."""

    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


@dataclass(frozen=True)
class Recorded:
    """A run as it was found: its record and, where it stands beside it, its notebook."""

    record: Record
    folder: Path
    notebook: NotebookNode | None


@dataclass(frozen=True)
class Verdict:
    """All differences, the first cause first; `notes` differ without being held against the run."""

    recorded: Recorded
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        return not self.differences

    @property
    def outputs_identical(self) -> bool:
        """Whether results, claims, sentences and figures are equal, whatever else differs."""
        return not any(item.kind in ("result", "figure") for item in self.differences)


def find_run(path: Path) -> Recorded:
    """The recorded run that `path` names: its folder, its record.json or its executed notebook.

    Raises:
        UserError: there is no such run, or its record is damaged.
    """
    path = Path(path)
    if not path.exists():
        raise UserError(
            f"{path}: there is no such run; give a run folder, a {RECORD} or a notebook"
        )
    folder = path if path.is_dir() else path.parent
    record_path = path if path.suffix == ".json" else folder / RECORD
    if not record_path.is_file():
        raise UserError(
            f"{path}: no {RECORD} stands beside it to compare with; give the run's own folder,"
            " below build/runs or build/runs-adhoc"
        )
    try:
        record = read_record(record_path)
    except RecordError as error:
        raise UserError(str(error)) from None
    notebook_path = path if path.suffix == ".ipynb" else folder / NOTEBOOK
    return Recorded(record, folder, _read_notebook(notebook_path))


def _read_notebook(path: Path) -> NotebookNode | None:
    import nbformat

    if not path.is_file():
        return None
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises many kinds for a damaged file
        raise UserError(f"{path}: not a notebook that can be read: {error}") from None


def reproduce(project: Project, run: Path, *, show: Show | None = None) -> Verdict:
    """Execute a recorded run again with its recorded parameters, and compare.

    The run takes place in a temporary folder below ``build/`` and leaves nothing behind.

    Args:
        project: the checkout.
        run: what `find_run` takes.
        show: makes the display of the progress, as `press.run.progress.display` does.

    Raises:
        UserError: the run cannot be read, its chapter is gone, the chapter no longer takes its
            parameters, or it fails now.
    """
    recorded = find_run(run)
    record = recorded.record
    chapter = project.chapter(record.chapter)
    profile = record.profile if record.profile in project.profiles else BOOK_PROFILE
    try:
        job = plan(project, chapter, given=record.parameters, profile=profile)
    except UserError as error:
        message = f"code: {chapter} no longer takes what the run was given: {error}"
        raise UserError(message, Exit.CHECK_FAILED) from None
    job = dataclasses.replace(job, profile=record.profile, label=f"{chapter.id} again")
    before = list(compare_code(project, recorded, job))
    project.build.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="reproduce-", dir=project.build))
    try:
        job = dataclasses.replace(job, destination=place / "run")
        with show([job]) if show else nullcontext(Silent()) as listener:
            (outcome,) = execute_all(project, [job], workers=1, listener=listener)
        if outcome.failure:
            cause = f" (the first difference: {before[0]})" if before else ""
            raise UserError(f"{outcome.failure.line}{cause}", outcome.failure.exit_code)
        again = read_record(job.destination / RECORD)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    differences = (*before, *compare(record, again))
    return Verdict(recorded, differences, tuple(circumstances(record, again)))


# -- the comparison --------------------------------------------------------------------------------


def compare_code(project: Project, recorded: Recorded, job: Job) -> Iterator[Difference]:
    """Cells and library files that are not those of the recorded run."""
    if recorded.notebook is not None:
        was = [cell.source.strip() for cell in code_cells(recorded.notebook)]
        now = [cell.source.strip() for cell in code_cells(weave(job.chapter.source))]
        for place, (old, new) in enumerate(zip(was, now, strict=False), start=1):
            if old != new:
                line = _first_other_line(old, new)
                yield Difference("code", f"code cell {place} changed, from its line {line}")
        if len(was) != len(now):
            yield Difference("code", f"the chapter had {len(was)} code cells, has {len(now)}")
    digests = tracked_digests(project.root)
    for path, digest in recorded.record.modules.items():
        if path not in digests:
            yield Difference("code", f"{path} is gone")
        elif digests[path] != digest:
            yield Difference("code", f"{path} changed")


def _first_other_line(old: str, new: str) -> str:
    was, now = old.splitlines(), new.splitlines()
    for number, (before, after) in enumerate(zip(was, now, strict=False), start=1):
        if before != after:
            return f"{number}: was `{before.strip()}`, is `{after.strip()}`"
    return f"{min(len(was), len(now)) + 1}: {len(was)} lines were there, {len(now)} are"


def compare(was: Record, now: Record) -> Iterator[Difference]:
    """All differences of two records but those of code: data, environment, result, figure."""
    yield from _compare_data(was, now)
    yield from _compare_environment(was, now)
    yield from _compare_results(was, now)
    yield from _compare_figures(was, now)


def _compare_data(was: Record, now: Record) -> Iterator[Difference]:
    before = {use.name: use for use in was.data}
    after = {use.name: use for use in now.data}
    for name in {**before, **after}:
        if name not in after:
            yield Difference("data", f"{name} is no longer read")
        elif name not in before:
            yield Difference("data", f"{name} was not read")
        elif before[name].sha256 != after[name].sha256:
            old, new = before[name].sha256[:12], after[name].sha256[:12]
            yield Difference("data", f"{name} was sha256 {old}..., is {new}...")


def _compare_environment(was: Record, now: Record) -> Iterator[Difference]:
    if was.python != now.python:
        yield Difference("environment", f"Python was {was.python}, is {now.python}")
    for name in sorted({*was.packages, *now.packages}, key=str.lower):
        old, new = was.packages.get(name, "absent"), now.packages.get(name, "absent")
        if old != new:
            yield Difference("environment", f"package {name} was {old}, is {new}")
    if was.constraints_sha256 != now.constraints_sha256:
        yield Difference("environment", "constraints.txt changed")
    if was.device.used != now.device.used:
        message = f"device was {was.device.used}, is {now.device.used}"
        yield Difference("environment", message)
    if was.threads != now.threads:
        yield Difference("environment", f"threads were {was.threads}, are {now.threads}")


def _compare_results(was: Record, now: Record) -> Iterator[Difference]:
    before = {result.name: result for result in was.results}
    after = {result.name: result for result in now.results}
    for name in {**before, **after}:
        if name not in after:
            yield Difference("result", f"{name} is no longer measured")
        elif name not in before:
            yield Difference("result", f"{name} was not measured")
        else:
            old, new = before[name].model_dump(), after[name].model_dump()
            yield from _fields("result", name, old, new)
    claims = {claim.text: claim.model_dump() for claim in now.claims}
    for claim in was.claims:
        if claim.text not in claims:
            yield Difference("result", f"claim {claim.text!r} is no longer made")
        else:
            yield from _fields(
                "result", f"claim {claim.text!r}", claim.model_dump(), claims[claim.text]
            )
    for text in claims.keys() - {claim.text for claim in was.claims}:
        yield Difference("result", f"claim {text!r} was not made")
    tables = {table.name: table for table in now.tables}
    for table in was.tables:
        if table.name not in tables or not _same(table.rows, tables[table.name].rows):
            yield Difference("result", f"table {table.name} differs")
    for old, new in zip(was.sentences, now.sentences, strict=False):
        if old != new:
            yield Difference("result", f"a sentence was {old!r}, is {new!r}")
    if len(was.sentences) != len(now.sentences):
        message = f"{len(was.sentences)} sentences were printed, {len(now.sentences)} are"
        yield Difference("result", message)


def _fields(
    kind: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Difference]:
    for field, before in old.items():
        after = new.get(field)
        if not _same(before, after):
            which = name if field == "value" else f"{name} ({field})"
            yield Difference(kind, f"{which} was {before!r}, is {after!r}")


def _same(old: Any, new: Any) -> bool:
    """Equal to the bit: 0.0 is not -0.0, and nan is nan.

    >>> _same(0.0, -0.0), _same(float("nan"), float("nan")), _same(0.1 + 0.2, 0.3)
    (False, True, False)
    """
    if isinstance(old, float) and isinstance(new, float):
        return struct.pack("<d", old) == struct.pack("<d", new)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
    return type(old) is type(new) and old == new


def _compare_figures(was: Record, now: Record) -> Iterator[Difference]:
    after = {figure.name: figure for figure in now.figures}
    for figure in was.figures:
        again = after.pop(figure.name, None)
        if again is None:
            yield Difference("figure", f"{figure.name} is no longer drawn")
        elif figure.pixels_sha256 != again.pixels_sha256:
            pairs = list(zip(figure.pixels_sha256, again.pixels_sha256, strict=False))
            frames = [str(place) for place, (old, new) in enumerate(pairs) if old != new]
            where = f", frames {', '.join(frames)}" if len(pairs) > 1 else ""
            yield Difference("figure", f"{figure.name}: its pixels differ{where}")
        elif (figure.alt, figure.caption) != (again.alt, again.caption):
            yield Difference("figure", f"{figure.name}: its alt text or caption differs")
    yield from (Difference("figure", f"{name} was not drawn") for name in after)


def circumstances(was: Record, now: Record) -> Iterator[str]:
    """Where and how fast the two runs took place; nothing that they must share."""
    if was.platform != now.platform:
        yield f"platform was {was.platform}, is {now.platform}"
    if was.processor != now.processor:
        yield f"processor was {was.processor}, is {now.processor}"
    yield f"CPU time was {was.cpu_s:.1f} s, is {now.cpu_s:.1f} s"
