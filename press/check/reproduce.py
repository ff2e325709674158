"""Run a recorded run again, and name the first thing that differs.

Things are compared in the order in which they cause one another: code, data, environment, result,
figure. Results must be equal to the bit: the seeds are fixed, and on the same machine with the same
versions there is no excuse. What merely tells where a run took place (host, time, commit) is not
compared.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medlib.experiment.environment import tracked_files
from medlib.experiment.record import Record, RecordError, read_record
from press.check.crate import read_crate
from press.check.drift import inspect_against_accepted
from press.crate.opening import is_crate
from press.errors import Exit, UserError
from press.run.comparison import (
    BITS,
    EXACT,
    Difference,
    compare,
    compare_cells,
    compare_digests,
    compare_mappings,
    other_arithmetic,
)
from press.run.execute import (
    NOTEBOOK,
    RECORD,
    Job,
    Outcome,
    Silent,
    execute_all,
    plan,
)
from press.source.project import BOOK_PROFILE, Project
from press.source.weave import code_cells, read_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from press.run.execute import Listener

    Show = Callable[[Sequence[Job]], AbstractContextManager[Listener]]

CAUSES = ("code", "parameter", "data", "environment")
OUTPUTS = ("result", "claim", "table", "sentence", "figure")
KINDS = (*CAUSES, *OUTPUTS)
OFFER = "; the crate brings the code that it ran: --code crate runs that, with your rights"


@dataclass(frozen=True)
class Recorded:
    """A run as it was found: its record and, where it stands beside it, its notebook.

    `crate` says whether it came out of a crate, which brings the code that it imported.
    """

    record: Record
    folder: Path
    notebook: NotebookNode | None
    crate: bool = False

    @property
    def offer(self) -> str:
        """What may be tried where this checkout is not the run's, as the end of a sentence."""
        return OFFER if self.crate else ""


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
        return not any(item.kind in OUTPUTS for item in self.differences)


def find_run(path: Path) -> Recorded:
    """The recorded run that `path` names: its folder, record.json or executed notebook, or a crate.

    Raises:
        UserError: there is no such run, its record is damaged, or a file of a crate is.
    """
    path = Path(path)
    if is_crate(path):
        packed = read_crate(path)
        return Recorded(packed.record, path, packed.notebook, crate=True)
    if not path.exists():
        raise UserError(
            f"{path}: there is no such run; give a run folder, a {RECORD}, a notebook or a crate"
        )
    folder = path if path.is_dir() else path.parent
    if path.suffix == ".json" and path.name != RECORD:
        raise UserError(
            f"{path}: results that were kept, not a run; give a run's own folder, below build/runs,"
            f" or its {RECORD}"
        )
    record_path = folder / RECORD
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
    notebook = read_notebook(notebook_path) if notebook_path.is_file() else None
    return Recorded(record, folder, notebook)


def reproduce(
    project: Project, run: Path, *, within_tolerance: bool = False, show: Show | None = None
) -> Verdict:
    """Execute a recorded run again with its recorded parameters, and compare.

    Args:
        project: the checkout.
        run: what `find_run` takes.
        within_tolerance: compare with the chapter's accepted results, as far as their tolerances
            allow, and not with the run to the bit. The run must then be the book's.
        show: makes the display of the progress, as `press.run.progress.display` does.

    Raises:
        UserError: the run cannot be read, its chapter is gone, the chapter no longer takes its
            parameters, it fails now, or it is not the book's and only the book's will do.
    """
    (found,) = reproduce_all(project, [run], within_tolerance=within_tolerance, show=show)
    if isinstance(found, UserError):
        raise found
    return found


def reproduce_all(
    project: Project,
    runs: Sequence[Path],
    *,
    within_tolerance: bool = False,
    workers: int = 1,
    show: Show | None = None,
) -> list[Verdict | UserError]:
    """Execute recorded runs again, `workers` at a time, each alone in its kernel; compare each.

    They take place in a temporary folder below ``build/`` and leave nothing behind.

    Returns:
        For each run its verdict or, where it failed this time, what it failed of.

    Raises:
        UserError: a run cannot be reproduced at all; then none is executed.
    """
    planned = [_plan(project, run, within_tolerance=within_tolerance) for run in runs]
    project.build.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="reproduce-", dir=project.build))
    try:
        jobs = [
            dataclasses.replace(again.job, destination=place / str(number))
            for number, again in enumerate(planned)
        ]
        with show(jobs) if show else nullcontext(Silent()) as listener:
            outcomes = execute_all(project, jobs, workers=workers, listener=listener)
        ended = {outcome.job.destination: outcome for outcome in outcomes}
        return [
            _judge(project, again, ended[job.destination], within_tolerance=within_tolerance)
            for again, job in zip(planned, jobs, strict=True)
        ]
    finally:
        shutil.rmtree(place, ignore_errors=True)


