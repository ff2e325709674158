"""The self-checks of the chapter accept the right answer, and no other."""

from pathlib import Path

import jupytext
import numpy as np
import pytest
import torch

from data_fetch.simulated.ink_mark import ink_marks
from medlib.nets.efficientnet_lite import EfficientNetLite0, initialise
from medlib.pixels.grad_cam import grad_cam
from medlib.pixels.map_agreement import block_mean, pointing_game

SOURCE = Path(__file__).parents[2] / "chapters/pixels/grad_cam.py"
LAYER = "stages.4"


@pytest.fixture(scope="module")
def checks():
    cells = jupytext.read(SOURCE)["cells"]
    return [c["source"] for c in cells if "self-check" in c["metadata"].get("tags", [])]


@pytest.fixture(scope="module")
def names():
    rng = np.random.default_rng(0)
    network = EfficientNetLite0(classes=2)
    honest = initialise(network, generator=torch.Generator().manual_seed(0)).eval()
    return {
        "LAYER": LAYER,
        "as_numbers": lambda maps: maps.numpy().astype(float),
        "block_mean": block_mean,
        "grad_cam": grad_cam,
        "honest": honest,
        "inside": rng.random((6, 4, 4)) < 0.5,
        "is_test": np.arange(6) >= 0,
        "marks": ink_marks(6, size=128, rng=rng),
        "np": np,
        "pointing_game": pointing_game,
        "x_tumour": torch.from_numpy(rng.standard_normal((6, 3, 64, 64), dtype=np.float32)),
    }


def verdict(source, answers, names, capsys):
    for name in answers:
        assert f"{name} = None" in source
        source = source.replace(f"{name} = None", f"{name} = answers[{name!r}]")
    exec(source, {**names, "answers": answers})
    return capsys.readouterr().out


def map_for(names, target, *, signed):
    found = grad_cam(names["honest"], names["x_tumour"], layer=LAYER, target=target, signed=signed)
    return found.map.numpy().astype(float)


def test_evidence_for_normal(checks, names, capsys):
    right = map_for(names, 0, signed=True)
    outside = 1 - pointing_game(right, names["inside"]).mean()

    def said(values, share):
        return verdict(checks[0], {"for_normal": values, "share_outside": share}, names, capsys)

    assert said(right, outside) == "Right.\n"
    wrong = [(map_for(names, 1, signed=True), outside), (map_for(names, 0, signed=False), outside),
             (-right, outside), (right, outside + 0.2)]  # fmt: skip
    assert all(said(*answer).startswith("Not yet") for answer in wrong)


def test_occlusion(checks, names, capsys):
    ink = block_mean(names["marks"].astype(float), grid=4)
    assert "Right." in verdict(checks[1], {"occlusion": ink}, names, capsys)
    assert "Not yet" in verdict(checks[1], {"occlusion": -ink}, names, capsys)


def test_unanswered_they_ask_for_an_answer(checks, names, capsys):
    for source in checks:
        exec(source, dict(names))
        assert capsys.readouterr().out.startswith("Type your answer")
