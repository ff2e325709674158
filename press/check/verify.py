"""Hold a chapter's run to its word: claims, results, figures, budgets, and the source itself.

Every check ends in a `Finding` that says which number, what it was, what it is, and the
tolerance. Nothing here executes anything: `press.results.seeds` does, over other seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from medlib.experiment.record import Record, RecordError
from press.check.budgets import inspect_budgets, inspect_stated
from press.check.drift import inspect_against_accepted
from press.check.grounds import inspect_grounds
from press.check.lint import lint_notebook
from press.check.recorded import inspect_kept, stale_listed_in_vain
from press.check.verdicts import inspect_verdicts
from press.errors import UserError
from press.finding import Finding, errors
from press.results.kept import HOW
from press.results.pixel_digests import pixel_digests
from press.results.thumbnail import pixels_digest, read_pixels
from press.run.chapter_run import run_of
from press.run.execute import Job, settled_parameters
from press.run.freshness import State
from press.run.run_folder import Run
from press.source.checked_cells import exercises_of
from press.source.project import BOOK_PROFILE, PROFILES, Chapter, Project

FEWEST_CLAIMS, MOST_CLAIMS = 3, 8
KNOWN_FILES = ("accepted", *HOW)


def verify_book(project: Project, *, strict: bool = False) -> list[Finding]:
    """What is wrong with the book's runs; empty when the book may be published."""
    return errors(inspect_book(project, strict=strict))


def inspect_book(
    project: Project, chapters: Sequence[Chapter] | None = None, *, strict: bool = False
) -> list[Finding]:
    """All findings on the book's own runs, notes included.

    Args:
        project: the checkout.
        chapters: only these; by default all, and files under results/ that belong to none.
        strict: a figure whose pixels differ is an error even where its thumbnail agrees.
    """
    found: list[Finding] = []
    for chapter in project.chapters if chapters is None else chapters:
        found += inspect_chapter(project, chapter, strict=strict)
    if chapters is None:
        found += inspect_profiles(project)
        found += inspect_stated(project)
        found += _orphans(project)
        found += stale_listed_in_vain(project)
    return found


def inspect_chapter(
    project: Project, chapter: Chapter, *, profile: str = BOOK_PROFILE, strict: bool = False
) -> list[Finding]:
    """All findings on one chapter: its source, its run, and its run against what was accepted.

    In another profile than the book's, claims and accepted results are left out: they are the
    book's.
    """
    found, record, folder = _inspect_own(project, chapter, profile=profile)
    if record is not None and profile == BOOK_PROFILE:
        found += inspect_against_accepted(project, record, folder, strict=strict)
        found += inspect_kept(project, chapter, record)
        found += inspect_verdicts(project, chapter, record)
        found += inspect_grounds(project, chapter, record)
    return found


def inspect_for_acceptance(project: Project, chapter: Chapter) -> list[Finding]:
    """All findings that stand against accepting the present run of a chapter."""
    return _inspect_own(project, chapter, profile=BOOK_PROFILE)[0]


def _inspect_own(
    project: Project, chapter: Chapter, *, profile: str
) -> tuple[list[Finding], Record | None, Path]:
    """Findings on a chapter by itself; its record, where it can be read; its run folder."""
    found = inspect_source(project, chapter)
    read = run_of(project, chapter, profile=profile)
    try:
        job = read.job
    except UserError as error:
        if not errors(found):  # else the lints have said it
            found.append(Finding(chapter.id, "source", str(error)))
        return found, None, project.run_dir(chapter)
    folder, state = job.destination, read.state
    if state.state is State.NEVER_RUN:
        book = profile == BOOK_PROFILE
        how = "medbook build" if book else f"medbook run {chapter} --profile {profile}"
        message = f"has no run of profile {profile}; `{how}` makes it"
        return [*found, Finding(chapter.id, "run", message)], None, folder
    if not state.fresh:
        message = f"{str(state).removesuffix('; run it again')}; run it again"
        found.append(Finding(chapter.id, "run", message))
    try:
        record = read.run.record
    except RecordError:
        return found, None, folder  # said above: its record cannot be used
    digests = pixel_digests(project)
    found += inspect_run(read.run, job=job, project=project, pixels=digests.of)
    digests.keep()
    if profile == BOOK_PROFILE:
        found += _claims(record)
    return found, record, folder


def inspect_source(project: Project, chapter: Chapter) -> list[Finding]:
    """The lints of a chapter's source."""
    try:
        exercises = exercises_of(chapter.source)
        return lint_notebook(chapter.notebook, chapter=chapter.id, exercises=exercises)
    except UserError as error:
        return [Finding(chapter.id, "source", str(error))]


def inspect_run(
    run: Run,
    *,
    job: Job | None = None,
    project: Project | None = None,
    pixels: Callable[[Path], str] = lambda path: pixels_digest(read_pixels(path)),
) -> list[Finding]:
    """What a run's folder says by itself: parameters, figures, notebook, budgets.

    Args:
        run: the run.
        job: how it should have been run.
        project: whose chapters may have stated budgets of their own.
        pixels: the digest of an image file's pixels.
    """
    record, found = run.record, []
    if job is not None and record.parameters != job.parameters:
        for name in sorted({*record.parameters, *job.parameters}):
            was, should = record.parameters.get(name), job.parameters.get(name)
            if was != should:
                message = f"{name} was {was!r} in the run, profile {job.profile!r} says {should!r}"
                found.append(Finding(record.chapter, "parameter", message))
    found += _figures(record, run.folder, pixels)
    found += _notebook(run)
    found += inspect_budgets(record, run.note, project=project)
    return found


