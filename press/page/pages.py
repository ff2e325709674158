"""Chapter pages: an executed notebook and its record become a page of the book.

What `medlib.experiment` displayed carries a ``medbook`` entry in its output metadata. In Jupyter
such an output shows itself; here it becomes the book's own markup: numbered figures with alt text,
measured sentences, tables, the box of claims. All of it follows from the notebook and the record
alone, so an unchanged run gives the same page.
"""

from __future__ import annotations

import ast
import base64
import copy
import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medlib.experiment.answers import NotYet
from medlib.experiment.exercises import Exercise
from medlib.experiment.parameters import Parameter
from medlib.experiment.record import Claim, Figure, Record
from press.errors import Exit, UserError
from press.page.code_switch import fold_code, switch_markdown
from press.page.exercise import known_of, with_exercises
from press.page.masthead import masthead
from press.source.cells import parse_cell, tags_of
from press.source.grounds import Grounds
from press.source.jupyter_markdown import for_jupyter
from press.source.reading import KEY_TAG, reading_of
from press.source.weave import INJECTED_TAG, PARAMETERS_TAG

if TYPE_CHECKING:
    from nbformat import NotebookNode

WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
FENCE = "`" * 9
_HEADING = re.compile(r"^#[ \t]+(?P<title>.+?)[ \t#]*$", re.MULTILINE)


class PageError(UserError):
    """A page cannot be made; the message names the chapter and says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Exit.CHECK_FAILED)


@dataclass(frozen=True)
class Page:
    """A page of the stage, and the files that it shows or offers, by their path in the stage."""

    notebook: NotebookNode
    files: dict[str, bytes] = field(default_factory=dict)


def chapter_page(
    chapter: str,
    notebook: NotebookNode,
    record: Record,
    *,
    parameters: Mapping[str, Parameter],
    run_folder: Path,
    source: bytes,
    exercises: Mapping[str, Exercise] | None = None,
    dois: Mapping[str, str] | None = None,
    recorded: Sequence[str] = (),
    grounds: Grounds | None = None,
) -> Page:
    """The page of a chapter.

    Args:
        chapter: its id, ``part/name``.
        notebook: the run's outputs on the present source.
        record: the run's record.
        parameters: the declared parameters.
        run_folder: the run's folder, where the frames of interactive figures lie.
        source: the chapter's source file, offered for download.
        exercises: the sheet of its exercises.
        dois: key of a reference -> its DOI, for the notebook that is offered for download.
        recorded: what the masthead tells of runs that a build does not repeat.
        grounds: what its claims were run on.

    Raises:
        PageError: the notebook has no title, or shows something that the record does not know.
    """
    name = chapter.rsplit("/", 1)[-1]
    notebook = without_chance(notebook)
    folder = f"_runs/{chapter}"
    files: dict[str, bytes] = {
        f"{folder}/{name}.ipynb": _notebook_bytes(for_jupyter(notebook, dois=dois or {})),
        f"{folder}/{name}.py": source,
    }
    minutes = reading_of(notebook).minutes
    sheet, known = exercises or {}, known_of(record)
    try:
        notebook = with_exercises(notebook, sheet, chapter=chapter, known=known)
    except NotYet as words:
        raise PageError(f"{chapter}: an exercise cannot be put on its page: {words}") from None
    notebook = fold_code(notebook)
    title, rest = split_title(chapter, notebook)
    header = masthead(
        chapter,
        record,
        parameters=parameters,
        minutes=minutes,
        folder=f"/{folder}",
        recorded=recorded,
    )
    cells: list[NotebookNode] = [_markdown(title), _markdown(f"{header}\n{switch_markdown()}")]
    if rest:
        cells.append(_markdown(rest))
    known = {figure.name: figure for figure in record.figures}
    first = next(place for place, cell in enumerate(notebook.cells) if _is_title(cell))
    for place, cell in enumerate(notebook.cells):
        if place == first or "remove-cell" in tags_of(cell):
            continue
        if cell.cell_type != "code":
            cells.append(cell)
            continue
        for part in split_cell(fold_sayings(cell)):
            about = _about(part)
            if about is None:
                cells.append(part)
                continue
            text = (
                claims_markdown(record.claims, grounds)
                if about.get("kind") == "claims"
                else _block(chapter, part, about, known, run_folder, folder, files)
            )
            if text:
                cells.append(_markdown(text))
    page = copy.deepcopy(notebook)
    page.cells = join_folds(cells)
    for place, cell in enumerate(page.cells):
        cell["id"] = f"cell-{place:03d}"
    return Page(page, files)


def split_title(chapter: str, notebook: NotebookNode) -> tuple[str, str]:
    """The first cell's title line, and what follows it there.

    Raises:
        PageError: there is no title.
    """
    for cell in notebook.cells:
        if _is_title(cell):
            match = _HEADING.search(cell.source)
            before = cell.source[: match.start()].rstrip()
            return (f"{before}\n\n" if before else "") + match.group(0), cell.source[
                match.end() :
            ].strip()
    raise PageError(f"{chapter}: no Markdown cell starts with a title, `# Title`")


def split_cell(cell: NotebookNode) -> Iterator[NotebookNode]:
    """The cell with its plain outputs, then each of the run's own outputs as a cell of one.

    Plain output after one of the run's own goes into a cell without input, so that the order of
    what the reader sees is the order in which it was printed.
    """
    current = copy.deepcopy(cell)
    current.outputs = []
    if "remove-output" in tags_of(cell):
        yield current
        return
    fresh = True
    for output in cell.outputs:
        if "medbook" in output.get("metadata", {}):
            if fresh or current.outputs:
                yield current
            shown = _without_input(cell)
            shown.outputs = [output]
            yield shown
            current, fresh = _without_input(cell), False
        else:
            current.outputs.append(output)
    if fresh or current.outputs:
        yield current


def fold_sayings(cell: NotebookNode) -> NotebookNode:
    """The cell, its code folded away if all it does is say measured sentences.

    The sentences stand right below it; in the open the page would say each twice.
    """
    calls = [
        statement.value.func
        for statement in parse_cell(cell).body
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    ]
    says = calls and all(isinstance(call, ast.Attribute) and call.attr == "say" for call in calls)
    if not says or len(calls) < len(parse_cell(cell).body) or set(tags_of(cell)) - {KEY_TAG}:
        return cell
    folded = copy.deepcopy(cell)
    folded.metadata["tags"] = ["hide-input"]
    return folded


def join_folds(cells: Sequence[NotebookNode]) -> list[NotebookNode]:
    """The cells, with neighbours whose code is folded away joined: the reader sees one fold.

    Cells are joined only where the first shows nothing, so no output changes its place.
    """
    joined: list[NotebookNode] = []
    for cell in cells:
        before = joined[-1] if joined else None
        if before is not None and _is_fold(before) and _is_fold(cell) and not before.outputs:
            joined[-1] = copy.deepcopy(cell)
            joined[-1].source = f"{before.source}\n\n\n{cell.source}"
        else:
            joined.append(cell)
    return joined


def without_chance(notebook: NotebookNode) -> NotebookNode:
    """A copy without what differs between equal runs: stamped times, and widgets' random ids."""
    import nbformat

    notebook = copy.deepcopy(notebook)
    for bag in (notebook.metadata, *(cell.metadata for cell in notebook.cells)):
        for stamp in ("papermill", "execution"):
            bag.pop(stamp, None)
    state = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    if not state:
        return notebook
    text = nbformat.writes(notebook)
    for place, model in enumerate(sorted(state, key=lambda model: text.index(f'"{model}"'))):
        text = text.replace(model, f"{place:032x}")
    return nbformat.reads(text, as_version=4)


