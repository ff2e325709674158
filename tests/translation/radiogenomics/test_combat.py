"""ComBat equals neuroCombat, keeps what it is told to keep, and borrows where it knows little."""

import numpy as np
import pytest

from medlib.translation.radiogenomics.combat import fit_combat

# From neuroCombat 0.2.12: neuroCombat(dat=FEATURES.T, covars=DataFrame({"site": SITE, "age": AGE}),
# batch_col="site", continuous_cols=None or ["age"])["data"].T
SITE = np.repeat([0, 1, 2], [6, 5, 7])
AGE = np.array([
    0.001, 0.299, -0.274, -0.891, -0.455, -0.992, 0.06, 1.34, -0.492,
    -0.62, 0.49, 0.357, 0.105, -0.93, -0.029, 0.695, -1.344, -0.458,
])  # fmt: skip
FEATURES = np.array([
    [-1.9, -1.29, -1.842, -0.235],
    [-0.968, 0.271, 0.007, -0.127],
    [-2.791, -0.539, 0.088, 0.059],
    [-2.421, -0.478, -0.533, -0.987],
    [0.606, -0.808, 0.195, 0.793],
    [-1.576, -0.112, 0.606, -0.135],
    [0.222, 2.114, 4.008, -0.309],
    [4.629, 2.179, 0.368, 5.269],
    [2.651, 0.201, 2.358, 2.767],
    [1.097, 3.024, 2.21, 2.877],
    [4.648, 0.987, 2.06, 1.403],
    [-0.554, -1.831, -1.584, -1.066],
    [-0.266, -0.198, -1.979, -1.535],
    [-1.477, -2.395, -0.859, -1.254],
    [-0.149, -0.517, -1.215, -1.264],
    [-0.48, 0.066, -1.647, -1.074],
    [-2.097, -1.085, -0.466, -2.049],
    [-1.466, -1.311, 0.045, -0.634],
])  # fmt: skip
PLAIN = np.array([
    [-0.9323, -1.1224, -1.6726, 0.1352],
    [0.1323, 0.9362, 0.4692, 0.2845],
    [-1.9501, -0.132, 0.5631, 0.5417],
    [-1.5274, -0.0515, -0.1563, -0.9044],
    [1.9303, -0.4867, 0.687, 1.5564],
    [-0.5622, 0.4311, 1.1631, 0.2735],
    [-1.6449, 0.1659, 1.3106, -1.5663],
    [1.0878, 0.207, -0.9756, 1.7858],
    [-0.1387, -1.0446, 0.2743, 0.2822],
    [-1.1023, 0.7417, 0.1813, 0.3483],
    [1.0996, -0.5473, 0.0871, -0.5375],
    [0.7406, -0.9572, -0.6322, 0.3678],
    [1.1594, 0.7703, -1.1368, -0.4121],
    [-0.6016, -1.5539, 0.294, 0.0552],
    [1.3296, 0.4328, -0.1608, 0.0385],
    [0.8482, 1.0496, -0.7127, 0.3545],
    [-1.5032, -0.168, 0.796, -1.2667],
    [-0.5856, -0.4071, 1.4488, 1.0861],
])  # fmt: skip
KEPT = np.array([
    [-0.9564, -1.0635, -1.3668, 0.0202],
    [-0.0614, 0.757, 0.4818, 0.1131],
    [-1.8113, -0.1638, 0.5629, 0.422],
    [-1.5063, -0.0568, -0.0579, -0.7886],
    [1.364, -0.4701, 0.6699, 1.3557],
    [-0.7202, 0.3797, 1.0809, 0.2803],
    [-1.394, 0.1774, 1.2367, -1.4994],
    [1.9254, 0.368, -1.4445, 2.1902],
    [-0.0726, -1.1071, 0.3533, 0.2527],
    [-1.1124, 0.6787, 0.2971, 0.2911],
    [1.594, -0.4913, -0.1234, -0.3586],
    [0.1205, -1.0325, -0.4783, 0.1528],
    [0.9216, 0.8554, -1.1559, -0.5912],
    [-0.3458, -1.6188, 0.1023, 0.4345],
    [1.2788, 0.4954, -0.0809, -0.0246],
    [-0.0776, 1.1305, -0.4431, -0.0273],
    [-1.111, -0.0941, 0.5246, -0.8332],
    [-0.7983, -0.3961, 1.6133, 1.3501],
])  # fmt: skip


def test_it_is_neurocombat():
    assert fit_combat(FEATURES, SITE)(FEATURES, SITE) == pytest.approx(PLAIN, abs=2e-3)
    keep = AGE[:, None]
    found = fit_combat(FEATURES, SITE, keep=keep)(FEATURES, SITE, keep=keep)
    assert found == pytest.approx(KEPT, abs=2e-3)


def test_what_is_kept_stays_and_what_is_not_goes():
    rng = np.random.default_rng(0)
    site = np.arange(300) % 2
    biology = rng.normal(size=300) + 1.5 * site
    features = biology[:, None] + rng.normal(size=(300, 6)) + 2 * site[:, None]

    def apart(values):
        return (values[site == 1].mean(axis=0) - values[site == 0].mean(axis=0)).mean()

    gone = fit_combat(features, site)(features, site)
    keep = biology[:, None]
    kept = fit_combat(features, site, keep=keep)(features, site, keep=keep)
    assert abs(apart(gone)) < 0.1
    assert apart(kept) == pytest.approx(1.5, abs=0.4)


def test_few_patients_borrow_from_the_other_features():
    """The shift of one feature lies between its own mean and the mean over features."""
    rng = np.random.default_rng(1)
    site = np.repeat([0, 1], [60, 3])
    features = rng.normal(size=(63, 40)) + 1.0 * site[:, None]
    found = fit_combat(features, site)
    standard = (features - found.grand_mean) / found.sd
    raw, shift = standard[site == 1].mean(axis=0), found.shift[1]
    assert shift.std() < 0.8 * raw.std()
    assert shift.mean() == pytest.approx(raw.mean(), abs=0.15)


def test_new_patients_of_known_hospitals_and_bad_input():
    rng = np.random.default_rng(2)
    site = np.arange(200) % 2
    features = rng.normal(size=(200, 3)) * (1 + site[:, None]) + 4 * site[:, None]
    found = fit_combat(features[:100], site[:100])
    new = found(features[100:], site[100:])
    apart = new[site[100:] == 1].mean(axis=0) - new[site[100:] == 0].mean(axis=0)
    assert np.abs(apart).max() < 1.2
    with pytest.raises(ValueError, match="hospital 5 was not there"):
        found(features[:2], np.array([0, 5]))
    with pytest.raises(ValueError, match="two features at least"):
        fit_combat(features[:, :1], site)
    with pytest.raises(ValueError, match="feature 1 does not vary"):
        fit_combat(np.c_[features[:, 0], np.ones(200)], site)
    with pytest.raises(ValueError, match="two of two"):
        fit_combat(features, np.zeros(200, int))
