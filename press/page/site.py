"""The site: book/, the executed chapters and the web assets, staged, rendered, swapped in whole.

`build/stage` holds the Jupyter Book sources, `build/sphinx` Sphinx's own files between builds (so a
change of prose renders one page), `build/site` the finished site. The site is replaced by a rename,
and only by one that was built without a single warning.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path

from medlib.experiment.record import Record, RecordError, write_atomically
from press.check.plain_sight import answers_in_plain_sight
from press.errors import Exit, UserError
from press.page import mending, paper
from press.page.assets import ensure_assets, vendor_files
from press.page.exercise import known_of
from press.page.frontmatter import cards, expand, lesson_plans, road
from press.page.inputs import inputs_digest
from press.page.on_trial import on_trial_markdown
from press.page.pages import chapter_page, figure_markdown
from press.page.recorded import recorded_lines
from press.page.status import status_markdown, tally
from press.page.verdict_bars import verdict_bars
from press.run.chapter_run import run_of
from press.run.execute import NOTEBOOK
from press.source.checked_cells import exercises_of
from press.source.grounds import grounds_of
from press.source.jupyter_markdown import references_of
from press.source.project import Chapter, Project
from press.source.reading import RULE
from press.source.weave import merge_outputs

STAMP = "medbook-site.json"
SOURCES = {".md", ".ipynb"}
RENDERERS = ("jupyter-book", "sphinx", "myst-nb", "sphinx-book-theme", "pydata-sphinx-theme")
_TITLE = re.compile(r"^#[ \t]+(.+)$", re.MULTILINE)


class SiteError(UserError):
    """The site could not be built; the message holds the first things that are wrong."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Exit.CHECK_FAILED)


def build_site(
    project: Project, *, profile: str = "book", echo: Callable[[str], None] = print
) -> Path:
    """Build the site from the runs there are; do nothing if nothing changed.

    Args:
        project: the checkout.
        profile: the profile that the runs must be of; any other is refused.
        echo: told what happens, a line at a time.

    Returns:
        The site's folder. After a failure it still holds the last good site.

    Raises:
        SiteError: a chapter has not run, or Sphinx warned; the message names each.
        AssetsError: the web assets cannot be had.
    """
    ensure_assets(project.root, echo=echo)
    about = renderers() | {"profile": profile}
    inputs = inputs_digest(project, about=about)
    stamp = _stamp(project.site)
    if stamp.get("inputs") == inputs:
        echo("site: nothing changed")
        return project.site
    stage = stage_files(project, profile=profile)
    if inputs_digest(project, about=about) != inputs:
        inputs = ""  # something changed meanwhile, and may change back
    fingerprint = _fingerprint(stage)
    if stamp.get("fingerprint") == fingerprint:
        _write_stamp(project.site, fingerprint, inputs)
        echo("site: nothing changed")
        return project.site
    work = project.build / "sphinx"
    shape = _shape(stage)
    if _read(work / "shape") != shape:
        shutil.rmtree(work, ignore_errors=True)
    _write_stage(project.stage, stage)
    echo("site: rendering")
    try:
        _render(project, work)
    except BaseException:
        # Sphinx would not read an unchanged page again, and so not repeat what it warned of
        shutil.rmtree(work, ignore_errors=True)
        raise
    (work / "shape").write_text(shape, "utf-8")
    _swap(work / "_build" / "html", project.site, fingerprint, inputs)
    return project.site


def renderers() -> dict[str, str]:
    """The versions of what renders the site."""
    return {name: _version(name) for name in RENDERERS}


def stage_files(project: Project, *, profile: str = "book") -> dict[str, bytes]:
    """Everything the stage holds: path in the stage -> content.

    Raises:
        SiteError: a chapter is not in the table of contents, or has no run that its page can show.
    """
    files: dict[str, bytes] = {}
    records: dict[str, Record] = {}
    titles: dict[str, str] = {}
    problems: list[str] = []
    listed = set(project.toc_entries())
    for chapter in project.chapters:
        try:
            if chapter.id not in listed:
                raise SiteError(f"{chapter}: not in _toc.yml; add `- file: {chapter}` to its part")
            record, page_files, title = _chapter_files(project, chapter, profile)
        except (UserError, RecordError) as error:
            problems.append(str(error))
            continue
        records[chapter.id], titles[chapter.id] = record, title
        files.update(page_files)
    if problems:
        raise SiteError("; ".join(problems))
    files.update(_front_matter(project, records, titles, files))
    for entry in project.toc_entries():
        if not any(f"{entry}{suffix}" in files for suffix in ("", *SOURCES)):
            problems.append(f"_toc.yml lists {entry}, which is no chapter and no page of book/")
    if problems:
        raise SiteError("; ".join(problems))
    for name in ("_config.yml", "_toc.yml"):
        files[name] = _required(project.root / name)
    for target, source in vendor_files(project.root).items():
        files[f"_web/vendor/{target}"] = source.read_bytes()
    return files