def _claims(record: Record) -> Iterator[Finding]:
    count = len(record.claims)
    if not FEWEST_CLAIMS <= count <= MOST_CLAIMS:
        yield Finding(
            record.chapter,
            "claim",
            f"{count} claims; a chapter states {FEWEST_CLAIMS} to {MOST_CLAIMS} conclusions",
        )
    for claim in record.claims:
        if not claim.holds:
            unit = f" {claim.unit}" if claim.unit else ""
            control = "negative control " if claim.control else ""
            yield Finding(
                record.chapter,
                "claim",
                (
                    f"{control}does not hold: {claim.text!r} (margin "
                    f"{claim.margin:.4g}{unit}, must be >= 0)"
                ),
            )


def _figures(record: Record, folder: Path, pixels: Callable[[Path], str]) -> Iterator[Finding]:
    for figure in record.figures:
        if not figure.caption.strip():
            yield Finding(record.chapter, "figure", f"{figure.name}: it has no caption")
        if len(figure.alt) != len(figure.files) or not all(alt.strip() for alt in figure.alt):
            yield Finding(record.chapter, "figure", f"{figure.name}: it has no alt text")
        if len(figure.pixels_sha256) != len(figure.files):
            message = (
                f"{figure.name}: {len(figure.files)} files but {len(figure.pixels_sha256)} digests"
            )
            yield Finding(record.chapter, "figure", message)
            continue
        for file, digest in zip(figure.files, figure.pixels_sha256, strict=True):
            try:
                found = pixels(folder / file)
            except UserError as error:
                yield Finding(record.chapter, "figure", f"{figure.name}: {error}")
                continue
            if found != digest:
                message = f"{figure.name}: {file} does not hold the pixels that its run recorded"
                yield Finding(record.chapter, "figure", message)


def _notebook(run: Run) -> Iterator[Finding]:
    record = run.record
    try:
        notebook = run.notebook
    except UserError as error:
        yield Finding(record.chapter, "notebook", str(error))
        return
    shown: set[str] = set()
    for index, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            about = output.get("metadata", {}).get("medbook", {})
            shown.add(about.get("name", ""))
            if output.output_type == "error":
                message = f"cell {index} raised {output.get('ename')}: {output.get('evalue')}"
                yield Finding(record.chapter, "notebook", message)
            if output.get("name") == "stderr" and output.get("text", "").strip():
                line = output["text"].strip().splitlines()[0]
                message = f"cell {index} prints a warning on the page; mend its cause: {line}"
                yield Finding(record.chapter, "notebook", message)
        bare = [output for output in cell.get("outputs", []) if _shows_bare_picture(output)]
        if bare:
            yield Finding(
                record.chapter,
                "figure",
                f"cell {index} shows a picture without alt text; give it to run.figure(...,"
                " alt=...) in the cell that draws it",
            )
        if not _executed(cell):
            yield Finding(record.chapter, "notebook", f"cell {index} was not executed")
    for figure in record.figures:
        if figure.name not in shown:
            message = f"{figure.name}: it is in the record but not in the notebook"
            yield Finding(record.chapter, "figure", message)


def _executed(cell: Mapping[str, Any]) -> bool:
    if cell["cell_type"] != "code" or not cell["source"].strip():
        return True
    return cell.get("execution_count") is not None


def _shows_bare_picture(output: Mapping[str, Any]) -> bool:
    about = output.get("metadata", {}).get("medbook", {})
    picture = any(str(kind).startswith("image/") for kind in output.get("data", {}))
    return picture and not str(about.get("alt", "")).strip()


def inspect_profiles(project: Project) -> list[Finding]:
    """What the chapters' ``profiles.yml`` say of companions or parameters that are not there."""
    found = []
    known = {chapter.id: chapter for chapter in [*project.chapters, *project.companions]}
    for profile, entries in project.profiles.items():
        for name in entries:
            part, chapter = name.split("/")[:2]
            where = f"profile {profile!r} in chapters/{part}/{chapter}/{PROFILES}"
            if profile == BOOK_PROFILE:
                message = f"{where}: the book's parameters are the defaults in the notebook"
                found.append(Finding(name, "profile", message))
            elif name not in known:
                stem = name.rsplit("/", 1)[1]
                message = f"{where}: there is no companion {stem!r} in its folder"
                found.append(Finding("", "profile", message))
            else:
                found += _profile_faults(project, known[name], profile, where)
    return found


def _profile_faults(
    project: Project, chapter: Chapter, profile: str, where: str
) -> Iterator[Finding]:
    try:
        settled_parameters(project, chapter)
    except UserError:
        return  # the source itself is broken, which is said elsewhere
    try:
        settled_parameters(project, chapter, profile=profile)
    except UserError as error:
        yield Finding(chapter.id, "profile", f"{where}: {error}")


def _orphans(project: Project) -> Iterator[Finding]:
    known = {chapter.id for chapter in [*project.chapters, *project.companions]}
    for path in sorted(project.results.rglob("*.json")):
        name = path.parent.relative_to(project.results).as_posix()
        if name not in known:
            message = f"{project.relative(path)} belongs to no chapter; delete it"
            yield Finding("", "result", message)
        elif path.stem not in KNOWN_FILES:
            message = f"{project.relative(path)}: no command makes or reads such a file"
            yield Finding(name, "result", f"{message}; there are {', '.join(KNOWN_FILES)}")
