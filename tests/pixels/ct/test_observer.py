import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.stats import norm
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from medlib.measures.auc import auc
from medlib.pixels.ct.observer import channel_responses, laguerre_gauss, train_observer


def test_the_observer_reaches_the_ideal_observer_in_white_noise():
    """Signal inside the span of the channels: the Hotelling detectability is ‖signal‖/σ."""
    g = torch.Generator().manual_seed(0)
    channels = laguerre_gauss(size=21, n_channels=4, width_px=10.0)
    signal = 1.2 * channels[0] / channels[0].norm()
    noise = torch.randn(4, 2000, 21, 21, generator=g, dtype=torch.float64)
    observer = train_observer(noise[0] + signal, noise[1], channels=channels)
    area = auc(observer.score(noise[2] + signal), observer.score(noise[3]))
    assert area.value == pytest.approx(norm.cdf(1.2 / np.sqrt(2)), abs=0.02)


def test_without_a_lesion_it_guesses():
    g = torch.Generator().manual_seed(0)
    channels = laguerre_gauss(size=15, n_channels=5, width_px=8.0)
    noise = torch.randn(4, 400, 15, 15, generator=g)
    observer = train_observer(noise[0], noise[1], channels=channels)
    area = auc(observer.score(noise[2]), observer.score(noise[3]), level=0.999)
    assert area.low < 0.5 < area.high


def test_on_its_training_images_it_flatters_itself():
    g = torch.Generator().manual_seed(0)
    channels = laguerre_gauss(size=15, n_channels=10, width_px=8.0)
    noise = torch.randn(2, 12, 15, 15, generator=g)
    observer = train_observer(noise[0], noise[1], channels=channels)
    assert auc(observer.score(noise[0]), observer.score(noise[1])).value > 0.8


@given(st.integers(1, 8), st.floats(10, 14))
def test_channels_are_orthonormal(n_channels, width_px):
    u = laguerre_gauss(size=121, n_channels=n_channels, width_px=width_px).flatten(1)
    torch.testing.assert_close(u @ u.T, torch.eye(n_channels).double(), atol=1e-6, rtol=0)


def test_mistakes_are_named():
    channels = laguerre_gauss(size=5, n_channels=3, width_px=3.0)
    with pytest.raises(ValueError, match="crop the images"):
        channel_responses(torch.zeros(2, 6, 6), channels=channels)
    with pytest.raises(ValueError, match="more images than there are channels"):
        train_observer(torch.zeros(3, 5, 5), torch.zeros(9, 5, 5), channels=channels)


def test_in_correlated_noise_the_weights_are_fishers():
    """scikit-learn's linear discriminant finds the same direction, up to scale."""
    rng = np.random.default_rng(0)
    noise = gaussian_filter(rng.standard_normal((2, 300, 15, 15)), (0, 0, 1.5, 1.5))
    present, absent = torch.from_numpy(noise)
    channels = laguerre_gauss(size=15, n_channels=4, width_px=8.0)
    present = present + 0.05 * channels[1]
    ours = train_observer(present, absent, channels=channels).weights.numpy()
    seen = channel_responses(torch.cat([present, absent]), channels=channels).numpy()
    labels = np.repeat([1, 0], 300)
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(seen, labels).coef_[0]
    cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
    assert cosine == pytest.approx(1, abs=1e-9)
