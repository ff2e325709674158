"""What does not count among the code that made a table: maps at the doors of rooms, and words."""

from pathlib import Path

import pytest

from medlib.experiment.tables import MadeBy
from press.results.stale import computing_digests, is_map, same_code, stale_because
from press.run.freshness import file_digest
from press.source.project import Project

ROOT = Path(__file__).parents[3]
NAMES = """\
from data_fetch.late_names import late_names

_HOME = {"read_image": "picture"}

__getattr__, __dir__ = late_names(__name__, _HOME)
"""


@pytest.mark.parametrize("door", ["medlib/nets", "data_fetch/tasks", "data_fetch/readers"])
def test_the_books_own_doors_are_maps(door):
    assert is_map(ROOT / door / "__init__.py")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('"""A map."""\n', True),
        ("", True),
        (f'"""A map."""\n{NAMES}', True),
        (f'"""A map."""\n{NAMES}x = 1\n', False),
        ('"""A map."""\nx = 1\n', False),
        ('"""A map."""\n"and more words"\nimport os\n', False),
        (NAMES.replace('"picture"', "find()"), False),
        (NAMES.replace("data_fetch.late_names", "data_fetch.other"), False),
        (NAMES.replace("_HOME)", "_HOME, eager=True)"), False),
        (NAMES.replace('{"read_image": "picture"}', "dict(read_image='picture')"), False),
        ("def broken(:\n", False),
    ],
)
def test_a_map_computes_nothing(tmp_path, source, expected):
    (tmp_path / "__init__.py").write_text(source, "utf-8")
    assert is_map(tmp_path / "__init__.py") is expected


def test_what_is_not_there_is_no_map(tmp_path):
    assert not is_map(tmp_path / "__init__.py")


def test_a_table_outlives_new_words_but_no_new_code(tmp_path):
    source = tmp_path / "chapters" / "pixels" / "demo" / "demo.py"
    source.parent.mkdir(parents=True)

    def chapter(text):
        source.write_text(text, "utf-8")
        return Project(tmp_path).chapter("pixels/demo")

    text = '# %% tags=["parameters"]\nseed = 0\n\n# %%\nx = 1\nrun.say("It is {x}.")\n'
    was = chapter(text)
    made = MadeBy(code_sha256=was.code_sha256, computing_sha256=was.computing_sha256)
    reworded, changed = text.replace("It is", "We found"), text.replace("x = 1", "x = 2")
    assert same_code(made, chapter(reworded))
    assert not same_code(made, chapter(changed))
    old = made.model_copy(update={"computing_sha256": ""})
    assert same_code(old, chapter(text))
    assert not same_code(old, chapter(reworded))


def test_a_table_outlives_a_docstring_but_no_line_of_code(tmp_path):
    source = tmp_path / "chapters" / "pixels" / "demo" / "demo.py"
    source.parent.mkdir(parents=True)
    source.write_text('# %% tags=["parameters"]\nseed = 0\n', "utf-8")
    library = tmp_path / "medlib" / "two.py"
    library.parent.mkdir()
    library.write_text('"""Two."""\nTWO = 2  # one and one\n', "utf-8")
    project = Project(tmp_path)
    chapter = project.chapter("pixels/demo")
    modules = {"medlib/two.py": file_digest(library)}
    old = MadeBy(code_sha256=chapter.code_sha256, modules=modules)
    computing = computing_digests(project, modules)
    made = old.model_copy(update={"computing_modules": computing})
    for each in (old, made):
        assert stale_because(project, chapter, each) == []

    library.write_text('"""The number after one."""\nTWO = 2\n', "utf-8")
    assert stale_because(project, chapter, made) == []
    assert stale_because(project, chapter, old) == ["medlib/two.py changed"]
    assert computing_digests(project, modules) == {}, "these bytes are not the recorded ones"

    library.write_text('"""Two."""\nTWO = 3  # one and one\n', "utf-8")
    assert stale_because(project, chapter, made) == ["medlib/two.py changed"]
    library.unlink()
    assert stale_because(project, chapter, made) == ["medlib/two.py is gone"]
