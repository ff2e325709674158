"""Student's interval of a mean, against scipy and a published table."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from medlib.experiment import Estimate
from medlib.measures.auc import auc, auc_difference
from medlib.measures.mean_interval import mean_interval
from medlib.measures.patient_bootstrap import patient_mean


def test_students_table_for_ten_degrees_of_freedom():
    values = np.arange(11.0)  # s / sqrt(n) = 1 exactly
    found = mean_interval(values, unit="h")
    assert (found.value, found.n, found.unit, found.level) == (5.0, 11, "h", 0.95)
    assert found.high - found.value == pytest.approx(2.228, abs=5e-4)  # Student's t, 10, 95 %
    assert mean_interval(values, level=0.99).high - 5.0 == pytest.approx(3.169, abs=5e-4)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20), st.floats(0.5, 0.99))
def test_it_is_scipys(values, level):
    values = np.array(values)
    found = mean_interval(values, level=level)
    if np.ptp(values) > 1e-6:
        test = scipy.stats.ttest_1samp(values, 0).confidence_interval(level)
        np.testing.assert_allclose(found.interval, (test.low, test.high), rtol=1e-9, atol=1e-9)
    assert found.value == values.mean()


def test_differences_of_pairs_are_the_paired_test():
    rng = np.random.default_rng(0)
    hard = rng.normal(20, 5, 12)
    one, other = hard + 1 + 0.1 * rng.normal(size=12), hard + 0.1 * rng.normal(size=12)
    test = scipy.stats.ttest_rel(one, other).confidence_interval()
    found = mean_interval(one - other, unit="dB")
    np.testing.assert_allclose(found.interval, (test.low, test.high))
    assert found.high - found.low < 0.2  # what makes one unit harder has dropped out


def test_an_interval_is_cut_where_the_quantity_ends():
    found = mean_interval(np.array([0.9, 1.0, 1.0]), within=(0, 1))
    assert found.high == 1.0
    with pytest.raises(ValueError, match="outside its interval"):
        mean_interval(np.array([2.0, 3.0]), within=(0, 1))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.array([1.0]), "two independent units or more"),
        (np.array([]), "two independent units or more"),
        (np.array([1.0, np.nan]), "not finite"),
    ],
)
def test_what_has_no_interval_is_refused(values, says):
    with pytest.raises(ValueError, match=says):
        mean_interval(values)


def test_an_area_and_a_patients_mean_are_estimates():
    present, absent = np.array([2.0, 3.0, 4.0]), np.array([1.0, 2.0, 2.5, 0.0])
    area = auc(present, absent, level=0.9)
    assert isinstance(area, Estimate)
    assert (area.n, area.level, area.unit) == (7, 0.9, "")
    assert auc_difference((present, absent), (present, absent)).n == 7
    assert f"{area:.2ci}" == f"{area.value:.2f} [{area.low:.2f}, {area.high:.2f}]"
    mean = patient_mean(
        np.arange(6.0), np.array([1, 1, 2, 2, 3, 3]), rng=np.random.default_rng(0), level=0.8
    )
    assert isinstance(mean, Estimate)
    assert (mean.n, mean.n_patients, mean.n_tiles, mean.level) == (3, 3, 6, 0.8)
