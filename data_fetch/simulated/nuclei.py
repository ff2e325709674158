"""Nuclei of simulated sections: where they lie, how each is drawn, and maps of what is where."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

LARGEST_RADIUS_UM = 9.0  # no outline reaches farther from its centre
_WINDOW_SDS = 3.0  # nuclei farther than this from a tile do not count in its maps
_PRIOR_NUCLEI = 0.02  # how many nuclei the patient's mean weighs in those maps


@dataclass(frozen=True)
class Frame:
    """The drawn field: a tile with a margin, so that nuclei and maps go on beyond its edge."""

    size: int
    margin: int
    um_per_px: float
    window_px: float

    @classmethod
    def around(cls, size: int, *, um_per_px: float, window_um: float) -> "Frame":
        reach = int(np.ceil(_WINDOW_SDS * window_um / um_per_px))
        return cls(size, reach + cls._patch_px(um_per_px), um_per_px, window_um / um_per_px)

    @staticmethod
    def _patch_px(um_per_px: float) -> int:
        return int(np.ceil(LARGEST_RADIUS_UM / um_per_px)) + 1

    @property
    def patch(self) -> int:
        return self._patch_px(self.um_per_px)

    @property
    def full(self) -> int:
        return self.size + 2 * self.margin

    def crop(self, maps: np.ndarray) -> np.ndarray:
        inner = slice(self.margin, self.margin + self.size)
        return maps[:, inner, inner]


def scatter(
    rng: np.random.Generator,
    expected: Float[np.ndarray, "full full"],
    mean_radius_um: Float[np.ndarray, "full full"],
    mean_atypia: Float[np.ndarray, "full full"],
    frame: Frame,
) -> dict[str, np.ndarray]:
    """Centres (row, column in pixels), radii (µm) and atypia of one field's nuclei.

    A Poisson number of nuclei falls with the expected intensity. One that is too close to those
    standing, or to an earlier one of its round, is moved by a few µm at random and tries again, so
    that crowding does not drive nuclei out of dense tissue; after a few rounds it is given up.
    """
    cumulative = np.cumsum(expected)
    pixel = np.searchsorted(cumulative, rng.uniform(0, cumulative[-1], rng.poisson(cumulative[-1])))
    moving = np.stack(np.divmod(pixel, frame.full), axis=1) + rng.uniform(
        -0.5, 0.5, (len(pixel), 2)
    )
    severity = np.clip(mean_atypia.flat[pixel] + 0.15 * rng.standard_normal(len(pixel)), 0, 1)
    spread = np.exp((0.08 + 0.12 * severity) * np.clip(rng.standard_normal(len(pixel)), -2, 2))
    its_radius = mean_radius_um.flat[pixel] * spread
    at, radius, atypia = np.empty((0, 2)), np.empty(0), np.empty(0)
    for _ in range(8):
        both_at, both_radius = np.concatenate([at, moving]), np.concatenate([radius, its_radius])
        apart = np.linalg.norm(moving[:, None] - both_at[None], axis=2) * frame.um_per_px
        crowded = apart < 0.9 * (its_radius[:, None] + both_radius[None])
        clear = ~np.tril(crowded, k=len(at) - 1).any(axis=1)
        at = np.concatenate([at, moving[clear]])
        radius = np.concatenate([radius, its_radius[clear]])
        atypia = np.concatenate([atypia, severity[clear]])
        moving, its_radius, severity = moving[~clear], its_radius[~clear], severity[~clear]
        moving = moving + rng.normal(0, 5.0 / frame.um_per_px, size=moving.shape)
    low, high = frame.patch, frame.full - frame.patch - 1
    drawable = ((at >= low) & (at <= high)).all(axis=1)  # those beyond are far outside the tile
    return {"at": at[drawable], "radius": radius[drawable], "atypia": atypia[drawable]}


def outlines(
    tile: np.ndarray,
    at: np.ndarray,
    radius_um: np.ndarray,
    atypia: np.ndarray,
    *,
    n: int,
    frame: Frame,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw every nucleus on a patch of its own: chromatin, share inside (0..1), ring around it."""
    count = len(at)
    corner = np.rint(at).astype(int)
    ticks = np.arange(-frame.patch, frame.patch + 1)
    down = (ticks[None, :, None] - (at - corner)[:, 0, None, None]).astype(np.float32)
    across = (ticks[None, None, :] - (at - corner)[:, 1, None, None]).astype(np.float32)
    turn = rng.uniform(0, np.pi, size=count)
    stretch = np.sqrt(rng.uniform(1.0, 1.3 + 0.5 * atypia))
    cos, sin, stretch = (
        v.astype(np.float32)[:, None, None] for v in (np.cos(turn), np.sin(turn), stretch)
    )
    place = (cos * down + sin * across) / stretch + 1j * (cos * across - sin * down) * stretch
    distance = np.abs(place)
    turn_by = place / np.maximum(distance, 1e-6)  # exp(i theta)
    wobble = (0.01 + 0.06 * atypia).astype(np.float32) * np.clip(
        rng.standard_normal((2, 4, count), dtype=np.float32), -2, 2
    )
    c = (wobble[0] + 1j * wobble[1])[..., None, None]
    # Horner's scheme for c2 z^2 + c3 z^3 + c4 z^4 + c5 z^5
    series = turn_by**2 * (c[0] + turn_by * (c[1] + turn_by * (c[2] + turn_by * c[3])))
    radius_px = (radius_um / frame.um_per_px).astype(np.float32)[:, None, None]
    depth = radius_px * (1 + series.real) - distance
    inside = np.clip(depth + 0.5, 0.0, 1.0)
    rim = np.exp(-(((depth - 0.5) * frame.um_per_px) ** 2))  # the membrane holds dense chromatin
    darkness = (0.55 + 0.4 * atypia) * np.exp(0.12 * np.clip(rng.standard_normal(count), -2, 2))
    chromatin = darkness.astype(np.float32)[:, None, None] * inside * (0.85 + 0.3 * rim)
    positive = (rng.random(count) < 0.15 + 0.7 * atypia).astype(np.float32)[:, None, None]
    ring = positive * np.exp(-((np.minimum(depth, 0) * frame.um_per_px / 2.5) ** 2))
    canvases = [np.zeros((n, frame.full, frame.full), dtype=np.float32) for _ in range(3)]
    rows = corner[:, 0, None, None] + ticks[None, :, None]
    columns = corner[:, 1, None, None] + ticks[None, None, :]
    where = (tile[:, None, None] * frame.full + rows) * frame.full + columns
    for canvas, values in zip(canvases, (chromatin, inside, ring), strict=True):
        np.maximum.at(canvas.reshape(-1), where.ravel(), values.ravel())
    return canvases[0], canvases[1], canvases[2]


