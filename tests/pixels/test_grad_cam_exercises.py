"""The self-checks of the chapter accept the right answer, and no other."""

import numpy as np
import pytest
import torch

from data_fetch.simulated.ink_mark import ink_marks
from medlib.nets.efficientnet_lite import EfficientNetLite0, initialise
from medlib.pixels.maps.grad_cam import grad_cam
from medlib.pixels.maps.map_agreement import block_mean, pointing_game
from medlib.pixels.maps.occlusion import occlusion_map
from tests.self_checks import self_checks

LAYER = "stages.4"


@pytest.fixture(scope="module")
def checks():
    return self_checks("pixels/grad_cam")


@pytest.fixture(scope="module")
def names():
    rng = np.random.default_rng(0)
    network = EfficientNetLite0(classes=2)
    honest = initialise(network, generator=torch.Generator().manual_seed(0)).eval()
    return {
        "LAYER": LAYER,
        "as_numbers": lambda maps: maps.numpy().astype(float),
        "blurred": lambda x: x.mean(dim=(2, 3), keepdim=True).expand_as(x),
        "grad_cam": grad_cam,
        "honest": honest,
        "inside": rng.random((6, 4, 4)) < 0.5,
        "marks": ink_marks(6, size=128, rng=rng),
        "np": np,
        "occlusion_map": occlusion_map,
        "pointing_game": pointing_game,
        "shortcut": honest,
        "torch": torch,
        "x_inked": torch.from_numpy(rng.standard_normal((6, 3, 64, 64), dtype=np.float32)),
        "x_tumour": torch.from_numpy(rng.standard_normal((6, 3, 64, 64), dtype=np.float32)),
    }


def verdict(source, answers, names, capsys):
    for name in answers:
        assert f"{name} = None" in source
        source = source.replace(f"{name} = None", f"{name} = answers[{name!r}]")
    exec(source, {**names, "answers": answers})
    return capsys.readouterr().out


def signed_map(names, target, *, signed=True):
    found = grad_cam(names["honest"], names["x_tumour"], layer=LAYER, target=target, signed=signed)
    return found.map.numpy().astype(float)


def test_the_map_of_the_decision(checks, names, capsys):
    right = signed_map(names, 1) - signed_map(names, 0)
    share = pointing_game(right, names["inside"]).mean()

    def said(values, share):
        return verdict(checks[0], {"for_decision": values, "share_inside": share}, names, capsys)

    assert said(right, share) == "Right.\n"
    halves = signed_map(names, 1, signed=False) - signed_map(names, 0, signed=False)
    wrong = [(signed_map(names, 1), share), (halves, share), (-right, share), (right[:2], share),
             (right, share + 0.2)]  # fmt: skip
    assert all(said(*answer).startswith("Not yet") for answer in wrong)


def test_occlusion(checks, names, capsys):
    tiles = names["x_inked"][:6]
    options = {"baseline": names["blurred"](tiles), "grid": 4}
    right = occlusion_map(names["shortcut"], tiles, target=1, **options).numpy().astype(float)
    ink = block_mean(names["marks"].astype(float), grid=4)
    assert verdict(checks[1], {"occlusion": right}, names, capsys) == "Right.\n"
    for wrong in (-right, ink, right[:2]):
        assert "Not yet" in verdict(checks[1], {"occlusion": wrong}, names, capsys)


def test_unanswered_they_ask_for_an_answer(checks, names, capsys):
    for source in checks:
        exec(source, dict(names))
        assert capsys.readouterr().out.startswith("Type your answer")
