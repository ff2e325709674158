import numpy as np
import pytest
import torch

from medlib.measures.frechet import frechet_distance
from medlib.pixels.staining.appearance import appearance


def test_appearance_is_numpys_mean_spread_and_steps():
    x = torch.rand(2, 3, 6, 7, generator=torch.Generator().manual_seed(0)).double()
    got, y = appearance(x).numpy(), x.numpy()
    np.testing.assert_allclose(got[:, :3], y.mean((2, 3)))
    np.testing.assert_allclose(got[:, 3:6], y.std((2, 3)))
    steps = [np.abs(np.diff(y, axis=k)).mean((2, 3)) for k in (2, 3)]
    np.testing.assert_allclose(got[:, 6:], (steps[0] + steps[1]) / 2)


def test_a_picture_and_its_mirror_look_alike():
    """The danger: everything in the wrong place, and a perfect score."""
    x = torch.rand(8, 3, 6, 7, generator=torch.Generator().manual_seed(0)).double()
    assert frechet_distance(appearance(x), appearance(x.flip(3))) == pytest.approx(0, abs=1e-6)
