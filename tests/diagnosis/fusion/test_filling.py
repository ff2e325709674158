"""A guess is scikit-learn's, reads nothing of what is missing, and follows a curve."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression

from medlib.diagnosis.fusion.filling import _features, fit_filling


def scans(n=6, seed=0):
    """A PET that is a bow of the MRI, with noise."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(n, 3, 16, 16, generator=generator)
    noise = torch.randn(n, 16, 16, generator=generator)
    images[:, 1] = 1 - images[:, 0] ** 2 + 0.1 * noise
    return images


@pytest.mark.parametrize("missing", ["MRI", "PET"])
def test_the_weights_are_scikit_learns(missing):
    images = scans()
    known = _features(images, missing).double().flatten(0, 2).numpy()
    wanted = images[:, ("MRI", "PET").index(missing)].numpy().ravel()
    theirs = LinearRegression(fit_intercept=False).fit(known, wanted).predict(known)
    ours = known @ fit_filling(images, missing).weights.numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_what_is_missing_is_not_read():
    one, other = scans(), scans()
    other[:, 1:] = 7.0
    fill = fit_filling(scans(seed=1), "PET")
    assert torch.equal(fill(one), fill(other))
    assert torch.equal(fill(one)[:, 0], one[:, 0])
    assert (fill(one)[:, 2] == 0).all()
    assert (other[:, 1] == 7).all()


def test_a_guess_follows_a_curve_on_new_scans():
    new = scans(seed=2)
    guess = fit_filling(scans(seed=1), "PET")(new)[:, 1]
    assert (guess - new[:, 1]).square().mean() < 0.1 * new[:, 1].var()


def test_a_missing_mri_keeps_pet_and_its_dose():
    images = scans()
    assert torch.equal(fit_filling(images, "MRI")(images)[:, 1:], images[:, 1:])


def test_a_square_is_a_mean_of_its_pixels_inside_the_image():
    images = torch.zeros(1, 3, 16, 16)
    images[0, 0, 0, 0] = 4.0
    assert _features(images, "PET")[0, 0, 0, 4] == 1.0  # three by three, of which four are inside


def test_an_unknown_image_is_refused():
    with pytest.raises(ValueError, match="missing is 'CT'"):
        fit_filling(scans(), "CT")
