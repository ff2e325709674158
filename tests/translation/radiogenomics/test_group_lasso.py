"""With groups of one it is scikit-learn's lasso; else a general solver's optimum."""

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from medlib.translation.radiogenomics.group_lasso import (
    group_lasso,
    largest_penalty,
    shrink_groups,
)

GROUPS = np.repeat([0, 1, 2, 3], [3, 1, 4, 2])


def cohort(seed=0, n=120):
    rng = np.random.default_rng(seed)
    genes = rng.normal(size=(n, 10)) + 0.5 * rng.normal(size=(n, 1))
    odds = genes[:, :3] @ [0.8, -0.6, 0.5] + 0.3
    return genes, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)


def objective(values, columns, response, groups, penalty, n_free):
    odds = columns @ values
    lengths = np.sqrt(np.bincount(groups, weights=values[n_free:] ** 2))
    loss = (np.logaddexp(0, odds) - response * odds).mean()
    return loss + penalty * (np.sqrt(np.bincount(groups)) * lengths).sum()


@given(st.integers(0, 999), st.floats(0, 3))
def test_the_proximal_step_is_the_minimum_that_it_is_said_to_be(seed, amount):
    rng = np.random.default_rng(seed)
    before = rng.normal(size=10)
    after = shrink_groups(before, groups=GROUPS, amount=amount)

    def value(b):
        lengths = np.sqrt(np.bincount(GROUPS, weights=b**2))
        return (
            0.5 * ((b - before) ** 2).sum()
            + amount * (np.sqrt(np.bincount(GROUPS)) * lengths).sum()
        )

    best = value(after)
    for size in (1e-3, 1e-1):
        for _ in range(10):
            assert value(after + size * rng.normal(size=10)) >= best - 1e-12


@pytest.mark.parametrize("penalty", [0.1, 0.03, 0.005])
def test_groups_of_one_are_scikit_learns_lasso(penalty):
    genes, response = cohort()
    ours = group_lasso(genes, response, groups=np.arange(10), penalty=penalty, tolerance=1e-9)
    theirs = LogisticRegression(
        l1_ratio=1.0, C=1 / (penalty * len(response)), solver="saga", tol=1e-12, max_iter=100_000
    ).fit(genes, response)
    assert ours.effects == pytest.approx(theirs.coef_[0], abs=1e-6)
    assert ours.free[0] == pytest.approx(theirs.intercept_[0], abs=1e-6)


@pytest.mark.parametrize("penalty", [0.05, 0.02])
def test_it_is_the_optimum_of_a_general_solver(penalty):
    """Groups' lengths as variables of their own, cones as constraints: SLSQP from scipy."""
    genes, response = cohort()
    columns = np.c_[np.ones(len(genes)), genes]
    found = group_lasso(genes, response, groups=GROUPS, penalty=penalty, tolerance=1e-9)
    roots = np.sqrt(np.bincount(GROUPS))

    def value(v):
        odds = columns @ v[:11]
        return (np.logaddexp(0, odds) - response * odds).mean() + penalty * roots @ v[11:]

    cones = [
        {"type": "ineq", "fun": lambda v, k=k: v[11 + k] ** 2 - (v[1:11][k == GROUPS] ** 2).sum()}
        for k in range(4)
    ]
    start = np.r_[np.zeros(11), np.full(4, 0.5)]
    start[1:11] = 0.1
    other = scipy.optimize.minimize(
        value, start, method="SLSQP", constraints=cones, bounds=[(None, None)] * 11 + [(0, 9)] * 4,
        options={"maxiter": 2000, "ftol": 1e-13},
    )  # fmt: skip
    mine = objective(np.r_[found.free, found.effects], columns, response, GROUPS, penalty, n_free=1)
    theirs = objective(other.x[:11], columns, response, GROUPS, penalty, n_free=1)
    assert mine <= theirs + 1e-9
    assert mine == pytest.approx(theirs, abs=2e-5)


def test_no_step_in_any_direction_lowers_the_objective():
    genes, response = cohort(4)
    site = (np.arange(120) % 2)[:, None].astype(float)
    found = group_lasso(genes, response, groups=GROUPS, penalty=0.03, free=site, tolerance=1e-10)
    columns = np.c_[np.ones(120), site, genes]
    at = np.r_[found.free, found.effects]
    best = objective(at, columns, response, GROUPS, 0.03, 2)
    rng = np.random.default_rng(0)
    for size in (1e-4, 1e-2, 1.0):
        for _ in range(50):
            moved = at + size * rng.normal(size=12)
            assert objective(moved, columns, response, GROUPS, 0.03, 2) >= best - 1e-12


def test_groups_enter_whole_and_the_largest_penalty_is_where_the_first_does():
    genes, response = cohort(2)
    top = largest_penalty(genes, response, groups=GROUPS)
    assert group_lasso(genes, response, groups=GROUPS, penalty=1.0001 * top).found(GROUPS) == ()
    some = group_lasso(genes, response, groups=GROUPS, penalty=0.97 * top)
    assert len(some.found(GROUPS)) == 1
    for k in range(4):
        own = some.effects[k == GROUPS] != 0
        assert own.all() or not own.any()


def test_a_free_column_takes_what_a_hospital_adds():
    rng = np.random.default_rng(5)
    genes, site = rng.normal(size=(400, 10)), np.arange(400) % 2
    genes[:, -1] += 2 * site  # a gene of ancestry
    response = (rng.random(400) < 1 / (1 + np.exp(-(3 * site - 1.5)))).astype(int)
    options = {"groups": GROUPS, "penalty": 0.05}
    assert 3 in group_lasso(genes, response, **options).found(GROUPS)
    free = site[:, None].astype(float)
    known = group_lasso(genes, response, free=free, **options)
    assert known.found(GROUPS) == ()
    odds = known.score(genes, free=free) - known.score(genes)
    assert np.ptp(odds[site == 1]) < 1e-12
    assert odds[site == 1].mean() > 2


def test_bad_input_and_too_few_steps_are_told():
    genes, response = cohort()
    with pytest.raises(ValueError, match="penalty is 0"):
        group_lasso(genes, response, groups=GROUPS, penalty=0)
    with pytest.raises(ValueError, match="group 1 has no gene"):
        group_lasso(genes, response, groups=GROUPS * 2, penalty=0.1)
    with pytest.raises(ValueError, match="there must be both"):
        group_lasso(genes, np.ones(120, int), groups=GROUPS, penalty=0.1)
    with pytest.raises(ValueError, match="one row for each of 120"):
        group_lasso(genes, response, groups=GROUPS, penalty=0.1, free=np.ones((3, 1)))
    with pytest.raises(RuntimeError, match="after 10 proximal steps"):
        group_lasso(genes, response, groups=GROUPS, penalty=0.001, tolerance=1e-12, most=10)
