"""The MNI152 template: the average of 152 brains in nilearn's wheel, at 1 to 4 mm."""

import numpy as np

from data_fetch.packaged.wheel import packaged_file
from data_fetch.readers import read_nifti
from data_fetch.sample import Sample

_MNI = {
    "t1": (
        "421a10e872fd6cadae7f61d358dffbcc1795a497d61ee76c5dda2503e1a1e9e6",
        "fraction of the maximum",
    ),
    "gm": (
        "97a5ca69bd24db37a9cb7b32525e1733a209af904129bf1cd36da06d24243bed",
        "grey-matter probability",
    ),
    "wm": (
        "382d92812de4744f9c86c7a0e4f680dc317a0a50e4da1f0153618a6798c7b7db",
        "white-matter probability",
    ),
}


def mni152(kind: str = "t1", *, resolution_mm: int = 1) -> Sample:
    """The ICBM 2009a symmetric average of 152 brains: T1 (skull-stripped) or tissue probability.

    At n mm every voxel is the mean of n x n x n voxels of the 1 mm file, a true partial-volume
    average; edges that do not fill a block are empty and dropped, and the affine moves by half the
    difference.

    Args:
        kind: "t1", "gm" (grey matter) or "wm" (white matter).
        resolution_mm: 1, 2, 3 or 4.

    Returns:
        Sample of float32 (x, y, z) in RAS+, values 0..1.

    Raises:
        ValueError: another kind or resolution.

    >>> gm = mni152("gm", resolution_mm=2)
    >>> gm.array.shape, gm.spacing_mm
    ((98, 116, 94), (2.0, 2.0, 2.0))
    """
    if kind not in _MNI:
        raise ValueError(f'kind is {kind!r}; choose "t1", "gm" or "wm"')
    if resolution_mm not in (1, 2, 3, 4):
        raise ValueError(f"resolution_mm is {resolution_mm!r}; choose 1, 2, 3 or 4")
    sha256, unit = _MNI[kind]
    file = f"datasets/data/mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz"
    sample = read_nifti(
        packaged_file("nilearn", file, sha256=sha256),
        name=f"nilearn/mni152_{kind}",
        unit=unit,
        licence="shipped in the wheel of nilearn (BSD-3-Clause), whose description of the template "
        'says "License: unknown"',
        cite="Fonov VS, Evans AC, Botteron K, Almli CR, McKinstry RC, Collins DL. Unbiased average "
        "age-appropriate atlases for pediatric studies. NeuroImage 2011;54:313-327.",
        doi="10.1016/j.neuroimage.2010.07.033",
        note="an average of 152 registered brains, smoother than any of them, and nobody's own",
    )
    array = sample.array / np.float32(255)
    n = resolution_mm
    if n == 1:
        return sample.with_array(array)
    trimmed = array[tuple(slice(0, size // n * n) for size in array.shape)]
    x, y, z = (size // n for size in trimmed.shape)
    affine = sample.affine @ np.diag([n, n, n, 1.0])
    affine[:3, 3] += sample.affine[:3, :3] @ np.full(3, (n - 1) / 2)
    return sample.with_array(
        trimmed.reshape(x, n, y, n, z, n).mean(axis=(1, 3, 5), dtype=np.float32),
        spacing_mm=tuple(s * n for s in sample.spacing_mm),
        affine=affine,
    )
