import numpy as np
import pytest
from scipy.stats import norm

from medlib.pixels.ct.dose_needed import dose_needed

DOSES = np.array([1.0, 0.5, 0.25, 0.1, 0.05, 0.02])


@pytest.mark.parametrize("factor", [0.4, 1.0, 2.5])
def test_a_worse_method_needs_the_dose_that_its_detectability_says(factor):
    wanted = norm.cdf(3 * np.sqrt(0.12))
    found = dose_needed(DOSES, norm.cdf(3 * np.sqrt(DOSES * factor)), wanted=wanted)
    assert found == pytest.approx(0.12 / factor)


def test_outside_the_doses_it_does_not_guess():
    areas = norm.cdf(3 * np.sqrt(DOSES))
    assert np.isnan(dose_needed(DOSES, areas, wanted=0.9999))
    assert np.isnan(dose_needed(DOSES, areas, wanted=0.55))


def test_bad_curves_are_refused():
    with pytest.raises(ValueError, match="one area for each dose"):
        dose_needed(DOSES, DOSES[:3], wanted=0.9)
    with pytest.raises(ValueError, match="must be positive"):
        dose_needed(-DOSES, DOSES, wanted=0.9)
