"""Deletion and insertion on networks whose answer is known."""

import numpy as np
import pytest
import torch
from torch import nn

from medlib.pixels.maps.deletion_insertion import ScoreCurve, score_curve


class Brightness(nn.Module):
    """Logits (0, gain × the sum of the pixels in the left half)."""

    def forward(self, x):
        left = x[..., : x.shape[-1] // 2].sum((1, 2, 3))
        return torch.stack([torch.zeros_like(left), left], dim=1)


@pytest.fixture(scope="module")
def network():
    return Brightness().eval()


LEFT = torch.tensor([[[4.0, 1.0], [3.0, 0.0]]])  # marks the left column first
RIGHT = -LEFT


def curve(network, maps, mode, **more):
    images = torch.ones(len(maps), 1, 4, 4)
    given = {"baseline": torch.zeros(1), "target": 1, "steps": 4, **more}
    return score_curve(network, images, maps, mode=mode, **given)


def test_deletion_takes_the_marked_cells_first(network):
    p = curve(network, LEFT, "deletion").probabilities[0]
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-np.array([8, 4, 0, 0, 0]))), rtol=1e-6)


def test_insertion_is_deletion_backwards_with_the_map_turned_round(network):
    forward = curve(network, LEFT, "deletion").probabilities
    backward = curve(network, RIGHT, "insertion").probabilities
    np.testing.assert_allclose(backward, forward[:, ::-1])


def test_a_right_map_beats_a_wrong_one_on_both_curves(network):
    assert curve(network, LEFT, "deletion").area < curve(network, RIGHT, "deletion").area
    assert curve(network, LEFT, "insertion").area > curve(network, RIGHT, "insertion").area


def test_the_area_is_scikit_learns():
    from sklearn.metrics import auc

    rng = np.random.default_rng(0)
    found = ScoreCurve(np.linspace(0, 1, 6), rng.random((3, 6)))
    np.testing.assert_allclose(found.area, [auc(found.shares, p) for p in found.probabilities])


def test_both_ends_do_not_depend_on_the_map(network):
    a, b = (curve(network, maps, "deletion").probabilities for maps in (LEFT, RIGHT))
    np.testing.assert_array_equal(a[:, [0, -1]], b[:, [0, -1]])


def test_errors_teach(network):
    with pytest.raises(ValueError, match="whole pixels"):
        curve(network, torch.zeros(1, 3, 3), "deletion")
    with pytest.raises(ValueError, match="steps=5"):
        curve(network, LEFT, "deletion", steps=5)


@pytest.mark.parametrize("mode", ["deletion", "insertion"])
def test_ends_that_are_known_are_not_asked_again(mode):
    class Counting(Brightness):
        asked = 0

        def forward(self, x):
            self.asked += 1
            return super().forward(x)

    network = Counting().eval()
    whole = curve(network, LEFT, mode)
    assert network.asked == 5
    p = torch.from_numpy(whole.probabilities).float()
    ends = (p[:, 0], p[:, -1]) if mode == "deletion" else (p[:, -1], p[:, 0])
    again = curve(network, LEFT, mode, ends=ends)
    assert network.asked == 5 + 3
    np.testing.assert_array_equal(again.probabilities, whole.probabilities)
