"""Points with intervals: methods from top to bottom, each with what was measured of it."""

import pytest

from medlib.experiment import Estimate
from medlib.experiment.figures import to_png
from medlib.experiment.plots.canvas import HIGHLIGHT, PLAIN
from medlib.experiment.plots.interval_points import Column, interval_points
from medlib.experiment.record import Result

AUC = {"FBP": Estimate(0.83, 0.79, 0.87, n=400), "network": Estimate(0.75, 0.70, 0.80, n=400)}
PSNR = {"FBP": 13.2, "network": Result(name="psnr", value=18.7, unit="dB", low=18.0, high=19.0)}


def drawn(axes):
    return [line.get_xydata().tolist() for line in axes.lines]


def test_points_and_intervals_hold_the_data():
    figure = interval_points(
        Column(PSNR, x=("PSNR", "dB"), title="how pretty"),
        Column(AUC, x=("AUC", ""), title="how useful", reference=0.5),
        highlight=["network"],
    )
    left, right = figure.axes
    assert drawn(left) == [[[13.2, 0]], [[18.0, 1], [19.0, 1]], [[18.7, 1]]]
    assert drawn(right)[1:] == [
        [[0.79, 0], [0.87, 0]],
        [[0.83, 0]],
        [[0.7, 1], [0.8, 1]],
        [[0.75, 1]],
    ]
    assert drawn(right)[0][0][0] == 0.5
    assert [left.get_xlabel(), right.get_xlabel()] == ["PSNR (dB)", "AUC"]
    assert [axes.get_title(loc="left") for axes in (left, right)] == ["how pretty", "how useful"]
    assert [text.get_text() for text in left.get_yticklabels()] == ["FBP", "network"]
    assert left.get_ylim() == (1.5, -0.5)  # the first at the top
    assert [right.lines[i].get_color() for i in (2, 4)] == [PLAIN, HIGHLIGHT]
    assert [right.lines[i].get_marker() for i in (2, 4)] == ["o", "s"]
    assert to_png(figure)[:4] == b"\x89PNG"


WRONG = {
    "nothing": ((), {}, "nothing to draw"),
    "no method": ((Column({}, x=("AUC", "")),), {}, "nothing to draw"),
    "other methods": (
        (Column(AUC, x=("AUC", "")), Column({"TV": 1.0}, x=("PSNR", "dB"))),
        {},
        r"methods differ: \['FBP', 'network'\] and \['TV'\]",
    ),
    "another order": (
        (Column(AUC, x=("AUC", "")), Column(dict(reversed(AUC.items())), x=("AUC", ""))),
        {},
        "in one order",
    ),
    "an unknown one": ((Column(AUC, x=("AUC", "")),), {"highlight": ["TV"]}, "no method 'TV'"),
    "another unit": ((Column(PSNR, x=("PSNR", "")),), {}, "network is measured in 'dB'"),
    "no unit": ((Column(AUC, x="AUC"),), {}, "give what the axis shows and its unit"),
    "not a number": ((Column({"TV": float("nan")}, x=("AUC", "")),), {}, "TV: number 0 is nan"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_drawn_is_refused_with_a_reason(name):
    columns, change, says = WRONG[name]
    with pytest.raises(ValueError, match=says):
        interval_points(*columns, **change)
