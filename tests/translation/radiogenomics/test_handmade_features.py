"""Numbers made by hand know what their names say."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import kurtosis, skew

from medlib.translation.radiogenomics.handmade_features import NAMES, handmade_features


def images(n=4):
    return np.random.default_rng(0).normal(size=(n, 32, 32))


def test_first_order_numbers_are_those_of_scipy():
    rows, columns = np.indices((32, 32)) - 15.5
    disc = images()[:, np.hypot(rows, columns) <= 8]
    found = dict(zip(NAMES, handmade_features(images()).T, strict=True))
    assert found["skewness"] == pytest.approx(skew(disc, axis=1))
    assert found["kurtosis"] == pytest.approx(kurtosis(disc, axis=1, fisher=False))
    assert found["dark share"] == pytest.approx((disc < 0).mean(axis=1))
    assert found["bright share"] == pytest.approx((disc > 1).mean(axis=1))
    assert found["median"] == pytest.approx(np.median(disc, axis=1))


def test_what_lies_outside_the_disc_hardly_matters():
    changed = images()
    changed[:, :4] += 5.0
    assert np.allclose(handmade_features(changed), handmade_features(images()))


def test_smoother_noise_has_less_grain_and_fewer_edges():
    smooth = np.stack([gaussian_filter(image, 1.5) for image in images()])
    smooth /= smooth.std(axis=(1, 2), keepdims=True)
    fine, coarse = (dict(zip(NAMES, handmade_features(one).T, strict=True))
                    for one in (images(), smooth))  # fmt: skip
    for name in ("grain", "edges"):
        assert (coarse[name] < fine[name]).all()


def test_an_image_is_read_by_itself():
    assert np.allclose(handmade_features(images())[1:2], handmade_features(images()[1:2]))


def test_a_flat_image_has_finite_numbers():
    assert np.isfinite(handmade_features(np.zeros((1, 32, 32)))).all()


def test_what_is_no_stack_is_refused():
    with pytest.raises(ValueError, match="stack"):
        handmade_features(np.zeros((1, 32, 31)))
