"""The self-checks of the chapter accept the right answer, and no other."""

import numpy as np
import pytest
import torch

from medlib.pixels.staining.misregistration import displaced, displacement
from medlib.pixels.staining.optical_density import optical_density, transmitted
from medlib.pixels.staining.stain import (
    DAB,
    HAEMATOXYLIN,
    recompose_stains,
    separate_stains,
    stain_matrix,
)
from tests.self_checks import self_checks

MATRIX = stain_matrix(HAEMATOXYLIN, DAB)


def dyes_of(image):
    return separate_stains(optical_density(image), matrix=MATRIX)


def swapped(image, order=(1, 0, 2)):
    return transmitted(recompose_stains(dyes_of(image)[:, list(order)], matrix=MATRIX))


@pytest.fixture(scope="module")
def checks():
    return self_checks("pixels/virtual_staining")


@pytest.fixture(scope="module")
def names():
    generator = torch.Generator().manual_seed(0)
    amounts = torch.rand(1, 3, 24, 24, generator=generator) * torch.tensor([0.5, 0.5, 0.01]).view(
        1, 3, 1, 1
    )
    y_test = transmitted(recompose_stains(amounts, matrix=MATRIX)).clamp(0, 1)
    return {
        "displaced": displaced,
        "displacement": displacement,
        "dyes_of": dyes_of,
        "matrix": MATRIX,
        "misfits_px": [0.0, 4.0],
        "recompose_stains": recompose_stains,
        "torch": torch,
        "transmitted": transmitted,
        "y_test": y_test,
    }


def said(source, answers, names, capsys):
    for name in answers:
        assert f"{name} = None" in source
        source = source.replace(f"{name} = None", f"{name} = answers[{name!r}]")
    exec(source, {**names, "answers": answers})
    return capsys.readouterr().out


def test_mixture(checks, names, capsys):
    vectors = np.array([HAEMATOXYLIN, DAB])
    red = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True))[:, 0]
    share = 10 ** -(0.4 * red[0] + 0.2 * red[1])
    assert said(checks[0], {"answer": share}, names, capsys) == "Right.\n"
    for wrong in (0.4 * red[0] + 0.2 * red[1], 1 - share, np.exp(-(0.4 * red[0] + 0.2 * red[1]))):
        assert said(checks[0], {"answer": wrong}, names, capsys).startswith("Not yet")


def test_stripe(checks, names, capsys):
    assert said(checks[1], {"answer": 1 / 4}, names, capsys) == "Right.\n"
    for wrong in (1 / 2, 1 / 5, 1 / 3):
        assert said(checks[1], {"answer": wrong}, names, capsys).startswith("Not yet")


def test_median(checks, names, capsys):
    def answer(cheapest):
        return said(checks[2], {"cheapest": cheapest}, names, capsys)

    assert answer(lambda stack: stack.median(0).values) == "Right.\n"
    assert answer(lambda stack: stack.sort(0).values[len(stack) // 2]) == "Right.\n"
    wrong = [
        lambda stack: stack.mean(0),  # squared error's own
        lambda stack: stack[0],  # one answer
        lambda stack: (stack.amin(0) + stack.amax(0)) / 2,
        lambda stack: stack.median(0).values + 0.01,
        lambda stack: stack.quantile(0.4, dim=0),
    ]
    for cheapest in wrong:
        assert answer(cheapest).startswith("Not yet")


def test_exchange(checks, names, capsys):
    assert said(checks[3], {"swap": swapped}, names, capsys) == "Right.\n"
    wrong = [
        lambda image: image,
        lambda image: image.flip(1),  # undoes itself, but exchanges colours, not dyes
        lambda image: swapped(image, (1, 2, 0)),
    ]
    for swap in wrong:
        assert said(checks[3], {"swap": swap}, names, capsys).startswith("Not yet")


def test_unanswered_they_ask_for_an_answer(checks, names, capsys):
    assert len(checks) == 4
    for source in checks:
        exec(source, dict(names))
        assert capsys.readouterr().out == "Type your answer first.\n"
