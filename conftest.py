"""For every test: the library's arrays have the shapes and types that its signatures state."""

import os
import sys

import matplotlib as mpl
import pytest
from jaxtyping import install_import_hook

import tests.shape_checker  # noqa: F401  (the hook looks it up by name)

CHECKED = ["data_fetch", "medlib.measures", "medlib.nets"]
CHECKED += ["medlib.pixels", "medlib.diagnosis", "medlib.translation", "medlib.systems"]
hook = install_import_hook(CHECKED, "tests.shape_checker.checked")

mpl.use("Agg")

# makers of golden files: they import outsiders that the book does not install
collect_ignore_glob = ["tests/golden/make_*.py"]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    """Run each test in a folder of its own, so that none writes into the checkout.

    And with none of medbook's settings from outside: a test that passes here must pass where a
    slow machine's budget or another data folder is set.
    """
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MEDBOOK_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _own_draws():
    """Start each test with one state of torch's own generator, which is another in each process.

    A network that a test leaves to it is then the same at every call, alone and in the whole suite.
    """
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
