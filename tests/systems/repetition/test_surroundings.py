"""Surroundings: every layer is there, what changes shows in its own, a tag is no digest."""

import json
from importlib.metadata import version

import pytest

from medlib.experiment.environment import project_root
from medlib.systems.repetition.surroundings import (
    IMAGE,
    differing_layers,
    packages,
    surroundings,
)
from medlib.systems.repetition.switches import Switches, switched


def test_every_layer_is_there_and_is_json():
    found = surroundings(project_root())
    assert list(found) == ["pins", "container", "flags", "threads", "machine", "variables"]
    assert json.loads(json.dumps(found)) == found
    assert len(found["pins"]["constraints"]) == 64


def test_what_is_switched_shows_in_its_layer():
    with switched(Switches(threads=1)):
        before = surroundings(project_root())
    with switched(Switches(threads=2)):
        assert differing_layers(before, surroundings(project_root())) == ("threads",)
    with switched(Switches(onednn=False)):
        assert differing_layers(before, surroundings(project_root())) == ("flags",)


def test_a_variable_shows(monkeypatch):
    before = surroundings(project_root())
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    assert differing_layers(before, surroundings(project_root())) == ("variables",)


def test_an_image_is_told_from_outside_and_by_digest(monkeypatch):
    monkeypatch.setenv(IMAGE, "sha256:" + "0" * 64)
    assert surroundings(project_root())["container"]["image"].startswith("sha256:")
    monkeypatch.setenv(IMAGE, "registry/book:latest")
    with pytest.raises(ValueError, match="no tag"):
        surroundings(project_root())


def test_a_layer_that_one_lacks_differs():
    assert differing_layers({"a": {"x": 1}}, {"b": {"x": 1}}) == ("a", "b")


def test_every_package_and_library_is_told():
    found = surroundings(project_root())
    for name in ("numpy", "torch", "pydicom", "dicom_anonymizer"):
        assert found["pins"]["packages"][name] == version(name)
    assert any("openblas" in said.lower() for said in found["machine"]["libraries"].values())


def test_packages_are_looked_up_anew(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "newly_come" not in packages()
    (tmp_path / "newly_come-1.2.dist-info").mkdir()
    assert packages()["newly_come"] == "1.2"


def test_the_current_folder_may_be_in_the_path_as_an_empty_text(tmp_path, monkeypatch):
    (tmp_path / "here_first-1.0.dist-info").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["", str(tmp_path / "nowhere")])
    assert packages() == {"here_first": "1.0"}