def truth_maps(
    drawn: list[dict[str, np.ndarray]],
    mean_radius_um: Float[np.ndarray, "n full full"],
    mean_atypia: Float[np.ndarray, "n full full"],
    frame: Frame,
) -> dict[str, Float[np.ndarray, "n size size"]]:
    """Density per mm², and radius and atypia as means over the nuclei in a Gaussian window.

    Where no nucleus is near, the means fall back to what the patient's tissue would have there.
    """
    pixels = frame.margin + np.arange(frame.size, dtype=np.float32)
    maps = [np.empty((len(drawn), frame.size, frame.size), dtype=np.float32) for _ in range(3)]
    expected = (frame.crop(mean_radius_um), frame.crop(mean_atypia))
    for i, nuclei in enumerate(drawn):
        # a Gaussian window is a product of one along rows and one along columns
        down, across = (
            np.exp(-0.5 * ((pixels[:, None] - at[None, :]) / frame.window_px) ** 2)
            for at in nuclei["at"].astype(np.float32).T
        )
        near = down @ across.T
        for values, own, prior in zip(
            maps[1:], (nuclei["radius"], nuclei["atypia"]), expected, strict=True
        ):
            weighted = (down * own.astype(np.float32)) @ across.T
            values[i] = (weighted + _PRIOR_NUCLEI * prior[i]) / (near + _PRIOR_NUCLEI)
        maps[0][i] = near / (2 * np.pi * (frame.window_px * frame.um_per_px / 1000) ** 2)
    return dict(zip(("density_per_mm2", "radius_um", "atypia"), maps, strict=True))
