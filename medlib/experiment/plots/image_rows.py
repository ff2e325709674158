"""Rows of images that can be compared: one window for all, its unit, and a scale bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medlib.experiment.figures import WIDTH_IN
from medlib.experiment.plots.canvas import Quantity, in_house_style, label, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAD_PX = 2


@dataclass(frozen=True)
class Window:
    """Which values are black and which white, and what they measure.

    Attributes:
        low, high: the values at the two ends of the grey scale.
        shows: what the values are and their unit, ("CT number", "HU").
        cmap: matplotlib's colour map; "RdBu_r" for differences, with low = -high.

    Raises:
        ValueError: the ends are not finite and in order, or `shows` is no quantity.
    """

    low: float
    high: float
    shows: Quantity
    cmap: str = "gray"

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise ValueError(
                f"window {self.low:g}..{self.high:g}: the first end must lie below the second"
            )
        label(self.shows, where="shows")


@in_house_style
def image_rows(
    rows: Sequence[Sequence[Any]],
    *,
    titles: Sequence[str] | Sequence[Sequence[str]],
    window: Window | Sequence[Window] | None,
    pixel_mm: float | None = None,
    cut_above: float | None = None,
    height_in: float | None = None,
) -> Figure:
    """Rows of images of equal kind, drawn so that they can be compared.

    Args:
        rows: rows of images, each (height, width), or (height, width, 3) with values in 0..1.
        titles: one for each column, or one for each image (rows of titles).
        window: one for all images, with one colour bar; or one for each column, each with its own;
            None where every image is in colour.
        pixel_mm: side of a pixel; draws a scale bar into the first image of each row.
        cut_above: cuts each row to where its first image exceeds this value (in air: to the body).
        height_in: of the figure; by default from the images' shape.

    Raises:
        ValueError: rows, titles or windows do not match, an image has no finite values or a wrong
            shape, or a grey image has no window.

    Example:
        >>> grey = Window(0, 1, ("signal", ""))
        >>> figure = image_rows([[np.eye(8), np.ones((8, 8))]], titles=["a", "b"], window=grey)
        >>> [axes.get_title(loc="left") for axes in figure.axes[:2]]
        ['a', 'b']
    """
    pictures = _checked(rows)
    n_rows, n_columns = len(pictures), len(pictures[0])
    captions = _titles(titles, n_rows, n_columns)
    windows = _windows(window, pictures, n_columns)
    if pixel_mm is not None and not pixel_mm > 0:
        raise ValueError(f"pixel_mm is {pixel_mm:g}; the side of a pixel is positive")
    if cut_above is not None:
        pictures = [_cut(row, cut_above, number) for number, row in enumerate(pictures)]
    if height_in is None:
        tall, wide = pictures[0][0].shape[:2]
        height_in = 6.6 / n_columns * n_rows * max(1.15, 1.02 * tall / wide) + 0.3
    figure, axes = panels(n_rows, n_columns, height_in=height_in, width_in=WIDTH_IN)
    for row, images in enumerate(pictures):
        for column, image in enumerate(images):
            place, shown = axes[row, column], windows[column]
            place.set_axis_off()
            place.set_title(captions[row][column])
            limits = {"vmin": shown.low, "vmax": shown.high, "cmap": shown.cmap} if shown else {}
            place.imshow(image, **limits)
        if pixel_mm is not None:
            _scale_bar(axes[row, 0], images[0], pixel_mm)
    if isinstance(window, Window):
        _colour_bar(figure, axes[-1, -1], list(axes.flat), window, aspect=15 * n_rows)
    elif window is not None:
        for column, shown in enumerate(windows):
            _colour_bar(figure, axes[-1, column], list(axes[:, column]), shown, aspect=15 * n_rows)
    return figure


def _colour_bar(figure: Figure, place: Axes, beside: list, window: Window, *, aspect: int) -> None:
    text = label(window.shows, where="shows")
    figure.colorbar(place.images[0], ax=beside, label=text, shrink=0.8, aspect=aspect)


def _checked(rows: Sequence[Sequence[Any]]) -> list[list[np.ndarray]]:
    pictures = [[_image(image) for image in row] for row in rows]
    widths = [len(row) for row in pictures]
    if not widths or min(widths) < 1 or len(set(widths)) > 1:
        raise ValueError(f"rows hold {widths} images; each row needs the same number, one or more")
    for number, row in enumerate(pictures):
        for place, image in enumerate(row):
            where = f"image {place} of row {number}"
            if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
                raise ValueError(
                    f"{where} has shape {image.shape}; it must be (height, width), or"
                    " (height, width, 3) in colour: take one image out of a batch with [0]"
                )
            if not np.isfinite(image).all():
                raise ValueError(f"{where} holds values that are not finite")
            if image.ndim == 3 and not (image.min() >= 0 and image.max() <= 1):
                raise ValueError(
                    f"{where} is in colour and spans {image.min():g}..{image.max():g}; colours lie"
                    " in 0..1: clip it, or divide bytes by 255"
                )
            if image.shape[:2] != row[0].shape[:2]:
                raise ValueError(
                    f"{where} is {image.shape[:2]}, the first of its row {row[0].shape[:2]}; images"
                    " that are compared show the same field at the same size"
                )
    return pictures


def _image(image: Any) -> np.ndarray:
    if hasattr(image, "detach"):
        image = image.detach().cpu()
    return np.asarray(image)


def _titles(titles: Sequence, n_rows: int, n_columns: int) -> list[list[str]]:
    each = [list(row) for row in titles] if titles and not isinstance(titles[0], str) else None
    if each is None:
        each = [list(titles)] + [[""] * len(titles) for _ in range(n_rows - 1)]
    if len(each) != n_rows or any(len(row) != n_columns for row in each):
        raise ValueError(
            f"titles for {[len(row) for row in each]} images, {n_rows} rows of {n_columns}: give"
            " one for each column, or one for each image"
        )
    return each


def _windows(
    window: Window | Sequence[Window] | None, pictures: list[list[np.ndarray]], n_columns: int
) -> list[Window | None]:
    grey = any(image.ndim == 2 for row in pictures for image in row)
    if window is None:
        if grey:
            raise ValueError(
                "grey images need a window, else each is stretched by its own extremes and none can"
                ' be compared: window=Window(-60, 140, ("CT number", "HU"))'
            )
        return [None] * n_columns
    windows = [window] * n_columns if isinstance(window, Window) else list(window)
    if len(windows) != n_columns:
        raise ValueError(
            f"{len(windows)} windows for {n_columns} columns: one for all, or for each"
        )
    return windows


def _cut(row: list[np.ndarray], above: float, number: int) -> list[np.ndarray]:
    body = np.argwhere(row[0] > above)
    if len(body) == 0:
        raise ValueError(
            f"row {number}: nothing exceeds cut_above = {above:g}; nothing would be left"
        )
    (top, left), (bottom, right) = body.min(0)[:2], body.max(0)[:2]
    keep = (
        slice(max(top - PAD_PX, 0), bottom + PAD_PX + 1),
        slice(max(left - PAD_PX, 0), right + PAD_PX + 1),
    )
    return [image[keep] for image in row]


def _scale_bar(place: Axes, image: np.ndarray, pixel_mm: float) -> None:
    """A bar of a round length, about a quarter of the image, readable on black and on white."""
    import matplotlib.patheffects as effects

    height, width = image.shape[:2]
    length_mm = round_length(width * pixel_mm / 4)
    left, down = 0.05 * width - 0.5, 0.94 * height - 0.5
    edge = [effects.withStroke(linewidth=4, foreground="black")]
    place.plot(
        [left, left + length_mm / pixel_mm],
        [down, down],
        color="white",
        linewidth=2,
        solid_capstyle="butt",
        path_effects=edge,
    )
    text = f"{length_mm / 10:g} cm" if length_mm >= 10 else f"{length_mm:g} mm"
    text = text if length_mm >= 0.1 else f"{length_mm * 1000:g} µm"
    edge = [effects.withStroke(linewidth=2, foreground="black")]
    place.text(
        left, down - 0.02 * height, text, color="white", va="bottom", fontsize=8, path_effects=edge
    )
    place.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))


def round_length(about: float) -> float:
    """The longest of 1, 2, 5 times a power of ten that does not exceed `about`.

    >>> [round_length(about) for about in (64, 23, 0.9)]
    [50.0, 20.0, 0.5]
    """
    power = 10.0 ** np.floor(np.log10(about))
    return float(max(step * power for step in (1, 2, 5) if step * power <= about * (1 + 1e-9)))
