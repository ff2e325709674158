"""One style for every figure, and a figure's identity: its decoded pixels, not its file."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_IN = 7.2
DPI = 150
DRAFT_DPI = 50  # quick runs: nobody looks long at their figures, and half of their time is drawing

COLORS = {
    "blue": "#0072B2",
    "orange": "#D55E00",
    "green": "#009E73",
    "purple": "#AA4499",
    "sky": "#56B4E9",
    "gold": "#E69F00",
    "grey": "#666666",
    "black": "#111111",
}
"""Okabe and Ito's colours, safe for colour-blind readers (purple after Tol); in cycle order."""

STYLE: dict[str, Any] = {
    "figure.figsize": (WIDTH_IN, 3.6),
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": False,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "image.cmap": "gray",
    "image.interpolation": "nearest",
    "svg.hashsalt": "pixels-to-patients",
}

DRAFT_STYLE: dict[str, Any] = {
    "axes.titley": 1.0,  # else all ticks are laid out a second time, to keep titles off them
    # ticks take twice as long as all the rest: they are found and worded, but not drawn
    "xtick.bottom": False,
    "xtick.labelbottom": False,
    "ytick.left": False,
    "ytick.labelleft": False,
}


def is_draft() -> bool:
    """Whether figures are drafts, as in profile ``smoke``: drawn once, coarsely, not laid out."""
    return os.environ.get("MEDBOOK_PROFILE") == "smoke"


def dots_per_inch() -> int:
    """The resolution of figures: the book's, or that of a draft."""
    return DRAFT_DPI if is_draft() else DPI


def apply_style() -> None:
    """Set the book's matplotlib style in this process."""
    import matplotlib
    from cycler import cycler

    dpi = dots_per_inch()
    matplotlib.rcParams.update(STYLE | {"figure.dpi": dpi, "savefig.dpi": dpi})
    if is_draft():
        matplotlib.rcParams.update(DRAFT_STYLE)
    matplotlib.rcParams["axes.prop_cycle"] = cycler(color=list(COLORS.values()))


def render(figure: Figure, *, crop: bool = True) -> bytes:
    """The figure as PNG bytes; with `crop`, without the white margin around it.

    To lay out and to crop takes a second drawing; a draft does without.
    """
    import matplotlib

    stream = io.BytesIO()
    extra: dict[str, Any] = {}
    if is_draft():
        with matplotlib.rc_context({"figure.constrained_layout.use": False}):
            figure.set_layout_engine(None)  # "none" would keep a placeholder, and draw twice
        word_ticks(figure)
        extra = {"pil_kwargs": {"compress_level": 1}}
    elif crop:
        extra = {"bbox_inches": "tight", "pad_inches": 0.08}
    figure.savefig(stream, format="png", dpi=dots_per_inch(), metadata={"Software": None}, **extra)
    return stream.getvalue()


def word_ticks(figure: Figure) -> None:
    """Find the ticks of all axes and ask for their words, as drawing them would."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            axis.major.formatter.format_ticks(axis.get_majorticklocs())
            axis.minor.formatter.format_ticks(axis.get_minorticklocs())


def decode(png: bytes) -> np.ndarray:
    """The decoded pixels of a PNG, shape (height, width, 4), uint8."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGBA"))


def pixels_sha256(png: bytes) -> str:
    """The sha256 of a PNG's decoded pixels and their shape: equal pictures, equal digests."""
    pixels = decode(png)
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(pixels.tobytes())
    return digest.hexdigest()


def to_png(picture: Any, *, crop: bool = True) -> bytes:
    """A matplotlib figure, or an array of grey or RGB values, as PNG bytes.

    Args:
        picture: a Figure (closed afterwards), or an array of shape (height, width) or
            (height, width, 3), uint8 or floats in [0, 1].

    Raises:
        ValueError: it is neither, or the array's shape or range is wrong.
    """
    if hasattr(picture, "savefig"):
        import matplotlib.pyplot as plt

        png = render(picture, crop=crop)
        plt.close(picture)
        return png
    from PIL import Image

    array = np.asarray(picture)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise ValueError(f"a picture is (height, width) or (height, width, 3), not {array.shape}")
    if array.dtype != np.uint8:
        low, high = float(array.min()), float(array.max())
        if not (low >= 0 and high <= 1):
            raise ValueError(f"float pictures lie in 0..1; this one spans {low:g}..{high:g}")
        array = np.round(array * 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, format="png")
    return stream.getvalue()


def to_pngs(pictures: Sequence[Any], *, first: int) -> list[bytes]:
    """The pictures of a slider as PNG bytes, uncropped; a draft draws the `first` one for all."""
    if not is_draft():
        return [to_png(picture, crop=False) for picture in pictures]
    import matplotlib.pyplot as plt

    png = to_png(pictures[first], crop=False)
    for picture in pictures:
        if hasattr(picture, "savefig"):
            plt.close(picture)
    return [png] * len(pictures)


def save(png: bytes, path: Path) -> None:
    """Write PNG bytes, making the folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png)


def as_html(png: bytes, *, alt: str, caption: str) -> str:
    """An HTML figure that carries its own picture, for Jupyter."""
    data = base64.b64encode(png).decode()
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{html.escape(alt, quote=True)}"'
        f' style="max-width:100%"><figcaption>{html.escape(caption)}</figcaption></figure>'
    )


def slider(
    pngs: Sequence[bytes], *, alts: Sequence[str], values: Sequence[str], label: str, start: int
):
    """A slider linked in the browser to a stack of pictures: it works without a kernel.

    Returns:
        An ipywidgets VBox of a SelectionSlider over `values` and the stack of frames.
    """
    import ipywidgets as widgets

    frames = []
    for png, alt in zip(pngs, alts, strict=True):
        data = base64.b64encode(png).decode()
        text = html.escape(alt, quote=True)
        frames.append(
            widgets.HTML(
                f'<img src="data:image/png;base64,{data}" alt="{text}"'
                ' style="width:100%;max-width:1080px;height:auto">'
            )
        )
    stack = widgets.Stack(frames, selected_index=start, layout=widgets.Layout(width="100%"))
    control = widgets.SelectionSlider(
        options=[(value, index) for index, value in enumerate(values)],
        index=start,
        description=label,
        style={"description_width": "initial"},
        layout=widgets.Layout(width="100%"),
    )
    widgets.jslink((control, "index"), (stack, "selected_index"))
    return widgets.VBox([control, stack], layout=widgets.Layout(width="100%"))
