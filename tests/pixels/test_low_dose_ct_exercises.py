"""The self-checks of the chapter accept the right answer, and no other."""

from pathlib import Path

import jupytext
import numpy as np
import pytest
import torch

from medlib.pixels.dose_residual import thin
from medlib.pixels.photon_noise import draw_photons, log_transform

SOURCE = Path(__file__).parents[2] / "chapters/pixels/low_dose_ct.py"
ALPHA, N0 = 0.1, 1e5


@pytest.fixture(scope="module")
def checks():
    cells = jupytext.read(SOURCE)["cells"]
    return [c["source"] for c in cells if "self-check" in c["metadata"].get("tags", [])]


@pytest.fixture(scope="module")
def names():
    rng = np.random.default_rng(0)
    photons = draw_photons(torch.zeros(1, 40_000, dtype=torch.float64), n0=N0, rng=rng)
    kept = thin(photons, dose_fraction=ALPHA, rng=rng)
    logs = [log_transform(x, n0=n).line_integrals for x, n in ((kept, ALPHA * N0), (photons, N0))]
    return {"np": np, "torch": torch, "p_thin": logs[0], "p_full": logs[1]}


def verdict(source, answer, names, capsys):
    first, rest = source.split("\n", 1)
    left = first.split("=")[0]
    exec(f"{left} = {answer!r}\n{rest}", dict(names))
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("exercise", "right", "wrong"),
    [
        (0, 0.16, [0.4, 0.84, 6.25]),
        (1, (447, True), [(447, False), (30, True), (4.47, True)]),
        (2, ALPHA, [0.0, 1.0, 0.9, 0.32]),
    ],
)
def test_right_answers_are_accepted_and_wrong_ones_are_not(
    exercise, right, wrong, checks, names, capsys
):
    assert verdict(checks[exercise], right, names, capsys) == "Right.\n"
    for answer in wrong:
        assert verdict(checks[exercise], answer, names, capsys).startswith("Not yet")


def test_unanswered_they_ask_for_an_answer(checks, names, capsys):
    for source in checks:
        exec(source, dict(names))
        assert capsys.readouterr().out.startswith("Type your answer")