# ------------------------------------------------------------------------------- what the run shows


def _block(
    chapter: str,
    cell: NotebookNode,
    about: Mapping[str, Any],
    known: Mapping[str, Figure],
    run_folder: Path,
    folder: str,
    files: dict[str, bytes],
) -> str:
    """The Markdown of one of the run's own outputs; new files go into `files`."""
    kind, output = about.get("kind"), cell.outputs[0]
    if kind in ("say", "exercise"):
        return f":::{{div}} medbook-say\n{_text(output)}\n:::"
    if kind == "table":
        return table_markdown(chapter, about.get("name", ""), _text(output))
    if kind == "header":
        return ""
    if kind not in ("figure", "frames"):
        raise PageError(f"{chapter}: the run shows something of an unknown kind, {kind!r}")
    figure = known.get(about.get("name", ""))
    if figure is None:
        raise PageError(
            f"{chapter}: figure {about.get('name')!r} is in the notebook but not in its record:"
            " run the chapter again"
        )
    if kind == "figure":
        path = f"{folder}/figures/{figure.name}.png"
        files[path] = base64.b64decode(output["data"]["image/png"])
        return figure_markdown(chapter, figure, image=f"/{path}", alt=figure.alt[0])
    start = figure.alt.index(about["alt"]) if about.get("alt") in figure.alt else 0
    shot = run_folder / figure.files[start]
    path = f"{folder}/figures/{shot.name}"
    try:
        files[path] = shot.read_bytes()
    except OSError as error:
        raise PageError(f"{chapter}: {shot}: {error.strerror}: run the chapter again") from None
    view = json.dumps(dict(output["data"][WIDGET_VIEW]), sort_keys=True)
    live = f'<div class="medbook-live"><script type="{WIDGET_VIEW}">{view}</script></div>'
    return figure_markdown(
        chapter,
        figure,
        image=f"/{path}",
        alt=figure.alt[start],
        classes="medbook-frames",
        legend=live,
    )


