import pytest
import torch

from medlib.measures.auc import auc
from medlib.pixels.ct.lesion_reader import LesionReader


@pytest.mark.parametrize("site", [(64, 64), (20, 100), (110, 17)])
def test_both_squares_hold_the_place(site):
    reader = LesionReader(site=site, size=128, width_px=12.0, n_learn=4)
    image = torch.zeros(1, 128, 128)
    image[0, site[0], site[1]] = 1
    near = image[reader.near]
    assert near.shape == (1, 64, 64)
    assert near[0, reader.spot[0], reader.spot[1]] == 1
    around = near[reader.around]
    assert around.shape == (1, 31, 31)
    assert around[0, 15, 15] == 1


def test_it_finds_what_is_there_on_scans_that_it_did_not_learn_from():
    reader = LesionReader(site=(40, 40), size=80, width_px=8.0, n_learn=60)
    absent, present = torch.randn(2, 120, 64, 64, generator=torch.Generator().manual_seed(0))
    present[:, reader.spot[0], reader.spot[1]] += 10
    scores = reader.scores(present, absent)
    assert len(scores[0]) == 60
    assert auc(*scores).value > 0.9


def test_a_place_at_the_rim_and_sets_without_a_rest_are_refused():
    with pytest.raises(ValueError, match="further inside"):
        LesionReader(site=(5, 40), size=80, width_px=8.0, n_learn=60)
    reader = LesionReader(site=(40, 40), size=80, width_px=8.0, n_learn=60)
    with pytest.raises(ValueError, match="none is left"):
        reader.scores(torch.zeros(60, 64, 64), torch.zeros(70, 64, 64))