def _chapter_files(
    project: Project, chapter: Chapter, profile: str
) -> tuple[Record, dict[str, bytes], str]:
    import nbformat

    run = run_of(project, chapter).run
    if not (run.folder / NOTEBOOK).is_file():
        raise SiteError(f"{chapter}: has not run yet; `medbook build` runs it")
    record = run.record
    if record.profile != profile:
        raise SiteError(
            f"{chapter}: its run is of profile {record.profile!r}, the site wants {profile!r};"
            " `medbook build` runs it again"
        )
    try:
        merged = merge_outputs(chapter.notebook, run.notebook)
    except ValueError as error:
        raise SiteError(f"{chapter}: {error}") from None
    exercises = exercises_of(chapter.source)
    page = chapter_page(
        chapter.id,
        merged,
        record,
        parameters=chapter.declared,
        run_folder=run.folder,
        source=chapter.source.read_bytes(),
        exercises=exercises,
        dois=references_of(project.root),
        recorded=recorded_lines(project, chapter.id),
        grounds=grounds_of(project, chapter),
    )
    if seen := answers_in_plain_sight(page.notebook.cells, exercises, known=known_of(record)):
        raise SiteError(f"{chapter}: its page shows what is asked: {'; '.join(seen)}")
    body = (nbformat.writes(page.notebook) + "\n").encode()
    return record, {f"{chapter.id}.ipynb": body, **page.files}, chapter.title


def _front_matter(
    project: Project,
    records: Mapping[str, Record],
    titles: Mapping[str, str],
    made: Mapping[str, bytes],
) -> dict[str, bytes]:
    """The pages of book/, blocks filled in; its _static/ becomes the stage's _web/.

    (Jupyter Book would put every script of a folder called _static on every page.)
    """

    def figure(chapter: str, name: str, *, body: str) -> str:
        if chapter not in records:
            raise SiteError(f"a page of book/ shows a figure of {chapter}, which is no chapter")
        found = {figure.name: figure for figure in records[chapter].figures}
        if name not in found:
            raise SiteError(f"{chapter} has no figure {name!r}; it has {', '.join(found)}")
        shown = found[name]
        prefix = f"_runs/{chapter}/"
        file = next((f for f in shown.files if prefix + f in made), "")
        if not file:
            raise SiteError(f"{chapter}: figure {name!r} is not shown on its page")
        if body:
            shown = shown.model_copy(update={"caption": body})
        alt = shown.alt[shown.files.index(file)]
        return figure_markdown(chapter, shown, image=f"/{prefix}{file}", alt=alt, label=False)

    blocks = {
        "figure": figure,
        "tally": lambda *, body: tally(records),
        "status": lambda *, body: status_markdown(project, records, titles),
        "on_trial": lambda *, body: on_trial_markdown(project, records, titles),
        "verdict_bars": lambda *, body: verdict_bars(project, records),
        "cards": lambda *, body: cards(project.root / "data_fetch" / "cards"),
        "road": lambda *, body: road(project),
        "lesson_plans": lambda *, body: lesson_plans(project),
        "reading": lambda *, body: f"{RULE[:1].upper()}{RULE[1:]}.",
    }
    files: dict[str, bytes] = {}
    book = project.root / "book"
    for path in sorted(book.rglob("*")):
        name = path.relative_to(book).as_posix()
        if not path.is_file() or any(part.startswith(".") for part in path.parts[-2:]):
            continue
        if path.suffix == ".md":
            text = expand(path.read_text("utf-8"), blocks, where=project.relative(path))
            files[name] = text.encode()
        elif name.startswith("_static/"):
            files["_web/" + name.removeprefix("_static/")] = path.read_bytes()
        else:
            files[name] = path.read_bytes()
    return files


