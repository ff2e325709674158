"""A reliability diagram: shares, their intervals and counts as handed in."""

from types import SimpleNamespace

import numpy as np
import pytest

from medlib.experiment.figures import to_png
from medlib.experiment.plots.reliability import reliability_diagram

BINS = {
    "predicted": [0.2, 0.8],
    "observed": [0.3, 0.7],
    "low": [0.1, 0.5],
    "high": [0.4, 0.9],
    "counts": [30, 20],
}


def test_shares_intervals_and_counts_hold_the_data():
    curves = {"network": SimpleNamespace(**BINS), "after Platt": SimpleNamespace(**BINS)}
    figure = reliability_diagram(curves, event="malignant")
    above, below = figure.axes
    diagonal, *_ = above.lines
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
    data = above.containers[0]
    assert data.lines[0].get_xydata().tolist() == [[0.2, 0.3], [0.8, 0.7]]
    ends = np.array([segment[:, 1] for segment in data.lines[2][0].get_segments()])
    np.testing.assert_allclose(ends, [[0.1, 0.4], [0.5, 0.9]])
    assert [bar.get_height() for bar in below.patches] == [30, 20, 30, 20]
    assert (above.get_ylabel(), below.get_ylabel()) == ("share malignant", "cases")
    assert below.get_xlabel() == "predicted probability of malignant"
    names = [text.get_text() for text in above.get_legend().get_texts()]
    assert names == ["perfect", "network", "after Platt"]
    assert to_png(figure)[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"predicted": [-2.0, 0.8]}, r"predicted spans -2\.\.0\.8; shares lie in 0\.\.1 \(logits"),
        ({"observed": [0.3]}, "one number a bin"),
        ({"low": [0.35, 0.5]}, "outside its own interval"),
        ({"high": [0.25, 0.9]}, "outside its own interval"),
        ({"counts": [np.nan, 2]}, "counts: number 0 is nan"),
    ],
)
def test_wrong_bins_are_refused_with_a_reason(change, says):
    with pytest.raises(ValueError, match=says):
        reliability_diagram({"network": SimpleNamespace(**BINS | change)}, event="malignant")


def test_an_event_and_whole_curves_are_demanded():
    with pytest.raises(ValueError, match="event is empty"):
        reliability_diagram({"network": SimpleNamespace(**BINS)}, event=" ")
    with pytest.raises(ValueError, match="this one has no predicted"):
        reliability_diagram({"network": [0.1, 0.2]}, event="malignant")
