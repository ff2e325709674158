"""What house plots share: style, units, and series that any reader can tell apart."""

import itertools

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from medlib.experiment.figures import STYLE, to_png
from medlib.experiment.plots.canvas import (
    GUIDE,
    HIGHLIGHT,
    LOOKS,
    PLAIN,
    label,
    looks,
    numbers,
    one_panel,
    panels,
)

# Machado, Oliveira and Fernandes 2009, doi:10.1109/TVCG.2009.113, severity 1, on linear RGB
DEUTERANOPIA = [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
]
PROTANOPIA = [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
]
TO_XYZ = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.072175],
    [0.0193339, 0.119192, 0.9503041],
]


def linear(color):
    c = np.array(to_rgb(color))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast_with_white(color):
    return 1.05 / (linear(color) @ TO_XYZ[1] + 0.05)


def lab(rgb):
    t = np.asarray(TO_XYZ) @ np.clip(rgb, 0, 1) / [0.95047, 1, 1.08883]
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("color", [*(look.color for look in LOOKS), GUIDE, HIGHLIGHT, PLAIN])
def test_every_colour_stands_out_from_the_white_card(color):
    assert contrast_with_white(color) >= 3  # WCAG 2.2, 1.4.11: graphical objects


@pytest.mark.parametrize("eye", [np.eye(3), np.array(DEUTERANOPIA), np.array(PROTANOPIA)])
def test_the_first_four_series_keep_apart_for_every_eye(eye):
    for one, other in itertools.combinations(LOOKS[:4], 2):
        distance = np.linalg.norm(lab(eye @ linear(one.color)) - lab(eye @ linear(other.color)))
        assert distance > 30, (one, other, distance)


def test_no_series_is_told_by_its_colour_alone():
    assert len({look.color for look in LOOKS}) == len(LOOKS)
    assert len({look.marker for look in LOOKS}) == len(LOOKS)
    assert len({look.line for look in LOOKS[:4]}) == 4


def test_seven_series_are_too_many():
    with pytest.raises(ValueError, match="7 series; a reader can tell 1 to 6 apart"):
        looks(list("abcdefg"))
    with pytest.raises(ValueError, match="0 series"):
        looks([])


def test_a_figure_has_the_books_style_and_leaves_matplotlibs_settings_alone():
    before = dict(matplotlib.rcParams)
    figure, axes = panels(2, 1, height_in=3.0)
    assert figure.get_size_inches().tolist() == [7.2, 3.0]
    assert axes.shape == (2, 1)
    assert not axes[0, 0].spines["top"].get_visible()
    assert figure.dpi == STYLE["figure.dpi"]
    assert dict(matplotlib.rcParams) == before
    assert to_png(figure)[:4] == b"\x89PNG"


@pytest.mark.parametrize("wrong", ["PSNR", ("PSNR",), ("PSNR", None), ("", "dB"), ["PSNR", "dB"]])
def test_an_axis_without_a_unit_is_refused(wrong):
    with pytest.raises(ValueError, match=r"y is .*give what the axis shows and its unit"):
        label(wrong, where="y")


def test_numbers_come_from_any_library_and_are_checked():
    import torch

    assert numbers(torch.ones(2, requires_grad=True), what="x").tolist() == [1, 1]
    with pytest.raises(ValueError, match=r"TV: number 1 is nan; leave it out"):
        numbers([1, np.nan], what="TV")
    with pytest.raises(ValueError, match="shape \\(1, 2\\); it must be a sequence"):
        numbers([[1, 2]], what="TV")
    with pytest.raises(ValueError, match="not empty"):
        numbers([], what="TV")
    with pytest.raises(ValueError, match="these are no numbers: \\['a'\\]"):
        numbers(["a"], what="TV")


def test_axes_are_drawn_into_and_lists_of_them_refused():
    _, axes = plt.subplots(1, 2)
    assert one_panel(axes[0], height_in=3) is axes[0]
    with pytest.raises(ValueError, match="axes is a ndarray; hand in one"):
        one_panel(axes, height_in=3)
    with pytest.raises(ValueError, match="each is positive"):
        panels(height_in=0)
