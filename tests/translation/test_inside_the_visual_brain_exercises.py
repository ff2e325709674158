"""The self-checks of the chapter accept the right answer, and no other."""

import numpy as np
import pytest

from medlib.nets.efficientnet_lite import EfficientNetLite0
from medlib.translation.seeing.cka import linear_cka
from medlib.translation.seeing.derivative_filter import scale_left
from medlib.translation.seeing.receptive_field import theoretical_fields
from tests.self_checks import self_checks


@pytest.fixture(scope="module")
def checks():
    return self_checks("translation/inside_the_visual_brain")


@pytest.fixture(scope="module")
def names():
    return {
        "fields": theoretical_fields(EfficientNetLite0()),
        "linear_cka": linear_cka,
        "noise": np.random.default_rng(0).normal(size=(2, 200, 20)),
        "np": np,
        "scale_left": scale_left,
    }


def verdict(source, answer, names, capsys):
    """What the cell prints when its one `name = None` is filled in."""
    (line,) = [line for line in source.splitlines() if " = None" in line]
    filled = source.replace(line.split(" = ")[0] + " = None", line.split(" = ")[0] + " = given")
    exec(filled, {**names, "given": answer})
    return capsys.readouterr().out


def test_field(checks, names, capsys):
    assert verdict(checks[0], 147, names, capsys) == "Right.\n"
    for wrong in (67, 83, 131, 163):
        assert verdict(checks[0], wrong, names, capsys).startswith("Not yet")


def test_sharpen(checks, names, capsys):
    right = [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
    assert verdict(checks[1], right, names, capsys) == "Right.\n"
    copy, laplace = (
        np.eye(3)[[1]].T @ np.eye(3)[[1]],
        np.array(right) - [[0] * 3, [0, 1, 0], [0] * 3],
    )
    corners = np.array([[-1, 0, -1], [0, 5, 0], [-1, 0, -1]])
    lopsided = [[0, -2, 0], [-1, 5, -1], [0, 0, 0]]
    for wrong in (copy, laplace, corners, lopsided):
        assert verdict(checks[1], wrong, names, capsys).startswith("Not yet")


def test_eps(checks, names, capsys):
    assert verdict(checks[2], 43, names, capsys) == "Right.\n"
    assert verdict(checks[2], 42.63, names, capsys) == "Right.\n"
    for wrong in (8.1, 10, 40, 42, 44, 90):
        assert verdict(checks[2], wrong, names, capsys).startswith("Not yet")


def test_cka(checks, names, capsys):
    puzzle = names["noise"][0][:, :3]
    turned = puzzle - 2 / 3 * puzzle.sum(axis=1, keepdims=True)
    assert verdict(checks[3], turned, names, capsys) == "Right.\n"
    for wrong in (puzzle, -puzzle[:, ::-1], turned * [1, 2, 1], names["noise"][1][:, :3]):
        assert verdict(checks[3], wrong, names, capsys).startswith("Not yet")


def test_unanswered_they_ask_for_an_answer(checks, names, capsys):
    assert len(checks) == 4
    for source in checks:
        exec(source, dict(names))
        assert capsys.readouterr().out.startswith("Type your answer")
