"""Paired dots: one line for each unit, a bar for each mean."""

import numpy as np
import pytest

from medlib.experiment.figures import to_png
from medlib.experiment.plots.paired_dots import paired_dots

SCORES = {"TV": [20.0, 21.0, 22.0], "NLM": [20.5, 21.5, 22.5], "network": [21.0, 21.0, 24.0]}
WORDS = {"y": ("PSNR", "dB"), "units": "heads"}


def test_lines_are_units_and_bars_are_means():
    axes = paired_dots(SCORES, **WORDS, reference=20.0).axes[0]
    guide, *rest = axes.lines
    assert list(guide.get_ydata()) == [20.0, 20.0]
    units, means = rest[:3], rest[3:]
    assert [list(line.get_ydata()) for line in units] == [
        [20, 20.5, 21],
        [21, 21.5, 21],
        [22, 22.5, 24],
    ]
    assert [line.get_ydata()[0] for line in means] == [21.0, 21.5, 22.0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["TV", "NLM", "network"]
    assert axes.get_ylabel() == "PSNR (dB)"
    assert axes.get_xlabel() == "each line is one of n = 3 heads; bars: means"
    assert to_png(axes.figure)[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("scores", "change", "says"),
    [
        ({"TV": [1.0]}, {}, r"1 condition\(s\); a pair needs two"),
        ({"TV": [1.0], "NLM": [1.0, 2.0]}, {}, r"{'TV': 1, 'NLM': 2} values; pairs need the same"),
        ({"TV": [np.nan], "NLM": [1.0]}, {}, "TV: number 0 is nan"),
        (SCORES, {"units": ""}, "units is empty"),
        (SCORES, {"y": "PSNR"}, "give what the axis shows and its unit"),
    ],
)
def test_what_is_no_pair_is_refused_with_a_reason(scores, change, says):
    with pytest.raises(ValueError, match=says):
        paired_dots(scores, **{**WORDS, **change})
