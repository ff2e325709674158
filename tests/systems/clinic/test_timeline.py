"""Bars as long as the steps, in their order."""

import matplotlib.pyplot as plt
import pytest

from medlib.systems.clinic.pipeline import Span
from medlib.systems.clinic.timeline import latency_s, per_hour, timeline

SPANS = [Span("receive", 10.0, 10.5, False), Span("check", 10.5, 12.0, False)]


def test_bars_have_places_and_lengths_in_milliseconds():
    figure = timeline(SPANS)
    bars = figure.axes[0].patches
    assert [(round(bar.get_x()), round(bar.get_width())) for bar in bars] == [(0, 500), (500, 1500)]
    assert bars[0].get_facecolor() != bars[1].get_facecolor()
    plt.close(figure)


def test_latency_and_throughput():
    assert latency_s(SPANS) == 2.0
    assert per_hour([SPANS, SPANS]) == 1800.0
    with pytest.raises(ValueError, match="no steps"):
        timeline([])
