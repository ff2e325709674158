"""The real cohort, against the loader of the package in whose wheel it lies."""

import numpy as np
import pytest

from data_fetch.packaged.light_chains import light_chains


def test_it_is_what_scikit_survival_reads():
    datasets = pytest.importorskip("sksurv.datasets")
    table, outcome = datasets.load_flchain()
    people = light_chains()
    there = outcome["futime"] > 0
    assert len(people) == there.sum()
    assert np.array_equal(people.column("age"), table["age"][there])
    assert np.array_equal(people.column("man"), (table["sex"] == "M")[there])
    for name in ("kappa", "lambda", "creatinine"):
        assert np.array_equal(people.column(name), table[name][there], equal_nan=True)
    assert np.array_equal(people.died, outcome["death"][there])
    assert people.years == pytest.approx(outcome["futime"][there] / 365.25)


def test_an_unknown_column_is_refused():
    with pytest.raises(ValueError, match="there are age"):
        light_chains().column("chapter")
