"""A reliability diagram: how often it happened, against how often it was predicted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from medlib.experiment.plots.canvas import GUIDE, in_house_style, looks, numbers, panels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Bins(Protocol):
    """What a curve must tell of each bin of predictions.

    Attributes:
        predicted: the mean prediction in the bin.
        observed: the share in which it happened.
        low, high: the interval of that share.
        counts: how many predictions fell into it.
    """

    predicted: Any
    observed: Any
    low: Any
    high: Any
    counts: Any


@in_house_style
def reliability_diagram(
    curves: Mapping[str, Bins], *, event: str, height_in: float = 4.6, width_in: float = 5.4
) -> Figure:
    """Observed shares over predicted ones, the diagonal of a perfect one, and the counts below.

    Args:
        curves: classifier -> its bins.
        event: what is predicted, such as "malignant"; it stands on both axes.
        height_in, width_in: of the figure.

    Raises:
        ValueError: a share lies outside 0..1 or its interval, lengths differ, or `event` is empty.

    Example:
        >>> from types import SimpleNamespace
        >>> shares = {"observed": [0.3, 0.7], "low": [0.1, 0.5], "high": [0.5, 0.9]}
        >>> bins = SimpleNamespace(predicted=[0.2, 0.8], counts=[30, 20], **shares)
        >>> reliability_diagram({"network": bins}, event="malignant").axes[0].get_ylabel()
        'share malignant'
    """
    if not event.strip():
        raise ValueError('event is empty; say what is predicted, such as event="malignant"')
    read = {name: _checked(name, bins) for name, bins in curves.items()}
    look_of = looks(list(read))
    figure, axes = panels(
        2, 1, height_in=height_in, width_in=width_in, sharex=True, height_ratios=(3.2, 1)
    )
    above, below = axes[:, 0]
    above.plot([0, 1], [0, 1], color=GUIDE, linestyle=":", linewidth=1.2, label="perfect")
    for place, (name, (predicted, observed, low, high, counts)) in enumerate(read.items()):
        look = look_of[name]
        reach = [observed - low, high - observed]
        above.errorbar(
            predicted,
            observed,
            yerr=reach,
            color=look.color,
            marker=look.marker,
            linestyle=look.line,
            label=name,
        )
        width = 0.03 / len(read)
        below.bar(
            predicted + (place - (len(read) - 1) / 2) * width, counts, width, color=look.color
        )
    above.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel=f"share {event}")
    above.legend(loc="upper left")
    below.set(xlabel=f"predicted probability of {event}", ylabel="cases")
    return figure


def _checked(name: str, bins: Bins) -> list[np.ndarray]:
    words = ("predicted", "observed", "low", "high", "counts")
    if missing := [word for word in words if not hasattr(bins, word)]:
        raise ValueError(f"{name}: a curve has {', '.join(words)}; this one has no {missing[0]}")
    parts = [numbers(getattr(bins, word), what=f"{name}: {word}") for word in words]
    lengths = [len(part) for part in parts]
    if len(set(lengths)) > 1:
        raise ValueError(f"{name}: {dict(zip(words, lengths, strict=True))} bins; one number a bin")
    for word, part in zip(words[:4], parts[:4], strict=True):
        if part.min() < 0 or part.max() > 1:
            raise ValueError(
                f"{name}: {word} spans {part.min():g}..{part.max():g}; shares lie in 0..1 (logits"
                " go through a sigmoid first)"
            )
    if ((parts[2] > parts[1]) | (parts[1] > parts[3])).any():
        raise ValueError(f"{name}: a share lies outside its own interval")
    return parts