def _required(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SiteError(f"{path}: {error.strerror}: the site cannot be built without it") from None


# ------------------------------------------------------------------------------------- what changed


def _fingerprint(stage: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in RENDERERS:
        digest.update(f"{name}=={_version(name)}\n".encode())
    for change in (mending, paper):
        digest.update(Path(change.__file__).read_bytes())
    for name in sorted(stage):
        digest.update(f"{name} {hashlib.sha256(stage[name]).hexdigest()}\n".encode())
    return digest.hexdigest()


def _shape(stage: Mapping[str, bytes]) -> str:
    """What every page shows of the others: names, titles, configuration, styles, versions.

    When it changes, Sphinx starts over: it would else leave old titles in other pages' menus.
    """
    shown = renderers()
    for name, content in stage.items():
        if Path(name).suffix in SOURCES and not name.startswith("_"):
            shown[name] = _title(name, content)
        elif name.startswith("_web/") or name in ("_config.yml", "_toc.yml"):
            shown[name] = hashlib.sha256(content).hexdigest()
        else:
            shown[name] = ""
    return json.dumps(shown, indent=0, sort_keys=True)


def _title(name: str, content: bytes) -> str:
    text = content.decode()
    if name.endswith(".ipynb"):
        text = "".join(json.loads(text)["cells"][0]["source"])
    match = _TITLE.search(text)
    return match.group(1) if match else ""


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "missing"


def _stamp(site: Path) -> dict[str, str]:
    try:
        return json.loads((site / STAMP).read_text("utf-8"))
    except (OSError, ValueError):
        return {}


def _write_stamp(site: Path, fingerprint: str, inputs: str) -> None:
    stamp = {"fingerprint": fingerprint, "inputs": inputs}
    write_atomically(site / STAMP, json.dumps(stamp) + "\n")


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except OSError:
        return None


# ------------------------------------------------------------------------------ stage, render, swap


def _write_stage(stage: Path, files: Mapping[str, bytes]) -> None:
    """Make the stage hold exactly `files`; a file that is right keeps its time of change."""
    for path in sorted(stage.rglob("*"), reverse=True) if stage.is_dir() else []:
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.relative_to(stage).as_posix() not in files:
            path.unlink()
    for name, content in files.items():
        path = stage / name
        if path.is_file() and path.read_bytes() == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _render(project: Project, work: Path) -> None:
    log = project.build / "site.log"
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    command += ["build", str(project.stage), "--path-output", str(work), "-W", "--keep-going", "-q"]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    output = _plain(done.stdout)
    log.write_text(output, "utf-8")
    if done.returncode != 0 or not (work / "_build" / "html" / "index.html").is_file():
        lines = [line for line in output.splitlines() if line.strip()]
        found = complaints(lines, stage=project.stage) or lines[-3:]
        raise SiteError(
            "the site was not built: "
            + "; ".join(found[:10] or ["Jupyter Book failed"])
            + (f"; and {len(found) - 10} more" if len(found) > 10 else "")
            + f" (whole log: {project.relative(log)})"
        )


def complaints(lines: Iterable[str], *, stage: Path) -> list[str]:
    """The warnings and errors of a Sphinx log, with paths as in the stage, each once.

    >>> complaints(["reading", "/b/stage/index.md:3: WARNING: oh"], stage=Path("/b/stage"))
    ['index.md:3: WARNING: oh']
    """
    found = [
        line.replace(f"{stage}/", "").strip()
        for line in lines
        if re.search(r"\b(WARNING|ERROR|CRITICAL|Exception|SEVERE)\b", line)
    ]
    return list(dict.fromkeys(found))


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _swap(html: Path, site: Path, fingerprint: str, inputs: str) -> None:
    """Copy `html` beside `site`, mend it there, then put it in its place by renaming."""
    fresh, old = site.with_name(site.name + ".new"), site.with_name(site.name + ".old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(html, fresh, ignore=shutil.ignore_patterns(".buildinfo", ".doctrees"))
    for path in fresh.rglob("*"):
        if change := {".html": mending.mended, ".css": paper.for_paper}.get(path.suffix):
            path.write_text(change(path.read_text("utf-8")), "utf-8")
    _write_stamp(fresh, fingerprint, inputs)
    if site.exists():
        site.rename(old)
    fresh.rename(site)
    shutil.rmtree(old, ignore_errors=True)
