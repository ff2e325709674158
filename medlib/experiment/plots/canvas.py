"""What house plots share: a figure in the book's style, axes with units, series told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from medlib.experiment.figures import COLORS, STYLE, WIDTH_IN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")
R = TypeVar("R")
Quantity = tuple[str, str]
"""What an axis shows and its unit, ("PSNR", "dB"); the unit of a pure number is ""."""


class Look(NamedTuple):
    """How a series is drawn: no two share colour or marker, nor the first four a line style."""

    color: str
    marker: str
    line: str


LOOKS = tuple(
    Look(COLORS[color], marker, line)
    for color, marker, line in (
        ("blue", "o", "-"),
        ("orange", "s", "--"),
        ("green", "^", "-."),
        ("black", "D", ":"),
        ("purple", "v", "-"),
        ("grey", "P", "--"),
    )
)
HIGHLIGHT, PLAIN, GUIDE = COLORS["orange"], COLORS["blue"], COLORS["grey"]


def in_house_style(draw: Callable[P, R]) -> Callable[P, R]:
    """Draw in the book's style, whatever matplotlib is set to, and leave its settings alone."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        import matplotlib

        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return drawn


@in_house_style
def panels(
    rows: int = 1,
    columns: int = 1,
    *,
    height_in: float,
    width_in: float = WIDTH_IN,
    **arrangement: Any,
) -> tuple[Figure, np.ndarray]:
    """An empty figure and its axes (rows, columns), for house plots to be drawn into.

    Args:
        rows, columns: how many panels.
        height_in, width_in: of the figure; text is set in points, so a narrower figure has larger
            text on the page.
        arrangement: what matplotlib's `subplots` takes, such as `sharey=True`.

    Raises:
        ValueError: a side is not positive.
    """
    import matplotlib.pyplot as plt

    if min(rows, columns) < 1 or not (height_in > 0 and width_in > 0):
        raise ValueError(
            f"{rows} x {columns} panels on {width_in:g} x {height_in:g} inches: each is positive"
        )
    arrangement = {"layout": "constrained", "squeeze": False, **arrangement}
    return plt.subplots(rows, columns, figsize=(width_in, height_in), **arrangement)


def one_panel(axes: Axes | None, *, height_in: float) -> Axes:
    """The axes handed in, or those of a new figure."""
    if axes is None:
        return panels(height_in=height_in)[1][0, 0]
    if not hasattr(axes, "plot"):
        raise ValueError(
            f"axes is a {type(axes).__name__}; hand in one matplotlib Axes, such as"
            " panels(...)[1][0, 0]"
        )
    return axes


def label(quantity: Quantity, *, where: str) -> str:
    """The label of an axis: what it shows, with the unit in brackets.

    Raises:
        ValueError: it is no pair of texts, or says nothing.

    >>> label(("PSNR", "dB"), where="y"), label(("AUC", ""), where="x")
    ('PSNR (dB)', 'AUC')
    """
    pair = (
        isinstance(quantity, tuple)
        and len(quantity) == 2
        and all(isinstance(q, str) for q in quantity)
    )
    if not pair or not quantity[0].strip():
        raise ValueError(
            f'{where} is {quantity!r}; give what the axis shows and its unit, ("PSNR", "dB"), and'
            ' for a pure number an empty unit, ("AUC", "")'
        )
    name, unit = quantity
    return f"{name} ({unit})" if unit else name


def numbers(values: Any, *, what: str, ndim: int = 1) -> np.ndarray:
    """Values of any array library as finite floats.

    Raises:
        ValueError: the number of axes is wrong, there are none, or one is not finite.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{what}: these are no numbers: {str(values)[:60]}") from None
    if array.ndim != ndim or array.size == 0:
        axes = {1: "a sequence of numbers", 2: "a table of numbers"}[ndim]
        raise ValueError(f"{what} has shape {array.shape}; it must be {axes}, and not empty")
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(
            f"{what}: number {', '.join(map(str, place))} is {array[place]}; leave it out"
        )
    return array


def looks(names: Sequence[str]) -> dict[str, Look]:
    """A look for each series.

    Raises:
        ValueError: there are none, or more than can be told apart.
    """
    if not 1 <= len(names) <= len(LOOKS):
        raise ValueError(
            f"{len(names)} series; a reader can tell 1 to {len(LOOKS)} apart: draw several panels"
        )
    return dict(zip(names, LOOKS, strict=False))