@dataclass(frozen=True)
class _Again:
    """A recorded run, the job that repeats it, and how the code differs already."""

    recorded: Recorded
    job: Job
    before: tuple[Difference, ...]


def _plan(project: Project, run: Path, *, within_tolerance: bool) -> _Again:
    recorded = find_run(run)
    record = recorded.record
    try:
        chapter = project.notebook(record.chapter)
    except UserError as error:
        raise UserError(f"{error}{recorded.offer}", error.exit_code) from None
    profile = record.profile if record.profile in project.profiles else BOOK_PROFILE
    try:
        job = plan(project, chapter, given=record.parameters, profile=profile)
    except UserError as error:
        message = f"code: {chapter} no longer takes what the run was given: {error}"
        message += recorded.offer
        raise UserError(message, Exit.CHECK_FAILED) from None
    if within_tolerance and job.destination != project.run_dir(chapter):
        raise UserError(
            f"{run}: results are accepted for the book's own runs; this one is of profile"
            f" {record.profile!r} or of other parameters"
        )
    job = dataclasses.replace(job, profile=record.profile, label=f"{chapter.id} again")
    return _Again(recorded, job, tuple(compare_code(project, recorded, job)))


def _judge(
    project: Project, again: _Again, outcome: Outcome, *, within_tolerance: bool
) -> Verdict | UserError:
    was, before = again.recorded.record, again.before
    if outcome.failure:
        cause = f" (the first difference: {before[0]})" if before else ""
        offer = again.recorded.offer if before else ""
        return UserError(f"{outcome.failure.line}{cause}{offer}", outcome.failure.exit_code)
    now = read_record(outcome.job.destination / RECORD)
    notes = list(circumstances(was, now))
    if within_tolerance:
        found = list(compare_with_accepted(project, now, outcome.job.destination))
        notes += [str(found) for found in compare_environment(was, now)]
        notes += [item.message for item in found if item.severity == "note"]
        differences = [item for item in found if item.severity == "error"]
    else:
        differences = [*before, *compare_runs(was, now)]
    return Verdict(again.recorded, tuple(differences), tuple(notes))


# -- the comparison --------------------------------------------------------------------------------


def compare_code(project: Project, recorded: Recorded, job: Job) -> Iterator[Difference]:
    """Cells and library files that are not those of the recorded run."""
    if recorded.notebook is not None:
        was = [cell.source.strip() for cell in code_cells(recorded.notebook)]
        now = [cell.source.strip() for cell in code_cells(job.chapter.notebook)]
        yield from compare_cells(was, now)
    yield from compare_digests("code", recorded.record.modules, tracked_files(project.root))


def compare_runs(was: Record, now: Record) -> list[Difference]:
    """All differences of two records but those of code, causes first."""
    found = [*compare(was, now, BITS), *compare_environment(was, now)]
    return sorted(found, key=lambda difference: KINDS.index(difference.kind))


def compare_with_accepted(project: Project, now: Record, folder: Path) -> Iterator[Difference]:
    """What a run has that its chapter's accepted results do not allow, a claim that fails too."""
    for found in inspect_against_accepted(project, now, folder):
        yield Difference(found.what, found.message, found.severity)
    for claim in now.claims:
        if not claim.holds:
            message = f"{claim.text!r} does not hold (margin {claim.margin:.4g} {claim.unit})"
            yield Difference("claim", message)


def compare_environment(was: Record, now: Record) -> Iterator[Difference]:
    """What differs in that with which two runs were made."""
    before, after = _surroundings(was), _surroundings(now)
    yield from compare_mappings("environment", before, after, EXACT, written=str)
    if told := other_arithmetic(was.arithmetic, now.arithmetic):
        yield Difference("environment", f"another arithmetic: {told}")
    if was.constraints_sha256 != now.constraints_sha256:
        yield Difference("environment", "constraints.txt changed")


def _surroundings(record: Record) -> dict[str, Any]:
    packages = {f"package {name}": found for name, found in record.packages.items()}
    python = {"Python": record.python, "device": record.device.used, "threads": record.threads}
    return python | packages


def circumstances(was: Record, now: Record) -> Iterator[str]:
    """Where and how fast the two runs took place; nothing that they must share."""
    if was.platform != now.platform:
        yield f"platform was {was.platform}, is {now.platform}"
    if was.processor != now.processor:
        yield f"processor was {was.processor}, is {now.processor}"
    if was.arithmetic is None:
        yield "with which arithmetic it was made is not recorded"
    yield f"CPU time was {was.cpu_s:.1f} s, is {now.cpu_s:.1f} s"
