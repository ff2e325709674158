"""A figure's resolution: the book's, but for quick runs."""

import matplotlib.pyplot as plt
import pytest
from matplotlib.axis import Axis
from matplotlib.text import Text

from medlib.experiment import figures


@pytest.mark.parametrize(
    ("profile", "width"), [("smoke", 200), ("book", 600), ("full", 600), (None, 600)]
)
def test_a_quick_run_draws_drafts(monkeypatch, profile, width):
    if profile:
        monkeypatch.setenv("MEDBOOK_PROFILE", profile)
    with plt.rc_context():
        figures.apply_style()
        png = figures.to_png(plt.figure(figsize=(4, 2)), crop=False)
    assert figures.decode(png).shape == (width // 2, width, 4)


@pytest.mark.parametrize(("profile", "times"), [("smoke", 1), ("book", 2)])
def test_a_draft_is_drawn_once_and_a_figure_laid_out_first(monkeypatch, profile, times):
    monkeypatch.setenv("MEDBOOK_PROFILE", profile)
    drawn = []
    with plt.rc_context():
        figures.apply_style()
        figure, axes = plt.subplots(layout="constrained")
        figure.colorbar(axes.imshow([[0, 1]]))
        axes.add_artist(artist := plt.Line2D([0, 1], [0, 1]))
        artist.draw = drawn.append
        figures.to_png(figure)
    assert len(drawn) == times


@pytest.mark.parametrize(("profile", "drawn"), [("smoke", [1]), ("book", [0, 1, 2])])
def test_a_draft_of_a_slider_draws_the_picture_that_is_shown_first(monkeypatch, profile, drawn):
    monkeypatch.setenv("MEDBOOK_PROFILE", profile)
    seen, pictures = [], [plt.figure() for _ in range(3)]
    for number, figure in enumerate(pictures):
        figure.add_artist(artist := plt.Line2D([0, 1], [0, 1]))
        artist.draw = lambda _renderer, number=number: seen.append(number)
    pngs = figures.to_pngs(pictures, first=1)
    assert (len(pngs), sorted(set(seen))) == (3, drawn)
    assert not set(plt.get_fignums()) & {figure.number for figure in pictures}, "left open"


@pytest.mark.parametrize(("profile", "laid_out"), [("smoke", False), ("book", True)])
def test_a_draft_lays_no_ticks_out_to_place_its_titles(monkeypatch, profile, laid_out):
    monkeypatch.setenv("MEDBOOK_PROFILE", profile)
    asked, drawn = [], []
    tightbbox = Axis.get_tightbbox
    monkeypatch.setattr(
        Axis, "get_tightbbox", lambda axis, *a, **k: asked.append(1) or tightbbox(axis, *a, **k)
    )
    with plt.rc_context():
        figures.apply_style()
        figure, axes = plt.subplots()
        axes.set_title("a title", loc="left")
        axes.add_artist(artist := plt.Line2D([0, 1], [0, 1]))
        artist.draw = lambda _renderer: drawn.append(axes.get_title(loc="left"))
        figures.to_png(figure)
    assert bool(asked) is laid_out
    assert set(drawn) == {"a title"}


@pytest.mark.parametrize(("profile", "has_text"), [("smoke", False), ("book", True)])
def test_a_draft_formats_its_ticks_and_draws_none(monkeypatch, profile, has_text):
    monkeypatch.setenv("MEDBOOK_PROFILE", profile)
    formatted, drawn = [], []
    monkeypatch.setattr(Text, "draw", lambda text, _renderer: drawn.append(text.get_text()))
    with plt.rc_context():
        figures.apply_style()
        figure, axes = plt.subplots()
        axes.set_xlabel("a quantity")
        axes.xaxis.set_major_formatter(lambda at, _: formatted.append(at) or "a tick")
        figures.to_png(figure)
    assert formatted, "a wrong formatter would go unseen"
    assert "a quantity" in drawn, drawn
    assert ("a tick" in drawn) is has_text
