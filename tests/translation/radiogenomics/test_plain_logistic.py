"""It is statsmodels' fit, and says so where there is none."""

import numpy as np
import pytest
import statsmodels.api as sm

from medlib.translation.radiogenomics.plain_logistic import plain_logistic


def test_it_is_statsmodels():
    rng = np.random.default_rng(0)
    columns = np.c_[np.ones(200), rng.normal(size=(200, 2)), rng.integers(2, size=200)]
    response = (rng.random(200) < 1 / (1 + np.exp(-columns @ [0.5, 1, -1, 2]))).astype(int)
    expected = sm.GLM(response, columns, family=sm.families.Binomial()).fit(tol=1e-12).params
    assert plain_logistic(columns, response) == pytest.approx(expected.tolist(), abs=1e-6)


def test_an_intercept_alone_is_the_log_odds():
    response = np.repeat([0, 1], [30, 10])
    assert plain_logistic(np.ones((40, 1)), response)[0] == pytest.approx(np.log(10 / 30))


@pytest.mark.parametrize("kind", ["separated", "doubled"])
def test_where_there_is_no_fit(kind):
    response = np.arange(40) % 2
    other = response * 2.0 if kind == "separated" else np.ones(40)
    with pytest.raises(ValueError, match="separate the responses"):
        plain_logistic(np.c_[np.ones(40), other], response)
