"""In what units features are compared."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler, normalize

from medlib.diagnosis.novelty.feature_scaling import SCALINGS, fit_scaling


def cloud(seed: int, n: int = 12, d: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(3, 2, size=(n, d))


def test_equals_scikit_learn():
    known, new = cloud(0), cloud(1)
    ours = fit_scaling(known, kind="each by its sd")(new)
    assert np.allclose(ours, StandardScaler().fit(known).transform(new))
    assert np.allclose(fit_scaling(known, kind="unit length")(new), normalize(new))
    assert np.array_equal(fit_scaling(known, kind="as they are")(new), new)


@given(st.integers(0, 99), st.sampled_from(SCALINGS))
def test_new_images_are_scaled_one_by_one(seed, kind):
    scale, new = fit_scaling(cloud(seed), kind=kind), cloud(seed + 1)
    assert np.allclose(scale(new)[:3], scale(new[:3]))


def test_a_feature_that_never_varies_and_an_empty_row_stay_finite():
    known = cloud(0)
    known[:, 1] = 7
    assert np.isfinite(fit_scaling(known, kind="each by its sd")(cloud(1))).all()
    assert fit_scaling(known, kind="unit length")(np.zeros((1, 4))).tolist() == [[0, 0, 0, 0]]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="choose"):
        fit_scaling(cloud(0), kind="squashed")
    with pytest.raises(ValueError, match="two rows"):
        fit_scaling(cloud(0)[:1], kind="unit length")
    with pytest.raises(ValueError, match=r"expected \(n, 4\)"):
        fit_scaling(cloud(0), kind="unit length")(cloud(0, d=3))
