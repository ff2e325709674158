"""In Jupyter nothing of a chapter's prose stands there raw, and no word of it is lost."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from press.source.jupyter_markdown import dois_of, for_jupyter, plain_markdown
from press.source.weave import code_digest, weave
from tests.chapter_sheets import PROJECT

DOIS = {"tan2019": "10.1/x"}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Words, $x$ and `code`.", "Words, $x$ and `code`."),
        ("```{exercise}\n:label: x\nHow?\n```\n\nMore.", "**Exercise.** How?\n\nMore."),
        ("```{exercise} Dose\n:label: x\n\nHow?\n```", "\n**Exercise: Dose.** How?".strip()),
        (
            ":::{dropdown} Deeper: why?\n:class-container: deeper\nSo.\n\nAnd so.\n:::\nOut.",
            "**Deeper: why?** So.\n\nAnd so.\nOut.",
        ),
        (":::{note}\nMind.\n:::", "**Note.** Mind."),
        ("```python\n:label: x\n{cite}`a`\n```", "```python\n:label: x\n{cite}`a`\n```"),
        ("````{note}\n```python\nx = 1\n```\n````", "**Note.**\n\n```python\nx = 1\n```"),
        ("```{code-block}\nx\n```", "```\nx\n```"),
        ("{cite}`tan2019,kak1988`", "[Tan 2019](https://doi.org/10.1/x), Kak 1988"),
        ("{cite:t}`odd-key`", "odd-key"),
        ("{doc}`extract_or_finetune`, {doc}`that one <x>`", "extract or finetune, that one"),
        ("(a-target)=\n# Title", "# Title"),
    ],
)
def test_directives_and_roles_become_markdown(text, plain):
    assert plain_markdown(text, dois=DOIS) == plain


@given(st.text("ab :`{}\n$~", max_size=60))
def test_any_text_can_be_turned(text):
    assert isinstance(plain_markdown(text, dois={}), str)


def test_dois_are_read_from_the_bibliography():
    text = "@book{a1,\n  doi = {10.1/a},\n  title = {X}\n}\n\n@misc{b2,\n  title = {Y}\n}\n"
    assert dois_of(text) == {"a1": "10.1/a"}


@pytest.mark.parametrize("chapter", PROJECT.chapters, ids=str)
def test_no_chapter_shows_anything_raw_and_its_code_is_as_it_was(chapter):
    notebook = weave(chapter.source)
    edition = for_jupyter(notebook, dois={})
    assert code_digest(edition) == code_digest(notebook)
    prose = "\n".join(c.source for c in edition.cells if c.cell_type == "markdown")
    assert not re.search(r"\{(?:cite|doc|ref|term|numref|exercise|dropdown|note)[\w:]*\}", prose)
    assert not re.search(r"^:label:", prose, re.MULTILINE)
    before = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    assert prose.count("**Exercise.**") == before.count("{exercise}") > 0
