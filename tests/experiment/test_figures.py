"""A figure's resolution: the book's, but for quick runs."""

import matplotlib.pyplot as plt
import pytest

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
