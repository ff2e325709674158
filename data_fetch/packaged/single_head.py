"""One person's head: the middle of a T1-weighted MR among the test files of nibabel's wheel."""

import numpy as np

from data_fetch.packaged.wheel import packaged_file
from data_fetch.readers import read_nifti
from data_fetch.sample import Sample

_SHA256 = "1c089f37b6597a38bb4157a1e1b3f7f13f1bc9d4e7a8cfdfaf91d85cd8f66594"


def single_head() -> Sample:
    """The deep middle of one brain at 2 mm, roughly in the space of the MNI152 template.

    From 32 mm left to 32 mm right of the middle, and from 16 mm below to 32 mm above the plane of
    the commissures. Whose head it is, and which scanner saw it, its package does not tell.

    Returns:
        Sample of float32 (x, y, z) in RAS+, a fraction of the volume's 99.9th percentile; noise can
        be below 0.

    >>> head = single_head()
    >>> head.array.shape, head.spacing_mm, [float(x) for x in head.affine[:3, 3]]
    ((33, 41, 25), (2.0, 2.0, 2.0), [-32.0, -40.0, -16.0])
    """
    sample = read_nifti(
        packaged_file("nibabel", "tests/data/anatomical.nii", sha256=_SHA256),
        name="nibabel/anatomical",
        unit="fraction of the 99.9th percentile",
        licence="shipped among the test files of nibabel's wheel (MIT), which states no origin",
        cite="nibabel, access to a cacophony of neuro-imaging file formats",
        doi="10.5281/zenodo.591597",
        note="one head, cut to its middle; aligned with MNI152 by an affine map or better, by whom"
        " and how is not stated",
    )
    affine = sample.affine.copy()
    if affine[0, 0] < 0:  # its first axis runs to the left
        affine[:3, 3] += affine[:3, 0] * (sample.array.shape[0] - 1)
        affine[:3, 0] *= -1
        sample = sample.with_array(sample.array[::-1], affine=affine)
    array = sample.array.astype(np.float32)
    return sample.with_array(np.ascontiguousarray(array / np.percentile(array, 99.9)))
