"""How much code a page shows: key cells stand open, the rest is folded, one switch for all of it.

The folding is in the page itself, so it holds without scripts. The switch needs one
(`book/_static/code_switch.js`) and shows only where it runs.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from press.source.reading import (
    EXERCISE_TAG,
    KEY_TAG,
    is_key,
    on_reader_path,
)
from press.source.weave import tags_of

if TYPE_CHECKING:
    from nbformat import NotebookNode

LEFT_ALONE = {EXERCISE_TAG, "solution", "hide-input", "hide-cell", "remove-input", "remove-cell"}
FENCE = "`" * 9
CHOICES = (
    ("key", "key", "The lines that teach; the rest is folded away"),
    ("all", "all", "Every line that was run"),
    ("none", "none", "No code: words and figures only"),
)


def fold_code(notebook: NotebookNode) -> NotebookNode:
    """A copy whose code cells are tagged "key", or "hide-input", or belong to an exercise."""
    folded = copy.deepcopy(notebook)
    on_path = on_reader_path(notebook)
    for cell in folded.cells:
        tags = tags_of(cell)
        if cell.cell_type != "code" or set(tags) & LEFT_ALONE:
            continue
        wanted = KEY_TAG if is_key(cell, on_path=on_path) else "hide-input"
        if wanted not in tags:
            cell.metadata["tags"] = [*tags, wanted]
    return folded


def switch_markdown() -> str:
    """The switch, as it stands at the top of a chapter's page."""
    options = "".join(
        f'<label title="{title}"><input type="radio" name="medbook-code" value="{value}"'
        f"{' checked' if value == 'key' else ''}><span>{label}</span></label>"
        for value, label, title in CHOICES
    )
    body = f'<fieldset class="medbook-code"><legend>Code</legend>{options}</fieldset>'
    return f"{FENCE}{{raw}} html\n{body}\n{FENCE}"
