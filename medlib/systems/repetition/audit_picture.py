"""A ledger as a row of boxes, with what an audit says of it below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from medlib.experiment.figures import COLORS
from medlib.experiment.plots.canvas import in_house_style, one_panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Box", "audit_picture"]

State = Literal["agrees", "no longer so", "changed", "behind a break", "in doubt", "cut off"]
_MARKS = {
    "agrees": "✓", "no longer so": "≠", "changed": "✗", "behind a break": "?", "in doubt": "?",
    "cut off": "–",
}  # fmt: skip
_COLOURS = {
    "agrees": COLORS["blue"],
    "no longer so": COLORS["orange"],
    "changed": COLORS["orange"],
    "behind a break": COLORS["grey"],
    "in doubt": COLORS["grey"],
    "cut off": COLORS["grey"],
}
_PER_ROW, _WIDTH, _HEIGHT, _STEP = 5, 1.65, 1.0, 2.0


class Box(NamedTuple):
    """One entry.

    Attributes:
        title: what it is, in a word or two.
        state: what the audit says of it: an entry that is "no longer so" is whole, but what it
            speaks of has changed; one that was "changed" is another itself; those of a whole chain
            whose signed end does not fit are "in doubt", as any of them may be forged.
    """

    title: str
    state: State


@in_house_style
def audit_picture(boxes: Sequence[Box], *, says: Sequence[str], signed: bool) -> Figure:
    """Entries in the order of the ledger, linked; below, the lines of an audit's report.

    States differ by word, mark, line and colour, so that no colour need be told. No digest is
    drawn: it would be another with every comment in a program of which an entry speaks.

    Args:
        boxes: of all entries, 1 to 15.
        says: what the audit says, at most five lines.
        signed: whether the end of the ledger fits a signature that is kept elsewhere.

    Raises:
        ValueError: no boxes or too many, or too many lines.

    Example:
        >>> boxes = [Box("scans", "agrees"), Box("metric", "changed")]
        >>> len(audit_picture(boxes, says=["the metric is another"], signed=True).axes)
        1
    """
    if not 1 <= len(boxes) <= 3 * _PER_ROW or len(says) > 5:
        raise ValueError(f"{len(boxes)} boxes (1 to 15) and {len(says)} lines (at most 5)")
    rows = -(-len(boxes) // _PER_ROW)
    place = one_panel(None, height_in=0.75 * rows + 1.3)
    for i, box in enumerate(boxes):
        _draw(place, box, *_corner(i), index=i)
        if i + 1 < len(boxes):
            _link(place, i, intact=_holds(box) and boxes[i + 1].state != "cut off")
    below = -1.6 * (rows - 1) - 0.55
    seal = "the signed end fits" if signed else "the signed end does not fit"
    place.text(0, below, f"{'✓' if signed else '✗'} {seal}", fontsize=9,
               color=COLORS["blue" if signed else "orange"])  # fmt: skip
    for line, text in enumerate(says):
        place.text(0, below - 0.48 * (line + 1), text, fontsize=8.5, color=COLORS["black"])
    place.set_xlim(-0.1, _STEP * _PER_ROW - _STEP + _WIDTH + 0.1)
    place.set_ylim(below - 0.48 * 5.5, _HEIGHT + 0.15)
    place.set_axis_off()
    return place.figure


def _holds(box: Box) -> bool:
    return box.state in ("agrees", "no longer so", "in doubt")


def _corner(index: int) -> tuple[float, float]:
    return _STEP * (index % _PER_ROW), -1.6 * (index // _PER_ROW)


def _draw(place: Axes, box: Box, x: float, y: float, *, index: int) -> None:
    from matplotlib.patches import FancyBboxPatch

    colour, whole = _COLOURS[box.state], box.state == "agrees"
    place.add_patch(
        FancyBboxPatch(
            (x, y), _WIDTH, _HEIGHT, boxstyle="round,pad=0.02,rounding_size=0.08",
            facecolor="white", edgecolor=colour, linewidth=1.4 if whole else 2.4,
            linestyle="-" if box.state in ("agrees", "no longer so", "changed") else ":",
        )
    )  # fmt: skip
    place.text(x + 0.1, y + 0.62, f"{index} {box.title}", fontsize=8.5)
    place.text(x + 0.1, y + 0.18, box.state, fontsize=7.5, color=COLORS["grey"])
    place.text(x + _WIDTH - 0.25, y + 0.18, _MARKS[box.state], fontsize=10, color=colour)


def _link(place: Axes, index: int, *, intact: bool) -> None:
    (x, y), (to_x, to_y) = _corner(index), _corner(index + 1)
    start, end = (x + _WIDTH + 0.03, y + 0.5), (to_x - 0.03, to_y + 0.5)
    if to_y != y:
        start, end = (x + 0.8, y - 0.06), (to_x + 0.8, to_y + _HEIGHT + 0.06)
    style = {"arrowstyle": "->", "color": COLORS["blue" if intact else "orange"], "linewidth": 1.4,
             "linestyle": "-" if intact else ":"}  # fmt: skip
    place.annotate("", xy=end, xytext=start, arrowprops=style)
