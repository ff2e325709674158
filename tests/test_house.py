"""The house stands as its plan says: rooms, floors, and what a chapter may import."""

import ast
import configparser
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import data_fetch
import medlib
import press
from press.results.stale import is_map

ROOT = Path(__file__).parents[1]
PARTS = ("pixels", "diagnosis", "translation", "systems")
GROUND = {"experiment", "measures", "nets"}
DOORS = [
    path
    for path in sorted((ROOT / "medlib").rglob("__init__.py"))
    if "experiment" not in path.relative_to(ROOT).parts
]
NOTEBOOKS = sorted((ROOT / "chapters").rglob("*.py"))


def imported(source: str) -> set[str]:
    """Every module that Python source imports, wherever in it, by its full name."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "a notebook has no siblings to import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def faults(source: str, *, part: str) -> set[str]:
    """What a notebook of a part imports of the house and must not."""
    readable = GROUND | set(PARTS[: PARTS.index(part) + 1])
    return {
        name
        for name in imported(source)
        if name.split(".")[0] in ("press", "chapters", "tests", "bench")
        or (name.startswith("medlib.") and name.split(".")[1] not in readable)
    }


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_imports_its_own_part_and_earlier_ones(notebook):
    part = notebook.relative_to(ROOT / "chapters").parts[0]
    assert faults(notebook.read_text("utf-8"), part=part) == set()


def test_a_chapter_that_reads_ahead_is_caught():
    source = "def later():\n    from medlib.translation.moving import arms\nimport press.lint\n"
    ahead = {"medlib.translation.moving.arms", "press.lint"}
    assert faults(source, part="diagnosis") == ahead
    assert faults(source, part="translation") == {"press.lint"}
    assert faults("from medlib import systems", part="translation") == {"medlib.systems"}


def contract(name: str, key: str) -> set[str]:
    written = configparser.ConfigParser()
    written.read(ROOT / ".importlinter", encoding="utf-8")
    return set(written[f"importlinter:contract:{name}"][key].split())


def packages(package) -> set[str]:
    return {f"{package.__name__}.{m.name}" for m in pkgutil.iter_modules(package.__path__)}


def test_the_press_is_kept_from_every_package_but_experiment():
    kept = contract("press-knows-no-medicine", "forbidden_modules")
    named = {name.removesuffix(".*") for name in kept}
    assert packages(medlib) - {"medlib.experiment"} <= named
    assert {f"medlib.{part}" for part in PARTS} <= named, "of parts to come as well"


def parts() -> list[str]:
    return sorted(name for name in packages(medlib) if name.split(".")[1] in PARTS)


@pytest.mark.parametrize("part", parts())
def test_a_part_is_made_of_rooms_that_do_not_import_each_other(part):
    package = importlib.import_module(part)
    assert all(m.ispkg for m in pkgutil.iter_modules(package.__path__)), "a file beside the rooms"
    assert contract(f"{part.split('.')[1]}-rooms", "modules") == {f"{part}.*"}


def rooms(package) -> list:
    """A package and every package in it."""
    inner = [m.name for m in pkgutil.iter_modules(package.__path__) if m.ispkg]
    found = [importlib.import_module(f"{package.__name__}.{name}") for name in inner]
    return [package, *(room for part in found for room in rooms(part))]


ROOMS = [*rooms(medlib), *rooms(data_fetch), *rooms(press)]


@pytest.mark.parametrize("room", ROOMS, ids=lambda r: r.__name__)
def test_the_map_at_a_rooms_door_names_every_file_in_it(room):
    files = {m.name for m in pkgutil.iter_modules(room.__path__)} - {"__main__"}
    mapped = set(re.findall(r"`(\w+)`", room.__doc__)) | set(
        re.findall(r"^(\w+)/? {2,}", room.__doc__, re.MULTILINE)
    )
    assert files <= mapped, f"{room.__name__} has no word on {sorted(files - mapped)}"
    listed = set(re.findall(r"^- `(\w+)`:", room.__doc__, re.MULTILINE))
    assert listed <= files, f"{room.__name__} lists {sorted(listed - files)}, which it has not"


@pytest.mark.parametrize("door", DOORS, ids=lambda path: path.parent.name)
def test_a_door_holds_its_map_and_nothing_else(door):
    """Recorded tables do not count doors among the code that made them."""
    assert is_map(door)


def test_the_tests_stand_in_the_rooms_of_what_they_test():
    for test in sorted((ROOT / "tests").glob("*/*/test_*.py")):
        room = test.parent.relative_to(ROOT / "tests")
        assert (ROOT / "medlib" / room).is_dir() or (ROOT / room).is_dir(), room
