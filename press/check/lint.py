"""What can be said against a chapter's source without running it.

Every rule answers a way in which books of this kind have gone wrong: numbers typed into prose
that drifted away from the code, figures without alt text, walls of code, seeds set globally,
exercises whose answers are missing. A rule looks at the cells of a notebook (see
`press.source.weave`), never at outputs.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from medlib.experiment.exercises import Exercise
from medlib.experiment.parameters import ParameterError, parse_parameters
from press.check.exercise_lint import lint_exercises
from press.check.prose import lint_prose
from press.check.reader_path import lint_reader_path
from press.finding import Finding
from press.source.cells import (
    calls_of,
    code_cells,
    imports_of,
    lesson_lines,
    parse_cell,
    source_of,
    syntax_error,
    tags_of,
    written,
)

PARTS = ("pixels", "diagnosis", "translation", "systems")
MAX_CODE_LINES = 12
PLUMBING_TAGS = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
AFTER_FINISH_TAGS = {"solution", "self-check"}


def lint_notebook(
    notebook: Mapping, *, chapter: str, exercises: Mapping[str, Exercise]
) -> list[Finding]:
    """All findings on one chapter's source, in the order of its cells.

    Args:
        notebook: the chapter as a notebook; its header, and its cells' sources and tags, are read.
        chapter: id, `part/name`.
        exercises: the sheet of its exercises, by name.
    """
    cells = list(notebook["cells"])
    messages = [
        *_lint_lengths(cells),
        *_lint_parameters(cells),
        *_lint_run(cells, chapter=chapter),
        *_lint_code(cells, chapter=chapter),
        *lint_prose(cells),
        *lint_exercises(cells, exercises),
    ]
    wrong, notes = lint_reader_path(notebook)
    return [
        *(Finding(chapter, "lint", message) for message in [*messages, *wrong]),
        *(Finding(chapter, "lint", message, "note") for message in notes),
    ]


def _lint_lengths(cells: Sequence[Mapping]) -> Iterator[str]:
    plumbing = 0
    for index, cell in code_cells(cells):
        count = lesson_lines(cell)
        if count <= MAX_CODE_LINES or "parameters" in tags_of(cell):
            continue
        if tags_of(cell) & PLUMBING_TAGS:
            plumbing += 1
            if plumbing == 1:
                continue
            yield (
                f"cell {index}: a second long hidden cell ({count} lines); one plumbing "
                "cell is enough, move it to medlib"
            )
        else:
            yield (
                f"cell {index}: {count} lines of code, at most {MAX_CODE_LINES}; split it, or move"
                " what is not the lesson to medlib"
            )


def _lint_parameters(cells: Sequence[Mapping]) -> Iterator[str]:
    code = code_cells(cells)
    tagged = [(index, cell) for index, cell in code if "parameters" in tags_of(cell)]
    if len(tagged) != 1:
        yield f'{len(tagged)} cells are tagged "parameters", there must be exactly one'
        return
    index, cell = tagged[0]
    if index != code[0][0]:
        yield f'cell {index}: the cell tagged "parameters" must be the first code cell'
    try:
        declared = parse_parameters(source_of(cell))
    except (ParameterError, SyntaxError) as error:
        yield f"cell {index}: parameters cannot be read: {error}"
        return
    for name, example in (
        ("seed", "seed: int = 0  # master seed, x ≥ 0"),
        ("device", 'device: str = "auto"  # "auto", "cpu" or "cuda"'),
    ):
        if name not in declared:
            yield f"cell {index}: parameter {name!r} is missing; write: {example}"
    for name, parameter in declared.items():
        if not parameter.meaning.strip():
            yield (
                f"cell {index}: parameter {name!r} has no meaning; say it in a comment on its line"
            )


def _lint_run(cells: Sequence[Mapping], *, chapter: str) -> Iterator[str]:
    statements = [
        (index, tags_of(cell), node)
        for index, cell in code_cells(cells)
        if "parameters" not in tags_of(cell)
        for node in parse_cell(cell).body
    ]
    working = [item for item in statements if not isinstance(item[2], ast.Import | ast.ImportFrom)]
    if not working or _start_call(working[0][2]) is None:
        place = f"cell {working[0][0]}: " if working else ""
        yield (
            f"{place}right after the parameters (and imports) must stand: run = "
            f'experiment.start("{chapter}", locals())'
        )
    for index, _, node in working:
        call = _start_call(node)
        named = call.args[0] if call is not None and call.args else None
        if isinstance(named, ast.Constant) and named.value != chapter:
            yield (
                f"cell {index}: experiment.start names {named.value!r}, this chapter is {chapter!r}"
            )
    last = [item for item in statements if not item[1] & AFTER_FINISH_TAGS]
    finishes = [item for item in statements if _is_finish(item[2])]
    if len(finishes) != 1:
        yield f"run.finish() is called {len(finishes)} times; it must be called once, at the end"
    elif last and not _is_finish(last[-1][2]):
        yield (
            f"cell {last[-1][0]}: code after run.finish(); it must be the last "
            "statement, or the record misses it"
        )


def _start_call(node: ast.stmt) -> ast.Call | None:
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr) else None
    if isinstance(value, ast.Call) and written(value.func) in ("experiment.start", "start"):
        return value
    return None


def _is_finish(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Call) and written(value.func) == "run.finish"


_NUMPY_RANDOM_TYPES = {"Generator", "SeedSequence", "BitGenerator"}
_TORCH_SEEDING = {"manual_seed", "seed", "set_rng_state", "manual_seed_all"}
_TORCH_DRAWS = {
    "rand",
    "randn",
    "randint",
    "randperm",
    "normal",
    "bernoulli",
    "multinomial",
    "poisson",
}


def _lint_code(cells: Sequence[Mapping], *, chapter: str) -> Iterator[str]:
    frames = controls = 0
    for index, cell in code_cells(cells):
        if error := syntax_error(cell):
            yield f"cell {index}: not valid Python: {error.msg} (line {error.lineno})"
            continue
        random_module = False
        for node in imports_of(cell):
            yield from (f"cell {index}: {message}" for message in _import_faults(node, chapter))
            random_module |= isinstance(node, ast.Import) and any(
                a.name == "random" for a in node.names
            )
        for name, node in calls_of(cell):
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            if name in ("run.figure", "run.frames"):
                yield from (f"cell {index}: {message}" for message in _figure_faults(name, given))
            frames += name == "run.frames"
            control = given.get("control")
            controls += (
                name == "run.claim" and isinstance(control, ast.Constant) and control.value is True
            )
            seeding = _seeding_fault(name, given)
            if seeding:
                yield f"cell {index}: {seeding}"
        if random_module:
            yield (
                f"cell {index}: the module random is seeded globally; draw from "
                'run.rng("a name") instead'
            )
    if frames == 0:
        yield "no interactive figure: call run.frames(...) at least once"
    if controls == 0:
        yield (
            "no negative control: one claim must say that nothing is found where "
            "nothing is, run.claim(..., control=True)"
        )


def _import_faults(node: ast.Import | ast.ImportFrom, chapter: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    elif node.level:
        yield "relative import; a chapter is a notebook, import by the full name"
        return
    elif node.module == "medlib":
        modules = [f"medlib.{alias.name}" for alias in node.names]
    else:
        modules = [node.module or ""]
    part = chapter.split("/", 1)[0]
    readable = PARTS[: PARTS.index(part) + 1] if part in PARTS else PARTS
    for module in modules:
        top, _, rest = module.partition(".")
        if top in ("press", "chapters", "tests", "bench"):
            yield (
                f"imports {module}; a chapter imports medlib, data_fetch and published "
                "libraries only"
            )
        inner = rest.split(".", 1)[0]
        if top == "medlib" and inner in PARTS and inner not in readable:
            yield (
                f"imports {module}; a chapter of part {part!r} may import {', '.join(readable)}: "
                "import order is reading order"
            )


def _figure_faults(name: str, given: Mapping[str | None, ast.expr]) -> Iterator[str]:
    label = ast.unparse(given["name"]) if "name" in given else "without name"
    for keyword in ("alt", "caption"):
        value = given.get(keyword)
        if None in given and value is None:
            continue  # **options: the run itself checks
        empty = isinstance(value, ast.Constant) and not str(value.value or "").strip()
        if value is None or empty:
            yield (
                (
                    f"figure {label}: {name} has no {keyword}=; say in it what a reader who "
                    "cannot see it needs"
                )
                if (keyword == "alt")
                else (
                    f"figure {label}: {name} has no caption=; state the finding, n, and "
                    "whether data are simulated"
                )
            )


def _seeding_fault(name: str, given: Mapping[str | None, ast.expr]) -> str | None:
    head, _, last = name.rpartition(".")
    if head in ("np.random", "numpy.random") and last not in _NUMPY_RANDOM_TYPES:
        return f'{name} is outside the run\'s named streams; use rng = run.rng("a name")'
    if head in ("torch", "torch.cuda", "torch.random") and last in _TORCH_SEEDING:
        return f'{name} seeds globally; use run.torch_generator("a name")'
    if head == "torch" and last in _TORCH_DRAWS and "generator" not in given:
        return (
            f'{name} draws from the global generator; give generator=run.torch_generator("a name")'
        )
    return None
