"""Lines with bands: the numbers drawn are the numbers handed in."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from medlib.experiment import Estimate
from medlib.experiment.figures import to_png
from medlib.experiment.plots.canvas import panels
from medlib.experiment.plots.line_band import Line, line_band

WORDS = {"x": ("dose", "mGy"), "y": ("AUC", "")}
DOSE = [1.0, 5.0, 20.0]
FBP = Line(DOSE, [0.6, 0.7, 0.8], [0.5, 0.6, 0.7], [0.7, 0.8, 0.9])


def test_lines_and_bands_hold_the_data():
    figure = line_band({"FBP": FBP, "network": Line(DOSE, [0.5, 0.6, 0.9])}, **WORDS)
    axes = figure.axes[0]
    assert [line.get_label() for line in axes.lines] == ["FBP", "network"]
    assert axes.lines[1].get_xydata().tolist() == [[1, 0.5], [5, 0.6], [20, 0.9]]
    (band,) = [c for c in axes.collections if isinstance(c, PolyCollection)]
    edge = {tuple(point) for point in band.get_paths()[0].vertices.round(9).tolist()}
    assert {(1.0, 0.5), (5.0, 0.6), (20.0, 0.7), (1.0, 0.7), (5.0, 0.8), (20.0, 0.9)} <= edge
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("dose (mGy)", "AUC")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["FBP", "network"]
    assert to_png(figure)[:4] == b"\x89PNG"


def test_estimates_make_a_line_with_its_band():
    line = Line.of(DOSE, [Estimate(0.6, 0.5, 0.7, n=9), Estimate(0.7, 0.6, 0.8, n=9)])
    assert (line.y, line.low, line.high) == ([0.6, 0.7], [0.5, 0.6], [0.7, 0.8])


def test_every_seed_is_a_dot():
    dots = [[0.5, 0.7], [0.6, 0.8], [0.7, 0.9]]
    figure = line_band({"FBP": Line(DOSE, [0.6, 0.7, 0.8], dots=dots)}, **WORDS)
    cloud = figure.axes[0].lines[0]
    assert cloud.get_xydata().tolist() == [
        [1, 0.5],
        [1, 0.7],
        [5, 0.6],
        [5, 0.8],
        [20, 0.7],
        [20, 0.9],
    ]
    assert cloud.get_linestyle() == "None"


def test_one_line_gets_no_legend_and_two_do_not_share_a_look():
    assert line_band({"FBP": FBP}, **WORDS).axes[0].get_legend() is None
    one, two = line_band({"a": FBP, "b": FBP}, **WORDS).axes[0].lines
    assert one.get_color() != two.get_color()
    assert one.get_marker() != two.get_marker()
    assert one.get_linestyle() != two.get_linestyle()


def test_guides_ticks_and_logarithm():
    figure = line_band({"a": FBP}, **WORDS, log_x=True, x_ticks=[1, 10], level=0.5, mark_x=2.0)
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "10"]
    assert list(axes.lines[0].get_ydata()) == [0.5, 0.5]
    assert list(axes.lines[1].get_xdata()) == [2.0, 2.0]
    band = line_band({"a": FBP}, **WORDS, level=(1.1, 0.9)).axes[0].patches[0]
    assert (band.get_y(), round(band.get_height(), 9)) == (0.9, 0.2)


def test_it_draws_into_a_panel():
    figure, axes = panels(1, 2, height_in=3)
    assert line_band({"a": FBP}, **WORDS, axes=axes[0, 1]) is figure
    assert (len(axes[0, 0].lines), len(axes[0, 1].lines)) == (0, 1)


WRONG = {
    "no line": ({}, {}, "0 series"),
    "bare numbers": ({"a": [1, 2]}, {}, r"line 'a' is a list; write Line\(x, y"),
    "lengths": ({"a": Line([1, 2], [1])}, {}, "a: 2 values of x, but 1 of y"),
    "half a band": ({"a": Line([1], [1], low=[0])}, {}, "a band has two edges"),
    "a short band": ({"a": Line([1, 2], [1, 2], [0], [3])}, {}, "a band of 1 and 1 for 2"),
    "outside": ({"a": Line([1], [5], [0], [1])}, {}, r"at x = 1 the line is 5, outside .* 0\.\.1"),
    "nan": ({"a": Line([1], [np.nan])}, {}, "a: y: number 0 is nan"),
    "dots": ({"a": Line([1, 2], [1, 2], dots=[[1], [2], [3]])}, {}, "dots of 3 points"),
    "log of zero": ({"a": Line([0, 1], [1, 2])}, {"log_x": True}, "positive numbers only"),
    "no unit": ({"a": FBP}, {"y": "AUC"}, "give what the axis shows and its unit"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_drawn_is_refused_with_a_reason(name):
    lines, change, says = WRONG[name]
    with pytest.raises(ValueError, match=says):
        line_band(lines, **{**WORDS, **change})
