"""Chapters to notebooks: weave a source, strip it for students, merge a run's outputs onto it."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from press.errors import UserError
from press.source.cells import tags_of

if TYPE_CHECKING:
    from nbformat import NotebookNode

SOLUTION_TAG = "solution"
PARAMETERS_TAG = "parameters"
INJECTED_TAG = "injected-parameters"
DECLARED = "medbook"
KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
_SOLUTION_DIRECTIVE = re.compile(r"^\s*(?:`{3,}|:{3,})\{solution(?:-start|-end)?\}", re.MULTILINE)


def weave(source: Path) -> NotebookNode:
    """The notebook of a ``py:percent`` chapter, ready for papermill or Jupyter.

    Cell ids follow from the cells' place, so that weaving twice gives the same bytes. Papermill
    insists on the kernel's language, which the percent format does not carry: it is set here.

    Raises:
        UserError: the file is missing, is not UTF-8, or has no cell tagged "parameters".
    """
    import jupytext

    try:
        text = source.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"{source}: there is no such chapter") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{source}: not UTF-8 text: {error.reason}") from None
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata = {
        "kernelspec": dict(KERNELSPEC),
        "language_info": {"name": "python"},
        **_declared(notebook),
    }
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for place, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{place:03d}"
    if find_cell(notebook, PARAMETERS_TAG) is None:
        raise UserError(
            f'{source}: no code cell is tagged "parameters"; write `# %% tags=["{PARAMETERS_TAG}"]`'
        )
    return notebook


def find_cell(notebook: NotebookNode, tag: str) -> int | None:
    """The place of the first code cell that carries `tag`, or None."""
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and tag in tags_of(cell):
            return place
    return None


def parameters_source(notebook: NotebookNode) -> str:
    """The source of the parameters cell."""
    place = find_cell(notebook, PARAMETERS_TAG)
    return "" if place is None else notebook.cells[place].source


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells that the author wrote: papermill's injected parameters are left out."""
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and INJECTED_TAG not in tags_of(cell)
    ]


def code_digest(notebook: NotebookNode) -> str:
    """The sha256 of the code cells' sources in order: neither prose nor tags nor outputs count."""
    sources = [cell.source.strip() for cell in code_cells(notebook)]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()


def sections(notebook: NotebookNode) -> list[str]:
    """For each cell, the heading that it stands under (an empty string before the first)."""
    found, current = [], ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", cell.source, re.MULTILINE)
            current = headings[-1] if headings else current
        found.append(current)
    return found


def title(notebook: NotebookNode) -> str:
    """The notebook's first heading, or an empty string."""
    return next((section for section in sections(notebook) if section), "")


def student_edition(notebook: NotebookNode) -> NotebookNode:
    """A copy without the cells tagged "solution".

    Raises:
        UserError: a cell holds a solution directive but lacks the tag: it would leak.
    """
    edition = copy.deepcopy(notebook)
    edition.cells = [cell for cell in edition.cells if SOLUTION_TAG not in tags_of(cell)]
    for cell in edition.cells:
        if cell.cell_type == "markdown" and _SOLUTION_DIRECTIVE.search(cell.source):
            raise UserError(
                f"a cell with a solution is not tagged {SOLUTION_TAG!r} and would reach students: "
                f"{_first_line(cell.source)}"
            )
    return edition


def merge_outputs(source: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """The outputs of a run on the cells of the present source.

    Prose and tags are the source's, outputs the run's; so an edit of prose shows at once and
    nothing is executed. A cell of injected parameters follows the parameters cell as in the run.

    Raises:
        ValueError: the code cells differ: the outputs belong to other code.
    """
    if code_digest(source) != code_digest(executed):
        raise ValueError("the code cells differ from those that were executed: run the chapter")
    merged = copy.deepcopy(source)
    for cell, run in zip(code_cells(merged), code_cells(executed), strict=True):
        cell.outputs = copy.deepcopy(run.outputs)
        cell.execution_count = run.execution_count
        if "papermill" in run.metadata:
            cell.metadata["papermill"] = copy.deepcopy(run.metadata["papermill"])
    injected = find_cell(executed, INJECTED_TAG)
    place = find_cell(merged, PARAMETERS_TAG)
    if injected is not None and place is not None:
        merged.cells.insert(place + 1, copy.deepcopy(executed.cells[injected]))
    merged.metadata = {
        **{
            key: copy.deepcopy(value) for key, value in executed.metadata.items() if key != DECLARED
        },
        "kernelspec": dict(KERNELSPEC),
        **_declared(source),
    }
    return merged


def _declared(notebook: NotebookNode) -> dict[str, object]:
    """What the chapter's header says of its page (`press.source.reading`)."""
    return {DECLARED: notebook.metadata[DECLARED]} if DECLARED in notebook.metadata else {}


def sealed(notebook: NotebookNode) -> NotebookNode:
    """A copy that carries the digest of its own cells, by which `is_as_woven` knows it again."""
    copied = copy.deepcopy(notebook)
    copied.metadata["medbook"] = {"woven_sha256": _cells_digest(copied)}
    return copied


def is_as_woven(path: Path) -> bool:
    """Whether a notebook holds what was woven, and neither an edit nor an output since.

    A file that is no notebook, or that was not woven by `sealed`, does not.
    """
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)
        return notebook.metadata["medbook"]["woven_sha256"] == _cells_digest(notebook)
    except Exception:  # nbformat raises many kinds for what is no notebook
        return False


def _cells_digest(notebook: NotebookNode) -> str:
    cells = [
        [cell.cell_type, cell.source, cell.get("outputs", []), cell.get("execution_count")]
        for cell in notebook.cells
    ]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def read_notebook(path: Path) -> NotebookNode:
    """A notebook in today's format, such as papermill leaves.

    Raises:
        UserError: it is missing or damaged.
    """
    import nbformat

    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; run the chapter again") from None
    except Exception as error:  # nbformat raises many kinds for a damaged file
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} cannot be read: {first}") from None


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook beside `path`, then rename it into place: never half a file."""
    import nbformat

    from medlib.experiment.record import write_atomically

    write_atomically(path, nbformat.writes(notebook) + "\n")


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:80]
