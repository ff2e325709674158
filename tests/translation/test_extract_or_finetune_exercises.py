"""The self-checks of the chapter accept the right answer, and no other; no hint gives it away."""

import numpy as np
import pytest
from scipy import stats
from torch import nn

from medlib.nets.efficientnet_lite import EfficientNetLite0
from medlib.nets.heads import with_head
from medlib.translation.moving.arms import Arm, moving_parameters
from tests.self_checks import self_checks

FROZEN = np.array([0.91, 0.93, 0.90, 0.95])
GRADED = np.array([0.97, 0.95, 0.98, 0.96])


@pytest.fixture(scope="module")
def checks():
    return self_checks("translation/extract_or_finetune")


@pytest.fixture(scope="module")
def names():
    return {
        "Arm": Arm,
        "auc_few": {("near", "frozen", "few"): FROZEN, ("near", "graded", "few"): GRADED},
        "moving_parameters": moving_parameters,
        "nn": nn,
        "source": EfficientNetLite0(),
        "stats": stats,
        "with_head": with_head,
    }


def verdict(source, answer, names, capsys):
    """What the cell prints when its `answer = None` is filled in."""
    assert source.count("answer = None") == 1
    exec(source.replace("answer = None", "answer = given"), {**names, "given": answer})
    return capsys.readouterr().out


def test_rates_take_the_printed_solution(checks, names, capsys):
    for right in (0.46, 0.464, 10 ** (-1 / 3)):
        assert verdict(checks[0], right, names, capsys) == "Right.\n"
    for wrong, word in ((0.45, "too small"), (0.47, "too large"), (10**-0.3, "too large")):
        said = verdict(checks[0], wrong, names, capsys)
        assert said.startswith(f"Not yet: {word}")
        assert not any(letter.isdigit() for letter in said)
    assert verdict(checks[0], 0, names, capsys).startswith("Not yet: the factor")


def test_norm_only_counts_scale_shift_and_ten_biased_rows(checks, names, capsys):
    assert verdict(checks[1], 54826, names, capsys) == "Right.\n"
    for wrong in (21008 + 12810, 2 * 21008, 54816):
        assert verdict(checks[1], wrong, names, capsys).startswith("Not yet")


def t_interval(values, factor):
    reach = factor * stats.sem(values)
    return values.mean(), values.mean() - reach, values.mean() + reach


def test_interval_is_paired_and_students(checks, names, capsys):
    d = GRADED - FROZEN
    right = t_interval(d, stats.t.ppf(0.975, 3))
    assert verdict(checks[2], right, names, capsys) == "Right.\n"
    assert verdict(checks[2], np.round(right, 3), names, capsys) == "Right.\n"
    unpaired = stats.ttest_ind(GRADED, FROZEN).confidence_interval()
    for wrong in (
        t_interval(d, 1.96),
        (d.mean(), *unpaired),
        (right[0] + 0.01, *right[1:]),
        (right[0], right[2], right[1]),
    ):
        assert verdict(checks[2], wrong, names, capsys).startswith("Not yet")
