"""Execute chapters, each in a process and a work folder of its own, several side by side.

A run's files are written to a temporary sibling of their folder and renamed over it at the end: a
run folder holds a whole run or the one before, never half of one.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from press.errors import Exit, UserError, describe_os_error
from press.run import starting
from press.run.payload import shipped_commit
from press.run.starting import Process, Start
from press.run.worker import Assignment
from press.source.project import BOOK_PROFILE, Chapter, Project

NOTEBOOK = "notebook.ipynb"
RECORD = "record.json"
PRESS_NOTE = "press.json"
LOG = "log.txt"
DROPPED = ("MPLBACKEND", "JPY_PARENT_PID", "JUPYTER_PATH", "PYTHONSTARTUP", "PYTHONWARNINGS")
KEEP_ARITHMETIC = "MEDBOOK_KEEP_ARITHMETIC"
GRACE_S = 5.0
REFUSED = "ParameterError"  # what a chapter raises at its start, in one sentence for a person


@dataclass(frozen=True)
class Job:
    """One chapter to run: with which parameters (checked, and complete), into which folder.

    `failed_name` names the folder in which a failed run is kept to be looked at; where it is empty,
    the chapter's name does, and the next failure of the chapter takes its place.
    """

    chapter: Chapter
    parameters: dict[str, Any]
    destination: Path
    profile: str = BOOK_PROFILE
    injected: dict[str, Any] = field(default_factory=dict)
    code_sha256: str = ""
    label: str = ""
    failed_name: str = ""
    expected_s: float | None = None

    @property
    def name(self) -> str:
        """What the job is called in messages and in the progress display."""
        return self.label or self.chapter.id


@dataclass(frozen=True)
class Failure:
    """Why a job failed: one clear line, more lines for who wants them, and the exit code."""

    chapter: str
    line: str
    details: tuple[str, ...] = ()
    exit_code: int = Exit.CHAPTER_FAILED


@dataclass(frozen=True)
class Outcome:
    """How a job ended."""

    job: Job
    wall_s: float
    failure: Failure | None = None
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.failure is None


class Listener(Protocol):
    """Hears how the jobs get on; `press.run.progress` has two, one for terminals, one for logs."""

    def started(self, job: Job, cells: int) -> None: ...
    def cell(self, job: Job, number: int, section: str) -> None: ...
    def finished(self, outcome: Outcome) -> None: ...
    def tick(self) -> None: ...
    def crew(self, workers: int) -> None: ...
    def note(self, line: str) -> None: ...


class Silent:
    """A listener that says nothing."""

    def started(self, job: Job, cells: int) -> None: ...
    def cell(self, job: Job, number: int, section: str) -> None: ...
    def finished(self, outcome: Outcome) -> None: ...
    def tick(self) -> None: ...
    def crew(self, workers: int) -> None: ...
    def note(self, line: str) -> None: ...


def plan(
    project: Project,
    chapter: Chapter,
    *,
    given: dict[str, Any] | None = None,
    profile: str = BOOK_PROFILE,
    label: str = "",
) -> Job:
    """The job of running `chapter` in `profile`, with the parameters `given` on top.

    The book's own run, and no other, goes to the book's run folder; all else goes to a folder keyed
    by code, profile and parameters below ``build/runs-adhoc``.

    Raises:
        UserError: an unknown chapter, profile or parameter, a wrong type, a value out of range.
    """
    parameters = settled_parameters(project, chapter, given=given, profile=profile)
    declared = chapter.declared
    injected = {n: v for n, v in parameters.items() if v != declared[n].default}
    if profile == BOOK_PROFILE and not injected:
        destination = project.run_dir(chapter)
    else:
        key = json.dumps([chapter.code_sha256, profile, parameters], sort_keys=True)
        digest = sha256(key.encode()).hexdigest()[:12]
        destination = project.adhoc_runs / chapter.part / chapter.name / digest
    return Job(
        chapter=chapter,
        parameters=parameters,
        destination=destination,
        profile=profile,
        injected=injected,
        code_sha256=chapter.code_sha256,
        label=label,
        expected_s=expected_wall_s(project, chapter) if profile == BOOK_PROFILE else None,
    )


def settled_parameters(
    project: Project,
    chapter: Chapter,
    *,
    given: dict[str, Any] | None = None,
    profile: str = BOOK_PROFILE,
) -> dict[str, Any]:
    """All parameters of a run, checked: the chapter's defaults, the profile's, those `given`.

    Raises:
        UserError: an unknown profile or parameter, a wrong type, a value out of range.
    """
    from medlib.experiment.parameters import ParameterError, check_parameters

    wanted = {**project.profile_parameters(profile, chapter), **(given or {})}
    try:
        return check_parameters(chapter.declared, wanted, chapter=chapter.id)
    except ParameterError as error:
        raise UserError(str(error)) from None


def last_wall_s(folder: Path) -> float | None:
    """Wall seconds of the run in `folder`, kernel start included; None where there is none."""
    return read_note(folder).get("wall_s")


def expected_wall_s(project: Project, chapter: Chapter) -> float | None:
    """How long the book's run takes: the last one here, else the one that was accepted."""
    if (seconds := last_wall_s(project.run_dir(chapter))) is not None:
        return seconds
    try:
        accepted = json.loads((project.results / chapter.id / "accepted.json").read_text("utf-8"))
        return float(accepted["made_with"]["wall_s"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_note(folder: Path) -> dict[str, Any]:
    """What the press wrote beside a run's record; empty where it is missing or damaged."""
    try:
        note = json.loads((folder / PRESS_NOTE).read_text(encoding="utf-8"))
        return note if isinstance(note, dict) else {}
    except (OSError, ValueError):
        return {}


def available_cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def environment(project: Project, job: Job, *, folder: Path, runtime: Path) -> dict[str, str]:
    """The environment of a run: one thread, fixed hashing, nothing of the user's own settings.

    The variables that choose instructions and kernels are dropped, unless KEEP_ARITHMETIC is set.
    """
    from medlib.experiment.arithmetic import chooses_arithmetic

    kept = kept_arithmetic()
    keep = {
        name: value
        for name, value in os.environ.items()
        if name not in DROPPED
        and not name.startswith(("COVERAGE_", "PYTEST_"))
        and (name in kept or not chooses_arithmetic(name))
    }
    if named := keep.get("MEDBOOK_DATA"):  # the kernel stands in another folder
        keep["MEDBOOK_DATA"] = str(Path(named).expanduser().absolute())
    ours = str(Path(__file__).resolve().parents[2])
    path = [str(project.root), ours] if str(project.root) != ours else [ours]
    return keep | {
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONNOUSERSITE": "1",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "NUMEXPR_NUM_THREADS": "1",
        "OMP_WAIT_POLICY": "passive",
        "GOMP_SPINCOUNT": "0",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "MATPLOTLIBRC": os.devnull,
        "MPLCONFIGDIR": str(project.build / "matplotlib"),  # HOME may not be writable
        "IPYTHONDIR": str(runtime / "i"),
        "JUPYTER_CONFIG_DIR": str(runtime / "c"),
        "JUPYTER_DATA_DIR": str(runtime / "d"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_PLATFORM_DIRS": "1",
        "MEDBOOK_ROOT": str(project.root),
        "MEDBOOK_RUN_DIR": str(folder),
        "MEDBOOK_PROFILE": job.profile,
        "MEDBOOK_STRICT": "1",
        "MEDBOOK_COMMIT": shipped_commit(project.root),
    }


def kept_arithmetic() -> dict[str, str]:
    """The variables that choose instructions and kernels, as far as they reach a run from here.

    None do, unless KEEP_ARITHMETIC is set, to anything but 0.
    """
    from medlib.experiment.arithmetic import arithmetic_variables

    return arithmetic_variables() if os.environ.get(KEEP_ARITHMETIC, "0") not in ("", "0") else {}


def execute_all(
    project: Project,
    jobs: Sequence[Job],
    *,
    workers: int | None = None,
    listener: Listener | None = None,
    start: Start | None = None,
) -> list[Outcome]:
    """Run `jobs`, at most `workers` at a time, the longest first; the outcomes in the jobs' order.

    A job that fails does not stop the others. An interrupt stops them all: workers and kernels are
    killed, temporary folders removed, and KeyboardInterrupt goes on to the caller. `start` says how
    a worker comes to be; where it is not given they are `clean`, as the book's own are.
    """
    listener, start = listener or Silent(), start or starting.clean
    workers = max(1, min(workers or available_cores(), len(jobs) or 1))
    waiting = sorted(jobs, key=lambda job: -(job.expected_s or float("inf")))
    events: queue.Queue[Callable[[], None]] = queue.Queue()
    outcomes: dict[int, Outcome] = {}
    crew = [_Runner(project, waiting, events, outcomes, listener, start) for _ in range(workers)]
    try:
        for runner in crew:
            runner.start()
        while any(runner.is_alive() for runner in crew) or not events.empty():
            with contextlib.suppress(queue.Empty):
                events.get(timeout=0.1)()
            listener.tick()
    finally:
        waiting.clear()
        for runner in crew:
            runner.cancel()
        for runner in crew:
            runner.join()
        if jobs:
            project.forget_runs()
    for runner in crew:
        if runner.fault:
            raise runner.fault
    return [outcomes[id(job)] for job in jobs]


class _Runner(threading.Thread):
    """Takes jobs off the common list until it is empty; tells the main thread what happens."""

    def __init__(
        self,
        project: Project,
        waiting: list[Job],
        events: queue.Queue[Callable[[], None]],
        outcomes: dict[int, Outcome],
        listener: Listener,
        start: Start,
    ) -> None:
        super().__init__(daemon=True)
        self.project, self.waiting, self.events = project, waiting, events
        self.outcomes, self.listener = outcomes, listener
        self.start_worker = start
        self.process: Process | None = None
        self.cancelled = False
        self.fault: BaseException | None = None
        self.lock = threading.Lock()

    def run(self) -> None:
        while not self.cancelled:
            try:
                job = self.waiting.pop(0)
            except IndexError:
                return
            begin = time.perf_counter()
            try:
                outcome = self._run_job(job, begin)
            except OSError as error:
                line = f"{job.name}: {describe_os_error(error)}"
                failure = Failure(job.chapter.id, line, exit_code=Exit.ENVIRONMENT)
                outcome = Outcome(job, time.perf_counter() - begin, failure)
            except BaseException as error:  # handed to the main thread, which raises it
                self.fault = error
                return
            if not self.cancelled:
                self.outcomes[id(job)] = outcome
                self.events.put(lambda outcome=outcome: self.listener.finished(outcome))

    def cancel(self) -> None:
        """Kill the worker and its kernel, now."""
        with self.lock:
            self.cancelled = True
            if self.process is not None:
                kill_tree(self.process)

    def _run_job(self, job: Job, begin: float) -> Outcome:
        from medlib.experiment.environment import tracked_files
        from press.source.weave import write_notebook

        with work_folder(job.destination) as folder, short_folder() as runtime:
            note = {"code_sha256": job.chapter.code_sha256}
            before = tracked_files(self.project.root)
            source = folder / "source.ipynb"
            write_notebook(job.chapter.notebook, source)
            assignment = Assignment(
                source=str(source),
                output=str(folder / NOTEBOOK),
                folder=str(folder),
                parameters=job.injected,
            )
            event = self._converse(job, assignment, folder, runtime)
            wall_s = time.perf_counter() - begin
            source.unlink(missing_ok=True)
            failure = failure_of(job, event, folder / LOG)
            if failure is None and not (folder / RECORD).is_file():
                failure = Failure(
                    job.chapter.id,
                    f"{job.name}: it ran, but left no record: its last cell must be `run.finish()`",
                )
            kept = self.project.failed_runs / job.chapter.part
            kept /= job.failed_name or job.chapter.name
            if failure is not None:
                if not self.cancelled:
                    failure = keep_failed(self.project, failure, folder, kept)
                return Outcome(job, wall_s, failure)
            shutil.rmtree(kept, ignore_errors=True)
            changed = changed_while_running(folder / RECORD, before)
            note |= {name: event[name] for name in ("cpu_s", "forked") if name in event}
            note |= {"wall_s": round(wall_s, 3), "changed_while_running": changed}
            (folder / PRESS_NOTE).write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
            if self.cancelled:
                return Outcome(job, wall_s)
            replace_folder(folder, job.destination)
            warnings = [f"{job.name}: {path} changed while it ran: it is stale" for path in changed]
            return Outcome(job, wall_s, warnings=tuple(warnings))

    def _converse(
        self, job: Job, assignment: Assignment, folder: Path, runtime: Path
    ) -> dict[str, Any]:
        """Start the worker, pass its events on, and return the last one."""
        with (folder / LOG).open("w", encoding="utf-8") as log:
            with self.lock:
                if self.cancelled:
                    return {"event": "failed", "kind": "cancelled"}
                settings = environment(self.project, job, folder=folder, runtime=runtime)
                self.process = self.start_worker(folder, settings, log)
            process = self.process
            last: dict[str, Any] = {}
            try:
                process.stdin.write(assignment.to_json() + "\n")
                process.stdin.flush()
                for line in process.stdout:
                    last = json.loads(line)
                    self._tell(job, last)
                code = process.wait()
            except BrokenPipeError:
                code = process.wait()
            finally:
                with self.lock:
                    kill_tree(process)
                    self.process = None
                process.stdout.close()
                with contextlib.suppress(OSError):
                    process.stdin.close()
        if last.get("event") not in ("done", "failed"):
            last = {"event": "failed", "kind": "worker died", "code": code}
        return last

    def _tell(self, job: Job, event: dict[str, Any]) -> None:
        if event["event"] == "start":
            self.events.put(lambda: self.listener.started(job, event["cells"]))
        elif event["event"] == "cell":
            self.events.put(lambda: self.listener.cell(job, event["number"], event["section"]))


def keep_failed(project: Project, failure: Failure, folder: Path, kept: Path) -> Failure:
    """Move a failed run's folder to `kept`, for whoever wants to look; the failure says where."""
    if failure.exit_code != Exit.CHAPTER_FAILED or not (folder / NOTEBOOK).is_file():
        return failure
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        replace_folder(folder, kept)
    except OSError:  # it is the failure itself that counts
        return failure
    where = f"the notebook as far as it came: {project.relative(kept / NOTEBOOK)}"
    return replace(failure, details=(*failure.details, where))


def failure_of(job: Job, event: dict[str, Any], log: Path) -> Failure | None:
    """The worker's last event as a failure that a person can act on; None where all went well."""
    kind = event.get("kind")
    details: Sequence[str] = ()
    exit_code = Exit.CHAPTER_FAILED
    if event.get("event") == "done":
        return None
    if kind == "cell":
        details = event["trace"]
        if event["error"] == REFUSED:
            line, details, exit_code = event["message"], (), Exit.USAGE
        elif "No space left on device" in event["message"]:
            line, exit_code = describe_os_error(OSError(errno.ENOSPC, "")), Exit.ENVIRONMENT
        else:
            at = event["line"] or _first_line(event["source"])
            line = f"cell {event['cell']} raised {event['error']}"
            line += f": {_first_line(event['message'])}  (at: {at})"
    elif kind == "os":
        error = OSError(event["errno"], event["message"], event["path"])
        line, exit_code = describe_os_error(error), Exit.ENVIRONMENT
    elif kind == "kernel died":
        line, details = "its kernel died in the middle; most often the memory ran out", _tail(log)
    elif kind == "worker died":
        code = event["code"]
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        line, details = f"its worker process died ({how})", _tail(log)
    elif kind == "cancelled":
        line, exit_code = "cancelled", Exit.INTERRUPTED
    else:
        line = f"papermill failed: {event.get('error')}: {event.get('message')}"
        details = event.get("trace", ())
    return Failure(job.chapter.id, f"{job.name}: {line}", tuple(details), exit_code)


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")


def _tail(log: Path, lines: int = 8) -> tuple[str, ...]:
    try:
        return tuple(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return ()


def changed_while_running(record: Path, before: dict[str, str]) -> list[str]:
    """The imported files whose bytes at the end of the run are not those it was started with."""
    modules = json.loads(record.read_text(encoding="utf-8")).get("modules", {})
    return [path for path, digest in modules.items() if before.get(path, digest) != digest]


@contextlib.contextmanager
def work_folder(destination: Path) -> Iterator[Path]:
    """A temporary sibling of `destination`, removed at the end unless it was renamed."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """A temporary folder with a short path: a socket's path may hold about 100 characters."""
    base = tempfile.gettempdir()
    if len(base) > 40 and os.access("/tmp", os.W_OK):
        base = "/tmp"
    folder = Path(tempfile.mkdtemp(prefix="mb-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def replace_folder(new: Path, old: Path) -> None:
    """Put the folder `new` where `old` is, by renaming; `old` is gone only once `new` stands."""
    aside = old.with_name(f".{old.name}.{os.getpid()}.{threading.get_ident()}.old")
    if old.exists():
        os.rename(old, aside)
    try:
        os.rename(new, old)
    except OSError:
        if aside.exists():
            os.rename(aside, old)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def kill_tree(process: Process) -> None:
    """Kill a process and all that it started. It is stopped first, so that it starts no more."""
    import psutil

    if process.poll() is not None:
        return
    try:
        root = psutil.Process(process.pid)
        root.suspend()
        members = [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        return
    for member in members:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(members, timeout=GRACE_S)
