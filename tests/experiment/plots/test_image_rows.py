"""Rows of images: what is drawn is what was handed in, in one window, with its unit and scale."""

import numpy as np
import pytest

from medlib.experiment.figures import to_png
from medlib.experiment.plots.image_rows import Window, image_rows, round_length

HU = Window(-60, 140, ("CT number", "HU"))
IMAGES = np.random.default_rng(0).normal(40, 30, (4, 20, 16))


def pictures_of(figure):
    return [axes.images[0] for axes in figure.axes if axes.images and axes.get_label() == ""]


def test_every_image_is_drawn_in_the_one_window():
    rows = [list(IMAGES[:2]), list(IMAGES[2:])]
    figure = image_rows(rows, titles=["FBP", "network"], window=HU)
    drawn = pictures_of(figure)
    assert [np.array_equal(d.get_array(), i) for d, i in zip(drawn, IMAGES, strict=True)] == [
        True
    ] * 4
    assert {d.get_clim() for d in drawn} == {(-60, 140)}
    titles = [axes.get_title(loc="left") for axes in figure.axes[:4]]
    assert titles == ["FBP", "network", "", ""]
    assert figure.axes[-1].get_ylabel() == "CT number (HU)"
    assert to_png(figure)[:4] == b"\x89PNG"


def test_each_column_may_have_a_window_of_its_own():
    other = Window(-200, 200, ("difference", "HU"), cmap="RdBu_r")
    titles = [["a", "b"]]
    figure = image_rows([list(IMAGES[:2])], titles=titles, window=[HU, other])
    first, second = pictures_of(figure)
    assert (first.get_clim(), second.get_clim()) == ((-60, 140), (-200, 200))
    assert (first.get_cmap().name, second.get_cmap().name) == ("gray", "RdBu_r")
    assert [axes.get_ylabel() for axes in figure.axes[2:]] == ["CT number (HU)", "difference (HU)"]


def test_the_scale_bar_is_as_long_as_it_says():
    figure = image_rows([[IMAGES[0], IMAGES[1]]], titles=["a", "b"], window=HU, pixel_mm=2.0)
    (bar,) = figure.axes[0].lines
    assert np.ptp(bar.get_xdata()) * 2.0 == 5.0
    assert [text.get_text() for text in figure.axes[0].texts] == ["5 mm"]
    assert figure.axes[0].get_xlim() == (-0.5, 15.5)
    assert figure.axes[0].get_ylim() == (19.5, -0.5)
    assert list(figure.axes[1].lines) == []


@pytest.mark.parametrize(("pixel_mm", "says"), [(20.0, "5 cm"), (0.01, "20 µm"), (0.3, "1 mm")])
def test_the_scale_bar_says_its_length_in_a_unit_that_fits(pixel_mm, says):
    figure = image_rows([[IMAGES[0]]], titles=["a"], window=HU, pixel_mm=pixel_mm)
    assert figure.axes[0].texts[0].get_text() == says


def test_a_bar_is_never_longer_than_asked():
    lengths = np.geomspace(1e-3, 1e3, 200)
    rounded = np.array([round_length(length) for length in lengths])
    assert (rounded <= lengths * (1 + 1e-8)).all()
    assert (rounded > lengths / 2.5 * (1 - 1e-8)).all()


def test_a_row_is_cut_to_its_body():
    image = np.full((20, 16), -1000.0)
    image[5:9, 4:7] = 30.0
    figure = image_rows([[image, IMAGES[0]]], titles=["a", "b"], window=HU, cut_above=-500)
    first, second = pictures_of(figure)
    assert first.get_array().shape == second.get_array().shape == (8, 7)
    assert np.array_equal(second.get_array(), IMAGES[0][3:11, 2:9])


def test_colour_images_need_no_window_and_get_no_colour_bar():
    stain = np.random.default_rng(1).random((8, 8, 3))
    figure = image_rows([[stain, stain]], titles=["H&E", "virtual"], window=None)
    assert len(figure.axes) == 2
    assert np.array_equal(pictures_of(figure)[0].get_array(), stain)


def test_tensors_are_images():
    import torch

    figure = image_rows([[torch.ones(4, 4, requires_grad=True)]], titles=["a"], window=HU)
    assert pictures_of(figure)[0].get_array().tolist() == np.ones((4, 4)).tolist()


WRONG = {
    "no rows": ({"rows": []}, "rows hold \\[\\] images"),
    "uneven rows": ({"rows": [[IMAGES[0]], list(IMAGES[:2])]}, "rows hold \\[1, 2\\] images"),
    "a batch": ({"rows": [[IMAGES, IMAGES]]}, "image 0 of row 0 has shape \\(4, 20, 16\\)"),
    "nan": ({"rows": [[IMAGES[0] * np.nan, IMAGES[1]]]}, "not finite"),
    "two sizes": ({"rows": [[IMAGES[0], IMAGES[1][:4]]]}, "image 1 of row 0 is \\(4, 16\\)"),
    "bytes": ({"rows": [[np.full((4, 4, 3), 255)] * 2]}, "colours lie in 0..1"),
    "no window": ({"window": None}, "grey images need a window"),
    "three windows": ({"window": [HU] * 3}, "3 windows for 2 columns"),
    "one title": ({"titles": ["FBP"]}, "titles for \\[1\\] images, 1 rows of 2"),
    "titles of two rows": ({"titles": [["a", "b"], ["c", "d"]]}, "1 rows of 2"),
    "no size": ({"pixel_mm": 0.0}, "pixel_mm is 0"),
    "all air": ({"cut_above": 1e6}, "row 0: nothing exceeds cut_above"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_compared_is_refused_with_a_reason(name):
    change, says = WRONG[name]
    right = {"rows": [list(IMAGES[:2])], "titles": ["a", "b"], "window": HU}
    given = {**right, **change}
    with pytest.raises(ValueError, match=says):
        image_rows(given.pop("rows"), **given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((140, -60, ("CT number", "HU")), "the first end must lie below"),
        ((0, np.inf, ("CT number", "HU")), "the first end must lie below"),
        ((0, 1, "HU"), "give what the axis shows and its unit"),
    ],
)
def test_a_window_needs_ends_in_order_and_a_unit(given, says):
    with pytest.raises(ValueError, match=says):
        Window(*given)
