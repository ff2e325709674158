"""The self-checks of the chapter accept the right answer, and no other."""

import pytest
import torch

from medlib.translation.volumes.slice_correlation import depth_sum_ratio, variance_ratio
from tests.self_checks import self_checks


class Run:
    def torch_generator(self, name):
        return torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def checks():
    return self_checks("translation/from_2d_to_3d")


def verdict(source, old, new, capsys):
    assert old in source
    names = {"variance_ratio": variance_ratio, "depth_sum_ratio": depth_sum_ratio}
    exec(source.replace(old, new), names | {"torch": torch, "run": Run()})
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("exercise", "name", "right", "wrong"),
    [
        (0, "answer", "2.0", ["3**0.5", "3", "7**0.5", "-2.0", "0"]),
        (1, "answer", "19 / 9", ["1", "3", "5 / 3", "7 / 3", "(19 / 9) ** 0.5"]),
        (
            2,
            "taps",
            "[1 / 6, 2 / 3, 1 / 6]",
            ["[1 / 3, 1 / 3, 1 / 3]", "[0, 1, 0]", "[0.5, 0, 0.5]", "[0.25, 0.5, 0.25]"],
        ),
    ],
)
def test_self_checks(checks, capsys, exercise, name, right, wrong):
    source, old = checks[exercise], f"{name} = None"
    assert verdict(source, old, old, capsys) == "Type your answer first.\n"
    assert verdict(source, old, f"{name} = {right}", capsys) == "Right.\n"
    for answer in wrong:
        assert verdict(source, old, f"{name} = {answer}", capsys).startswith("Not yet"), answer
    assert right not in source
