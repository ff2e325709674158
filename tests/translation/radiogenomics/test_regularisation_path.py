"""A path is its points, and both choices of the penalty are what their names say."""

import numpy as np
import pytest

from medlib.translation.radiogenomics.group_lasso import group_lasso
from medlib.translation.radiogenomics.regularisation_path import choose_penalty, path

GROUPS = np.repeat([0, 1, 2, 3], 3)


def cohort(seed=0, n=200):
    rng = np.random.default_rng(seed)
    genes = rng.normal(size=(n, 12))
    odds = 1.2 * genes[:, :3] @ [1, -1, 1]
    return genes, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)


def test_warm_starts_change_no_solution():
    genes, response = cohort()
    penalties = np.array([0.1, 0.05, 0.02])
    for fit, penalty in zip(
        path(genes, response, groups=GROUPS, penalties=penalties, tolerance=1e-8),
        penalties,
        strict=True,
    ):
        alone = group_lasso(genes, response, groups=GROUPS, penalty=penalty, tolerance=1e-8)
        assert fit.effects == pytest.approx(alone.effects, abs=1e-6)


def test_the_choices_are_the_least_and_the_sparsest_within_an_error():
    genes, response = cohort()
    found = choose_penalty(
        genes, response, groups=GROUPS, rng=np.random.default_rng(0), folds=4, count=8
    )
    best = int(np.argmin(found.loss))
    assert found.at_edge == (best == 7)
    within = np.flatnonzero(found.loss <= found.loss[best] + found.error[best])[0]
    assert within <= best
    assert set(found.one_error.found(GROUPS)) <= set(found.least.found(GROUPS))
    assert 0 in found.one_error.found(GROUPS)
    assert (found.error > 0).all()


def test_of_genes_that_mean_nothing_the_one_error_choice_takes_few():
    rng = np.random.default_rng(3)
    taken = []
    for seed in range(5):
        genes, _ = cohort(seed)
        response = rng.integers(2, size=200)
        options = {"groups": GROUPS, "rng": rng, "folds": 4, "count": 6}
        taken.append(len(choose_penalty(genes, response, **options).one_error.found(GROUPS)))
    assert np.mean(taken) < 1


def test_bad_input_is_told():
    genes, response = cohort()
    with pytest.raises(ValueError, match="must fall"):
        path(genes, response, groups=GROUPS, penalties=np.array([0.1, 0.2]))
    with pytest.raises(ValueError, match="folds=1"):
        choose_penalty(genes, response, groups=GROUPS, rng=np.random.default_rng(0), folds=1)
