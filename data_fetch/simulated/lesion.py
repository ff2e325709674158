"""A low-contrast lesion of known contrast, size and place, put into a CT slice."""

import numpy as np
from jaxtyping import Float
from scipy.ndimage import distance_transform_edt
from scipy.special import erfc


def insert_lesion(
    image_hu: Float[np.ndarray, "*batch rows columns"],
    *,
    contrast_hu: float,
    diameter_mm: float,
    centre: tuple[float, float],
    pixel_mm: float,
    edge_mm: float = 0.5,
) -> Float[np.ndarray, "*batch rows columns"]:
    r"""Add a disc with a smooth edge: the same known signal for every image.

    $$s(r) = \tfrac{c}{2}\,\mathrm{erfc}\frac{r - D/2}{\sqrt2\,\sigma}, \qquad
      \int s\,dA = c\,\pi(D^2/4 + \sigma^2)\quad (\sigma \ll D)$$

    Args:
        image_hu: one slice or a batch, in HU.
        contrast_hu: c, above (positive) or below the background.
        diameter_mm: D, where half the contrast is left.
        centre: (row, column) in pixels; may lie between pixels.
        pixel_mm: side of a pixel.
        edge_mm: sigma of the edge.

    Returns:
        A new array of the same shape and type; the input is not changed.

    Raises:
        ValueError: a diameter, edge or pixel that is not positive; a lesion that leaves the image.

    >>> flat = np.full((32, 32), 30.0, dtype=np.float32)
    >>> with_lesion = insert_lesion(
    ...     flat, contrast_hu=6.0, diameter_mm=8.0, centre=(16, 16), pixel_mm=1.0)
    >>> round(float(with_lesion[16, 16]), 3), round(float(with_lesion[0, 0]), 3)
    (36.0, 30.0)
    """
    if min(diameter_mm, edge_mm, pixel_mm) <= 0:
        raise ValueError(
            f"diameter_mm={diameter_mm}, edge_mm={edge_mm}, pixel_mm={pixel_mm}: all must be > 0"
        )
    rows, columns = image_hu.shape[-2:]
    reach = diameter_mm / 2 / pixel_mm
    row, column = centre
    if not (reach <= row <= rows - 1 - reach and reach <= column <= columns - 1 - reach):
        raise ValueError(
            f"a lesion of {diameter_mm:g} mm at {centre} leaves the image of {rows}x{columns} "
            f"pixels of {pixel_mm:g} mm; centre is (row, column) in pixels"
        )
    signal = lesion_profile(
        (rows, columns),
        diameter_mm=diameter_mm,
        centre=centre,
        pixel_mm=pixel_mm,
        edge_mm=edge_mm,
    )
    return (image_hu + contrast_hu * signal).astype(image_hu.dtype)


def lesion_profile(
    shape: tuple[int, int],
    *,
    diameter_mm: float,
    centre: tuple[float, float],
    pixel_mm: float,
    edge_mm: float = 0.5,
) -> Float[np.ndarray, "rows columns"]:
    """The signal of `insert_lesion` for unit contrast: what an ideal observer looks for.

    >>> float(lesion_profile((9, 9), diameter_mm=4.0, centre=(4, 4), pixel_mm=1.0)[4, 6])
    0.5
    """
    row = (np.arange(shape[0]) - centre[0])[:, None] * pixel_mm
    column = (np.arange(shape[1]) - centre[1])[None, :] * pixel_mm
    radius_mm = np.hypot(row, column)
    return 0.5 * erfc((radius_mm - diameter_mm / 2) / (np.sqrt(2) * edge_mm))


def lesion_site(
    image_hu: Float[np.ndarray, "rows columns"],
    *,
    diameter_mm: float,
    pixel_mm: float,
    rng: np.random.Generator,
    tissue_hu: tuple[float, float] = (15.0, 50.0),
) -> tuple[int, int]:
    """A random pixel around which the whole lesion lies in soft tissue.

    Args:
        image_hu: one noise-free slice.
        diameter_mm: of the lesion.
        pixel_mm: side of a pixel.
        rng: the source of randomness.
        tissue_hu: least and largest HU of what counts as tissue.

    Returns:
        (row, column).

    Raises:
        ValueError: no place is large enough.

    >>> flat = np.full((32, 32), 30.0, dtype=np.float32)
    >>> row, column = lesion_site(flat, diameter_mm=10, pixel_mm=1, rng=np.random.default_rng(0))
    >>> 5 <= row <= 26 and 5 <= column <= 26
    True
    """
    low, high = tissue_hu
    tissue = np.pad((image_hu >= low) & (image_hu <= high), 1)
    room_mm = distance_transform_edt(tissue)[1:-1, 1:-1] * pixel_mm
    rows, columns = np.nonzero(room_mm > diameter_mm / 2)
    if rows.size == 0:
        raise ValueError(
            f"no place for a lesion of {diameter_mm:g} mm: the widest tissue between {low:g} and "
            f"{high:g} HU is {2 * room_mm.max():.1f} mm wide"
        )
    chosen = rng.integers(rows.size)
    return int(rows[chosen]), int(columns[chosen])
