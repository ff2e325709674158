"""One real head: where it lies, and that it is what the template is, seen from the same side."""

import numpy as np

from data_fetch.packaged.brain_template import mni152
from data_fetch.packaged.single_head import single_head


def test_it_lies_on_the_template_voxel_by_voxel_and_the_right_way_round():
    head, template = single_head(), mni152("t1", resolution_mm=2)
    assert head.kind == "real"
    np.testing.assert_allclose(head.affine[:3, :3], 2 * np.eye(3))
    start = np.rint(np.linalg.inv(template.affine) @ head.affine @ [0, 0, 0, 1]).astype(int)[:3]
    part = template.array[
        tuple(slice(i, i + n) for i, n in zip(start, head.array.shape, strict=True))
    ]
    alike = np.corrcoef(part.ravel(), head.array.ravel())[0, 1]
    back_to_front = np.corrcoef(part[:, ::-1].ravel(), head.array.ravel())[0, 1]
    assert alike > 0.5 > back_to_front


def test_its_greys_are_a_fraction_of_its_brightest():
    array = single_head().array
    assert array.dtype == np.float32
    assert np.percentile(array, 99.9) == np.float32(1)
    assert array.min() > -0.1