def figure_label(chapter: str, name: str) -> str:
    """The label by which a chapter refers to a figure.

    >>> figure_label("pixels/low_dose_ct", "dose_series")
    'fig-low-dose-ct-dose-series'
    """
    return f"fig-{chapter.rsplit('/', 1)[-1]}-{name}".replace("_", "-")


def figure_markdown(
    chapter: str,
    figure: Figure,
    *,
    image: str,
    alt: str,
    classes: str = "",
    legend: str = "",
    label: bool = True,
) -> str:
    """A numbered figure with alt text and caption."""
    kind = figure.data.replace(" ", "-")
    lines = [f"{FENCE}{{figure}} {image}", f":alt: {_quoted(alt)}"]
    if label:
        lines.append(f":name: {figure_label(chapter, figure.name)}")
    lines += [f":figclass: {f'medbook-figure medbook-data-{kind} {classes}'.strip()}", ""]
    lines += [" ".join(figure.caption.split()), ""]
    if legend:
        lines += ["```{raw} html", legend, "```"]
    return "\n".join([*lines, FENCE])


def table_markdown(chapter: str, name: str, text: str) -> str:
    """A table printed by the run, with its caption above it and a label to refer to."""
    body, _, caption = text.partition("\n\n")
    caption = caption.strip().removeprefix("*").removesuffix("*")
    if not caption:
        return body
    label = figure_label(chapter, name).replace("fig-", "tab-", 1)
    return f"{FENCE}{{table}} {' '.join(caption.split())}\n:name: {label}\n\n{body}\n{FENCE}"


def claims_markdown(claims: list[Claim], grounds: Grounds | None = None) -> str:
    """The box of claims: what this run established, by how much, and on what it was run."""
    if not claims:
        return ""
    failed = [claim for claim in claims if not claim.holds]
    title = "What this run established" if not failed else "What this run did not establish"
    lines = [f"::::{{admonition}} {title}", ":class: medbook-claims", ""]
    for claim in claims:
        mark = ("✓", "holds") if claim.holds else ("✗", "fails")
        kind = '<span class="medbook-control">negative control</span> ' if claim.control else ""
        margin = f"{claim.margin:+.3g} {claim.unit}".strip().replace("-", "−")
        lines.append(
            f'- <span class="medbook-mark medbook-{mark[1]}">{mark[0]}</span> {kind}'
            f'{_sentence(claim.text)} <span class="medbook-margin">margin'
            f" {html.escape(margin)}</span>"
            + (f' <span class="medbook-on">{grounds.said(claim.text)}</span>' if grounds else "")
        )
    lines += [
        "",
        "Checked by a machine each time the book is built, and over other seeds before a change of"
        " results is accepted: see [](/status.md).",
        "::::",
    ]
    return "\n".join(lines)


# ----------------------------------------------------------------------------------------- helpers


def _about(cell: NotebookNode) -> Mapping[str, Any] | None:
    if cell.cell_type != "code" or len(cell.outputs) != 1:
        return None
    return cell.outputs[0].get("metadata", {}).get("medbook")


def _is_fold(cell: NotebookNode) -> bool:
    folded = set(tags_of(cell)) - {PARAMETERS_TAG} == {"hide-input"}
    return cell.cell_type == "code" and bool(cell.source) and folded


def _is_title(cell: NotebookNode) -> bool:
    return cell.cell_type == "markdown" and _HEADING.search(cell.source) is not None


def _without_input(cell: NotebookNode) -> NotebookNode:
    bare = copy.deepcopy(cell)
    bare.source, bare.outputs = "", []
    kept = [
        tag
        for tag in tags_of(cell)
        if tag not in ("parameters", INJECTED_TAG, "hide-cell", KEY_TAG)
    ]
    bare.metadata["tags"] = [*kept, "remove-input"]
    return bare


def _markdown(source: str) -> NotebookNode:
    from nbformat.v4 import new_markdown_cell

    return new_markdown_cell(source, id="set-later")


def _notebook_bytes(notebook: NotebookNode) -> bytes:
    import nbformat

    return (nbformat.writes(notebook) + "\n").encode()


def _text(output: NotebookNode) -> str:
    text = output["data"].get("text/markdown") or output["data"].get("text/plain", "")
    return text if isinstance(text, str) else "".join(text)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _quoted(text: str) -> str:
    return json.dumps(" ".join(text.split()), ensure_ascii=False)
