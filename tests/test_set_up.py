"""pyproject.toml, constraints.txt and environment.yml agree, and describe what is installed."""

import importlib.metadata
import platform
import re
import subprocess
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = ("3.11", "3.12", "3.13")
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())


def pins(
    python: str = ".".join(platform.python_version_tuple()[:2]), file: str = "constraints.txt"
) -> dict[str, str]:
    """Name and version of every pin that applies to a Python, this one if none is named."""
    found = {}
    for line in (ROOT / file).read_text().splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            exact = re.fullmatch(r"==([A-Za-z0-9.!]+)", str(pin.specifier))
            assert exact, f"not an exact pin: {line}"
            if pin.marker is None or pin.marker.evaluate({"python_version": python}):
                found[canonicalize_name(pin.name)] = exact.group(1)
    return found


def declared() -> list[Requirement]:
    extras = chain.from_iterable(PROJECT["optional-dependencies"].values())
    return [Requirement(text) for text in [*PROJECT["dependencies"], *extras]]


def test_every_dependency_is_pinned_exactly():
    assert {canonicalize_name(r.name) for r in declared()} <= set(pins())


def test_versions_stand_in_constraints_only():
    assert [str(r) for r in declared() if r.specifier] == []


def test_installed_versions_are_the_pinned_ones():
    wrong = {
        name: (importlib.metadata.version(name), version)
        for name, version in pins().items()
        if importlib.metadata.version(name).partition("+")[0] != version
    }
    assert wrong == {}


def requirements(name: str, *, python: str, extras: tuple[str, ...] = ("",)) -> list[Requirement]:
    """What an installed package asks for under a Python; nothing for one that is not installed."""
    try:
        found = map(Requirement, importlib.metadata.requires(name) or [])
    except importlib.metadata.PackageNotFoundError:
        return []
    full = {"python_version": python, "python_full_version": f"{python}.0"}
    return [
        r
        for r in found
        if not r.marker or any(r.marker.evaluate(full | {"extra": e}) for e in extras)
    ]


@pytest.mark.parametrize("python", PYTHONS)
def test_pins_are_closed_under_dependencies(python):
    """Nothing that pip may install beside them is left to float, on any Python we support."""
    known = set(pins(python))
    unpinned = {
        (name, r.name)
        for name in known
        for r in requirements(name, python=python)
        if canonicalize_name(r.name) not in known | {"setuptools", "pip"}
    }
    assert unpinned == set()


def test_no_pin_is_left_over():
    """Each pin is of something that we, or something of ours, asks for."""
    todo, asked = declared(), set()
    while todo:
        one = todo.pop()
        key = (canonicalize_name(one.name), *sorted(one.extras))
        if key not in asked:
            asked.add(key)
            todo += requirements(one.name, python=PYTHONS[0], extras=("", *one.extras))
    assert set(pins(PYTHONS[0])) - {name for name, *_ in asked} == set()


def test_the_exit_door_is_pinned_to_a_newer_sphinx_without_jupyter_book():
    door, ours = pins(file="constraints-door.txt"), pins()
    for name in ("sphinx", "myst-parser", "docutils"):
        assert Version(door[name]) > Version(ours[name])
    assert door["myst-nb"]
    assert "jupyter-book" not in door
    makefile = (ROOT / "Makefile").read_text()
    assert "pip install --quiet --no-deps --requirement constraints-door.txt" in makefile
    assert "pip check" in makefile  # nothing that they need is missing


def test_conda_environment_takes_the_same_packages():
    plain = {d for d in CONDA["dependencies"] if isinstance(d, str)}
    (pip,) = [d["pip"] for d in CONDA["dependencies"] if isinstance(d, dict)]
    assert CONDA["name"] == PROJECT["name"]
    assert pip == ["--constraint constraints.txt", "--editable .[peers,test]"]
    assert {"make", "git", "pip"} <= plain
    (python,) = [d.partition("=")[2] for d in plain if d.startswith("python=")]
    assert f"{python}.0" in SpecifierSet(PROJECT["requires-python"])


def test_makefile_and_pyproject_name_the_same_pythons():
    makefile = (ROOT / "Makefile").read_text()
    low, high = re.search(r"\((3, \d+)\) <= sys.version_info < \((3, \d+)\)", makefile).groups()
    bounds = f">={low.replace(', ', '.')},<{high.replace(', ', '.')}"
    assert PROJECT["requires-python"] == bounds
    supported = tuple(f"3.{n}" for n in range(100) if f"3.{n}.0" in SpecifierSet(bounds))
    assert supported == PYTHONS


def test_make_help_lists_every_verb():
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.M).group(1).split()
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [verb for verb in phony if f"  make {verb} " not in shown.stdout] == []


def test_without_npm_make_says_what_to_install(tmp_path):
    for name in ("sh", "bash", "env", "make", "cat", "mkdir", "touch"):
        (tmp_path / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else "")
    command = ["make", "-W", "package-lock.json", "node_modules/.package-lock.json"]
    done = subprocess.run(
        [str(tmp_path / "make"), *command[1:]],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "npm is needed" in done.stdout
    assert "apt-get install npm" in done.stdout


@pytest.mark.parametrize("word", ["pypi.org", "registry.npmjs", "files.pythonhosted", "deb.debian"])
def test_no_file_names_a_registry_host(word):
    found = subprocess.run(
        ["git", "grep", "-l", "-F", word, "--", ".", ":!tests/test_set_up.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""
