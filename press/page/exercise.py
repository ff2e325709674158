"""Exercises on a page: a field or options, a button, hints, a solution; no kernel, no network.

What stands on the page is one block of data for each exercise, sealed as `press.page.sealed` says;
`book/_static/exercises.js` makes the controls of it. Without scripts a sentence says where to go.
"""

from __future__ import annotations

import copy
import html
import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from medlib.experiment.exercises import (
    Choice,
    Code,
    Exercise,
    Known,
    Number,
    out_of_range,
    sentence,
)
from medlib.experiment.record import Record
from press.page.sealed import ROUNDS, box, salt_of, seal

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from nbformat import NotebookNode

FENCE = "`" * 9


def known_of(record: Record) -> Known:
    """What a run's record lets a check know."""
    return Known(record.parameters, {result.name: result.value for result in record.results})


def exercise_markdown(exercise: Exercise, *, chapter: str, known: Mapping[str, Any]) -> str:
    """The block of an exercise as Markdown for the page.

    Raises:
        NotYet: the right answer rests on a result that the run did not measure.
    """
    data = json.dumps(exercise_data(exercise, chapter=chapter, known=known), ensure_ascii=False)
    data = data.replace("<", "\\u003c").replace(">", "\\u003e")
    where = f'<code>run.check("{html.escape(exercise.name)}", …)</code>'
    still = f"Answer it in Jupyter: {where} in the chapter's notebook."
    return "\n".join(
        [
            f"{FENCE}{{raw}} html",
            f'<div class="medbook-exercise" id="answer-{html.escape(exercise.name)}">',
            f'<script type="application/json" class="medbook-exercise-data">{data}</script>',
            f'<p class="medbook-exercise-still">{still}</p>',
            "</div>",
            FENCE,
        ]
    )


def exercise_data(exercise: Exercise, *, chapter: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """All that the page's script needs to judge an answer; nothing in it can be read."""
    salt, name = salt_of(chapter), exercise.name

    def sealed(text: str, what: str) -> str:
        return seal(markdown_html(text), salt=salt, label=f"{name}/{what}")

    data: dict[str, Any] = {
        "chapter": chapter,
        "name": name,
        "kind": exercise.kind,
        "asks": markdown_html(sentence(exercise.asks).rstrip("."), inline=True),
        "salt": salt,
        "hints": [sealed(sentence(hint), f"hint/{n}") for n, hint in enumerate(exercise.hints)],
        "solution": sealed(exercise.solution.strip(), "solution"),
    }
    if isinstance(exercise, Code):
        return data
    boxes: dict[str, str] = {}
    for answer, right, words in answers_of(exercise, known):
        content = {"right": right, "words": markdown_html(sentence(words)) if words else ""}
        place, closed = box(answer, content, salt=salt, name=name)
        boxes.setdefault(place, closed)
    data |= {"rounds": ROUNDS, "boxes": dict(sorted(boxes.items()))}
    if isinstance(exercise, Choice):
        data["options"] = {
            letter: markdown_html(text, inline=True) for letter, text in exercise.options.items()
        }
        return data
    grid = exercise.grid(known)
    data |= {"unit": exercise.unit, "offset": grid.offset, "width": grid.width}
    data["otherwise"] = sealed(sentence(exercise.otherwise), "otherwise")
    if exercise.within:
        data |= {"within": list(exercise.within), "outside": sentence(out_of_range(exercise))}
    return data


def answers_of(exercise: Number | Choice, known: Mapping[str, Any]) -> list[tuple[str, bool, str]]:
    """Each answer on which there is something to say: its one spelling, whether right, the words.

    The right one comes first; of two words on one answer the first counts.
    """
    if isinstance(exercise, Choice):
        letters = sorted(exercise.options, key=lambda letter: letter != exercise.answer)
        return [(o, o == exercise.answer, exercise.because.get(o, "")) for o in letters]
    found = [(str(exercise.grid(known).right), True, "")]
    for cells, words in exercise.named_mistakes(known):
        found += [(str(cell), False, words) for cell in sorted(cells)]
    return found


def with_exercises(
    notebook: NotebookNode,
    sheet: Mapping[str, Exercise],
    *,
    chapter: str,
    known: Mapping[str, Any],
) -> NotebookNode:
    """A copy of a notebook in which each cell that checks an answer is followed by its controls.

    The cell of a number or a choice goes: the controls say it all. That of code stays, without what
    the run printed, because it is where the student writes.
    """
    from nbformat.v4 import new_markdown_cell

    from press.source.checked_cells import checked_name

    page = copy.copy(notebook)
    page.cells = []
    for cell in notebook.cells:
        exercise = sheet.get(checked_name(cell) or "")
        if exercise is None:
            page.cells.append(cell)
            continue
        if isinstance(exercise, Code):
            page.cells.append(copy.deepcopy(cell))
            page.cells[-1].outputs = []
        text = exercise_markdown(exercise, chapter=chapter, known=known)
        page.cells.append(new_markdown_cell(text, id="set-later"))
    return page


def markdown_html(text: str, *, inline: bool = False) -> str:
    r"""Markdown with formulas as HTML that MathJax can set when it is shown.

    >>> markdown_html("half of $x^2$", inline=True)
    'half of <span class="math inline">\\(x^2\\)</span>'
    """
    render = _markdown().renderInline if inline else _markdown().render
    return render(text).strip()


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    def formula(content: str, options: Mapping[str, bool]) -> str:
        left, right = (r"\[", r"\]") if options["display_mode"] else (r"\(", r"\)")
        return f"{left}{html.escape(content.strip())}{right}"

    def coloured(code: str, language: str, _: str) -> str:
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import get_lexer_by_name

        lexer = get_lexer_by_name(language or "text")
        spans = highlight(code, lexer, HtmlFormatter(nowrap=True))
        return f'<pre class="highlight"><code>{spans}</code></pre>'

    parser = MarkdownIt("commonmark", {"highlight": coloured}).enable("table")
    return parser.use(dollarmath_plugin, renderer=formula, double_inline=True)
