"""How long each step of a study took: as bars along time, and what that makes an hour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from medlib.experiment.plots.canvas import HIGHLIGHT, PLAIN, in_house_style, label, panels
from medlib.systems.clinic.pipeline import Span

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["latency_s", "per_hour", "timeline"]


def latency_s(spans: Sequence[Span]) -> float:
    """Seconds from the begin of the first step to the end of the last.

    Raises:
        ValueError: there are none.

    Example:
        >>> latency_s([Span("receive", 1.0, 1.5, False), Span("check", 1.5, 3.0, False)])
        2.0
    """
    if not spans:
        raise ValueError("there are no steps to take the time of")
    return max(span.ended_s for span in spans) - min(span.begun_s for span in spans)


def per_hour(studies: Sequence[Sequence[Span]]) -> float:
    """Studies an hour, one after the other, by their mean latency.

    Example:
        >>> per_hour([[Span("receive", 0.0, 1.0, False)], [Span("receive", 5.0, 8.0, False)]])
        1800.0
    """
    return 3600.0 / float(np.mean([latency_s(spans) for spans in studies]))


@in_house_style
def timeline(spans: Sequence[Span], *, height_in: float = 3.0) -> Figure:
    """One bar a step, the first at the top; the longest is orange.

    Args:
        spans: of one run.
        height_in: of the figure.

    Raises:
        ValueError: there are none.

    Example:
        >>> figure = timeline([Span("receive", 1.0, 1.5, False), Span("check", 1.5, 3.0, False)])
        >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
        ['receive', 'check']
    """
    latency_s(spans)  # says so if there are none
    begin = min(span.begun_s for span in spans)
    lengths = [1000 * (span.ended_s - span.begun_s) for span in spans]
    longest = int(np.argmax(lengths))
    figure, axes = panels(height_in=height_in)
    bars = axes[0, 0]
    bars.barh(
        range(len(spans)), lengths, left=[1000 * (span.begun_s - begin) for span in spans],
        color=[HIGHLIGHT if i == longest else PLAIN for i in range(len(spans))],
        hatch=["//" if i == longest else "" for i in range(len(spans))],
    )  # fmt: skip
    bars.set_yticks(range(len(spans)), [span.step for span in spans])
    bars.invert_yaxis()
    bars.set(xlabel=label(("time since the study was asked for", "ms"), where="x"))
    return figure
