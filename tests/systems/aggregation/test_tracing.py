"""Members stand out, others have the stated mean and variance, and units do not matter."""

import numpy as np
import pytest

from medlib.measures.auc import auc
from medlib.systems.aggregation.tracing import tracing_scores


def people(seed=0, n=900, d=40):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 3.0


def test_members_stand_out_and_more_than_by_plain_overlap():
    all_of_them = people()
    inside, outside, reference = all_of_them[:15], all_of_them[15:100], all_of_them[100:]
    total = inside.sum(axis=0)
    asked = all_of_them[:100]
    scores = tracing_scores(total, asked, summed=15, reference=reference)
    plain = (asked - asked.mean(axis=0)) @ total
    by = [auc(each[:15], each[15:]).value for each in (scores, plain)]
    assert by[0] > 0.75
    assert by[0] > by[1] + 0.05
    assert len(outside) == 85


def test_who_is_not_in_the_sum_has_mean_zero_and_variance_m():
    m, kept = 25, []
    for seed in range(30):
        all_of_them = people(seed)
        kept.append(
            tracing_scores(
                all_of_them[:m].sum(axis=0),
                all_of_them[m:100],
                summed=m,
                reference=all_of_them[100:],
            )
        )
    scores = np.concatenate(kept)
    assert abs(scores.mean()) < 1.0
    assert scores.var() == pytest.approx(m, rel=0.35)


def test_units_of_parameters_do_not_matter():
    all_of_them, units = people(), np.exp(np.random.default_rng(1).normal(size=40))
    how = {"summed": 10, "ridge": 1e-12}
    one, other = (
        tracing_scores(x[:10].sum(axis=0), x[:50], reference=x[100:], **how)
        for x in (all_of_them, all_of_them * units)
    )
    assert np.allclose(one, other, rtol=1e-5)


def test_what_is_wrong_is_refused():
    x = people()
    with pytest.raises(ValueError, match="a sum of 39"):
        tracing_scores(x[0, 1:], x, summed=1, reference=x)
    for bad in ({"reference": x[:1]}, {"summed": 0}, {"ridge": 0.0}):
        with pytest.raises(ValueError, match="at least two"):
            tracing_scores(x[0], x, **({"summed": 1, "reference": x} | bad))
