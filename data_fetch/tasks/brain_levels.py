"""Axial slices of one brain with its tissues, in blocks that do not touch: for registration.

Real anatomy, the MNI152 template: an average, and nobody's own.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from data_fetch.packaged import mni152
from data_fetch.sample import Sample

LEVELS_MM = {
    "training": ((-26.0, 7.0), (43.0, 58.0)),
    "validation": ((31.0, 40.0),),
    "test": ((10.0, 28.0),),
}
_CROP = {
    3: ((4, 60), (7, 71)),
    2: ((9, 89), (10, 106)),
}  # first and last of x and y, the brain inside


@dataclass(frozen=True, eq=False)
class BrainLevels:
    """Slices as a registration wants them.

    Attributes:
        sample: (level, channel, row, column); channels are T1, probability of grey and of white
            matter. Rows run to the back, columns to the right.
        z_mm: of each level, above the plane of the commissures.
        pixel_mm: side of a pixel, and distance of two levels.
    """

    sample: Sample
    z_mm: Float[np.ndarray, " levels"]
    pixel_mm: float

    def blocks(self, split: str) -> list[Float[np.ndarray, "levels 3 rows columns"]]:
        """The neighbouring levels of a split; some splits have two such blocks.

        Raises:
            ValueError: no such split.
        """
        if split not in LEVELS_MM:
            raise ValueError(f"split={split!r}: one of {', '.join(LEVELS_MM)}")
        return [
            self.sample.array[(self.z_mm >= low) & (self.z_mm <= high)]
            for low, high in LEVELS_MM[split]
        ]


def brain_levels(*, resolution_mm: int = 3) -> BrainLevels:
    """All axial slices of the template, cut to sides that can be halved three times.

    Args:
        resolution_mm: 2 or 3.

    Raises:
        ValueError: another resolution.

    >>> levels = brain_levels()
    >>> levels.sample.array.shape, [len(block) for block in levels.blocks("test")]
    ((63, 3, 64, 56), [7])
    """
    if resolution_mm not in _CROP:
        raise ValueError(f"resolution_mm is {resolution_mm!r}; choose 2 or 3")
    kinds = [mni152(kind, resolution_mm=resolution_mm) for kind in ("t1", "gm", "wm")]
    (left, right), (back, front) = _CROP[resolution_mm]
    volume = np.stack([one.array[left:right, back:front] for one in kinds])  # (3, x, y, z)
    slices = np.ascontiguousarray(volume.transpose(3, 0, 2, 1)[:, :, ::-1])  # front comes first
    z_mm = kinds[0].affine[2, 3] + resolution_mm * np.arange(len(slices))
    sample = kinds[0].with_array(
        slices,
        name="nilearn/mni152_levels",
        spacing_mm=(resolution_mm, resolution_mm),
        affine=None,
        orientation="rows to P, columns to R",
        note="axial slices of an average of 152 brains, with tissue probabilities as channels",
    )
    return BrainLevels(sample, z_mm, float(resolution_mm))
