"""The notebook that the whole trial is swept from: as the chapter, and each arm at each domain."""

import ast
from pathlib import Path

import pytest

from press.source.given import declared_parameters
from press.source.project import Project
from press.source.weave import weave

ROOT = Path(__file__).parents[2]
PROJECT = Project(ROOT)
CHAPTER = PROJECT.chapter("translation/extract_or_finetune")
POINT = PROJECT.notebook("translation/extract_or_finetune/_arms_at_one_size")


def code(notebook) -> ast.Module:
    cells = [cell.source for cell in weave(notebook.source).cells if cell.cell_type == "code"]
    return ast.parse("\n".join(cells))


def assigned(notebook, name: str, kind: type = ast.Dict) -> ast.expr:
    """The value of that kind which a notebook gives to a name."""
    (value,) = [
        node.value
        for node in ast.walk(code(notebook))
        if isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) == name
        and isinstance(node.value, kind)
    ]
    return value


def test_the_rates_are_the_chapters():
    assert ast.unparse(assigned(POINT, "RATES")) == ast.unparse(assigned(CHAPTER, "RATES"))


def test_the_arms_are_the_chapters():
    settings = assigned(CHAPTER, "settings", ast.Subscript)  # {...}[name]
    assert ast.unparse(assigned(POINT, "SETTINGS")) == ast.unparse(settings.value)


@pytest.mark.parametrize(
    "name", ["size", "contrast", "n_test", "steps", "long_steps", "batch_size", "xi"]
)
def test_the_other_settings_are_the_chapters(name):
    ours, chapters = (declared_parameters(PROJECT, each)[name] for each in (POINT, CHAPTER))
    assert ours.default == chapters.default
