"""The score test is statsmodels'; false discoveries stay at their level over repetitions."""

import numpy as np
import pytest
import statsmodels.api as sm

from medlib.translation.radiogenomics.pathway_tests import found_pathways, score_tests

GROUPS = np.repeat(np.arange(20), 2)


def cohort(seed, *, matter=3, n=200):
    rng = np.random.default_rng(seed)
    genes, site = rng.normal(size=(n, 40)), rng.integers(2, size=n)
    odds = genes[:, : 2 * matter].sum(axis=1) * 0.6 + 1.5 * (2 * site - 1)
    return genes, (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int), site


def test_it_is_statsmodels_score_test():
    genes, response, site = cohort(0)
    ours = score_tests(genes, response, groups=GROUPS, free=site[:, None].astype(float))
    known = sm.add_constant(site.astype(float))
    fitted = sm.GLM(response, known, family=sm.families.Binomial()).fit()
    for k in (0, 5, 19):
        _, p_value, _ = fitted.model.score_test(fitted.params, exog_extra=genes[:, k == GROUPS])
        assert ours[k] == pytest.approx(np.squeeze(p_value), rel=1e-6)


def test_at_the_null_p_values_are_uniform():
    p = np.concatenate([
        score_tests(*cohort(seed, matter=0)[:2], groups=GROUPS) for seed in range(40)
    ])  # fmt: skip
    for level in (0.05, 0.2, 0.5):
        error = np.sqrt(level * (1 - level) / len(p))
        assert abs((p < level).mean() - level) < 4 * error


def test_the_mean_share_of_false_discoveries_is_at_its_level_and_true_ones_are_found():
    shares, hits = [], []
    for seed in range(150):
        genes, response, site = cohort(seed)
        p = score_tests(genes, response, groups=GROUPS, free=site[:, None].astype(float))
        found = found_pathways(p, level=0.2)
        shares.append(np.mean([k >= 3 for k in found]) if found else 0.0)
        hits.append(sum(k < 3 for k in found))
    error = np.std(shares) / np.sqrt(150)
    assert np.mean(shares) < 0.2 * 17 / 20 + 3 * error
    assert np.mean(shares) > 0.2 * 17 / 20 - 4 * error
    assert np.mean(hits) > 2


def test_benjamini_and_hochbergs_rule_by_hand():
    p = np.array([0.01, 0.02, 0.03, 0.9])
    assert found_pathways(p, level=0.05) == (0, 1, 2)
    assert found_pathways(p, level=0.02) == ()
    assert found_pathways(np.array([0.01, 0.5, 0.5, 0.5]), level=0.05) == (0,)


def test_bad_input_is_told():
    genes, response, _ = cohort(0)
    with pytest.raises(ValueError, match="one group a gene"):
        score_tests(genes, response, groups=GROUPS[:-1])
    with pytest.raises(ValueError, match="cannot tell apart"):
        score_tests(genes[:, [0, 0]], response, groups=np.array([0, 0]))
    with pytest.raises(ValueError, match="level=1"):
        found_pathways(np.array([0.5]), level=1)
    with pytest.raises(ValueError, match="separate the responses"):
        score_tests(genes, response, groups=GROUPS, free=response[:, None] * 2.0)
