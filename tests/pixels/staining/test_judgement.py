"""A painted field beside the true one."""

import numpy as np
import pytest
import torch

from medlib.pixels.staining.judgement import Judge, count_nuclei, dark_end, dyes_of, match_all
from medlib.pixels.staining.optical_density import transmitted
from medlib.pixels.staining.stain import DAB, HAEMATOXYLIN, recompose_stains, stain_matrix

MATRIX = stain_matrix(HAEMATOXYLIN, DAB)


def field(strength: float = 1.0, spots=((10, 12), (28, 30), (12, 50))) -> torch.Tensor:
    """Round nuclei of haematoxylin on a ground of DAB; (1, 3, 40, 80)."""
    rows, columns = torch.meshgrid(torch.arange(40.0), torch.arange(80.0), indexing="ij")
    blue = sum(torch.exp(-((rows - r) ** 2 + (columns - c) ** 2) / 12) for r, c in spots)
    amounts = torch.stack([strength * (0.5 * blue + 0.02), 0.1 + 0.002 * columns, 0 * rows])
    return transmitted(recompose_stains(amounts[None], matrix=MATRIX))


@pytest.fixture
def judge() -> Judge:
    return Judge(field(), reference=field(), tile_px=40, threshold=0.1)


def test_the_truth_is_perfect(judge):
    found = judge(field())
    assert found.psnr_db == float("inf")
    assert (found.f1, found.nuclei.matched) == (1.0, 3)
    assert found.structure == pytest.approx(1)
    assert found.brown == pytest.approx(1)


def test_a_nucleus_more_and_one_less_are_counted(judge):
    found = judge(field(spots=((10, 12), (28, 30), (30, 70)))).nuclei
    assert (found.matched, found.invented, found.erased) == (2, 1, 1)


def test_inverted_haematoxylin_has_structure_below_zero(judge):
    amounts = dyes_of(field())
    amounts[:, 0] = amounts[:, 0].amax() - amounts[:, 0]
    assert judge(transmitted(recompose_stains(amounts, matrix=MATRIX))).structure < -0.9


def test_a_stronger_stain_has_a_dark_end_in_proportion():
    assert dark_end(field(2.0)) == pytest.approx(2 * dark_end(field()), rel=1e-3)


def test_nuclei_are_found_where_they_are():
    (found,) = count_nuclei(field(), threshold=0.1)
    assert sorted(map(tuple, found)) == [(10.0, 12.0), (12.0, 50.0), (28.0, 30.0)]


def test_images_are_paired_each_with_its_own_truth():
    a, b = np.array([[5.0, 5.0]]), np.array([[20.0, 20.0]])
    assert match_all([a, b], [a, b]).f1 == 1.0
    assert match_all([a, b], [b, a]).matched == 0
