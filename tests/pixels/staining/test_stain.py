import numpy as np
import pytest
import skimage.color
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from data_fetch.packaged import ihc
from medlib.pixels.staining.optical_density import optical_density, transmitted
from medlib.pixels.staining.stain import (
    DAB,
    EOSIN,
    HAEMATOXYLIN,
    recompose_stains,
    separate_stains,
    stain_matrix,
)

vectors = st.tuples(*[st.floats(0.01, 1.0)] * 3)
amounts = hnp.arrays(np.float64, (2, 3, 4, 5), elements=st.floats(-1, 3))


@given(vectors, vectors, amounts)
def test_separation_and_recomposition_are_inverse_for_any_two_dyes(first, second, values):
    unit = [np.array(v) / np.linalg.norm(v) for v in (first, second)]
    assume(np.linalg.norm(np.cross(*unit)) > 0.1)
    matrix, stains = stain_matrix(first, second), torch.from_numpy(values)
    density = recompose_stains(stains, matrix=matrix)
    torch.testing.assert_close(
        separate_stains(density, matrix=matrix), stains, rtol=1e-9, atol=1e-9
    )
    torch.testing.assert_close(
        recompose_stains(separate_stains(stains, matrix=matrix), matrix=matrix),
        stains,
        rtol=1e-9,
        atol=1e-9,
    )


def test_real_tissue_comes_back_from_its_stains_to_the_grey_level():
    rgb = torch.from_numpy(ihc().array).permute(2, 0, 1)[None].double() / 255
    matrix = stain_matrix(HAEMATOXYLIN, DAB)
    stains = separate_stains(optical_density(rgb, darkest=1e-6), matrix=matrix)
    back = transmitted(recompose_stains(stains, matrix=matrix))
    assert torch.equal((back * 255).round(), (rgb * 255).round())


def test_scikit_image_sees_the_same_haematoxylin_and_dab():
    """skimage uses base-10⁻⁶ logarithms (a factor of 6) and clips negative amounts to 0."""
    image = ihc().array
    conversion = skimage.color.hdx_from_rgb
    theirs = skimage.color.separate_stains(image, conversion) * 6
    matrix = torch.from_numpy(np.linalg.inv(conversion))
    rgb = torch.from_numpy(image).permute(2, 0, 1)[None].double() / 255
    ours = separate_stains(optical_density(rgb, darkest=1e-6), matrix=matrix)
    ours = ours[0].permute(1, 2, 0).clamp_min(0).numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_scikit_images_rgb2hed_is_the_matrix_of_three_dyes():
    image = ihc().array[:64, :64]
    theirs = skimage.color.rgb2hed(image) * 6
    scale = np.linalg.norm(skimage.color.rgb_from_hed, axis=1)
    rgb = torch.from_numpy(image).permute(2, 0, 1)[None].double() / 255
    own = tuple(tuple(row) for row in skimage.color.rgb_from_hed.tolist())
    matrix = stain_matrix(*own)
    ours = separate_stains(optical_density(rgb, darkest=1e-6), matrix=matrix)[0].permute(1, 2, 0)
    np.testing.assert_allclose(ours.clamp_min(0).numpy() / scale, theirs, atol=1e-6)


@pytest.mark.parametrize("dye", [HAEMATOXYLIN, EOSIN, DAB])
def test_published_vectors_are_those_of_scikit_image(dye):
    both = np.concatenate([skimage.color.rgb_from_hed, skimage.color.rgb_from_hdx[:2]])
    unit = np.array(dye) / np.linalg.norm(dye)
    angles = np.degrees(np.arccos((both / np.linalg.norm(both, axis=1, keepdims=True)) @ unit))
    assert angles.min() < 0.7  # they are published with two or three digits


def test_third_row_is_at_a_right_angle_and_takes_what_two_dyes_cannot_explain():
    matrix = stain_matrix(HAEMATOXYLIN, DAB)
    torch.testing.assert_close(matrix[2] @ matrix[:2].T, torch.zeros(2).double())
    mixture = (0.3 * matrix[0] + 0.8 * matrix[1]).reshape(1, 3, 1, 1)
    assert float(separate_stains(mixture, matrix=matrix)[0, 2].abs()) < 1e-12


def test_dyes_that_cannot_be_told_apart_are_refused():
    with pytest.raises(ValueError, match="alike"):
        stain_matrix(DAB, DAB)
    with pytest.raises(ValueError, match="told apart"):
        stain_matrix(HAEMATOXYLIN, DAB, tuple(np.add(HAEMATOXYLIN, DAB).tolist()))
