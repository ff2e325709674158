"""Sums are exact, the dials do not turn each other, and a pool gives no more than it has."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlib.systems.federation.allotment import (
    deal,
    dirichlet_counts,
    geometric_sizes,
    skewed_counts,
)

SIZES = st.lists(st.integers(1, 200), min_size=1, max_size=8)


@settings(max_examples=50)
@given(st.integers(40, 3000), st.integers(2, 8), st.floats(1, 20))
def test_sizes_sum_and_keep_the_ratio_as_far_as_whole_images_do(total, n, ratio):
    sizes = geometric_sizes(total, n=n, ratio=ratio, least=0)
    assert sum(sizes) == total
    assert list(sizes) == sorted(sizes, reverse=True)
    assert sizes[0] == pytest.approx(ratio * sizes[-1], abs=1 + ratio)
    steps = [(a + 1) / max(b - 1, 1e-9) for a, b in itertools.pairwise(sizes)]
    assert all(step > ratio ** (1 / (n - 1)) - 1e-9 for step in steps)


def test_the_total_that_is_named_does():
    with pytest.raises(ValueError, match="give 248 images") as refused:
        geometric_sizes(200, n=5, ratio=16, least=8)
    assert "leave the smallest of 5 hospitals 6, fewer than 8" in str(refused.value)
    assert geometric_sizes(248, n=5, ratio=16, least=8)[-1] == 8


@settings(max_examples=50)
@given(SIZES, st.floats(0, 1), st.floats(0, 1), st.integers(0, 99))
def test_the_prevalence_of_all_together_is_the_same_at_every_skew(sizes, prevalence, skew, seed):
    counts = skewed_counts(sizes, prevalence=prevalence, skew=skew, rng=np.random.default_rng(seed))
    assert counts.sum(axis=1).tolist() == sizes
    assert counts[:, 1].sum() == round(prevalence * sum(sizes))
    assert (counts >= 0).all()


def test_from_all_alike_to_one_class_only():
    def shares(skew):
        rng = np.random.default_rng(3)
        return skewed_counts([100] * 5, prevalence=0.4, skew=skew, rng=rng)[:, 1] / 100

    assert shares(0.0).tolist() == [0.4] * 5
    assert sorted(shares(0.5).tolist()) == [0.2, 0.2, 0.2, 0.7, 0.7]
    assert sorted(shares(1.0).tolist()) == [0, 0, 0, 1, 1]


def test_who_is_filled_first_does_not_follow_the_sizes():
    firsts = {
        int(np.argmax(skewed_counts([40, 20, 10], prevalence=0.1, skew=1.0,
                                    rng=np.random.default_rng(seed))[:, 1]))
        for seed in range(20)
    }  # fmt: skip
    assert firsts == {0, 1, 2}


@settings(max_examples=40)
@given(SIZES, st.floats(1e-4, 1e4), st.integers(0, 99))
def test_a_dirichlet_allotment_has_the_sizes_that_were_asked(sizes, alpha, seed):
    counts = dirichlet_counts(
        sizes, shares=[0.2, 0.3, 0.5], alpha=alpha, rng=np.random.default_rng(seed)
    )
    assert counts.sum(axis=1).tolist() == sizes


def test_a_dirichlet_mixture_has_the_moments_of_the_law():
    """Of each share: mean p, variance p (1 - p) / (alpha + 1)."""
    counts = dirichlet_counts(
        [10_000] * 1500, shares=[0.3, 0.7], alpha=2.0, rng=np.random.default_rng(0)
    )
    share = counts[:, 0] / 10_000
    assert share.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.07 / 1500))
    assert share.var() == pytest.approx(0.07, rel=0.15)


@pytest.mark.parametrize("alpha", [1e-3, 1e-310])
def test_a_small_alpha_leaves_one_class(alpha):
    rng = np.random.default_rng(0)
    counts = dirichlet_counts([50] * 200, shares=[0.3, 0.7], alpha=alpha, rng=rng)
    assert (counts.max(axis=1) == 50).mean() > 0.97
    assert (counts[:, 0] == 50).mean() == pytest.approx(0.3, abs=0.13)  # 4 standard errors


def test_one_more_hospital_changes_no_mixture_before_it():
    def mixtures(n):
        rng = np.random.default_rng(1)
        return dirichlet_counts([30] * n, shares=[0.5, 0.5], alpha=0.5, rng=rng)

    assert (mixtures(5)[:4] == mixtures(4)).all()


@settings(max_examples=30)
@given(st.integers(0, 99), st.floats(0, 1))
def test_a_pool_is_dealt_without_giving_anything_twice(seed, skew):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(60) % 2)
    pool = np.bincount(labels, minlength=2)
    counts = skewed_counts([20, 10, 5], prevalence=0.4, skew=skew, rng=rng, pool=pool.tolist())
    dealt = deal(labels, counts=counts, rng=rng)
    rows = np.concatenate(dealt)
    assert len(np.unique(rows)) == len(rows) == 35
    for got, asked in zip(dealt, counts, strict=True):
        assert np.bincount(labels[got], minlength=2).tolist() == asked.tolist()


def test_a_pool_that_is_too_small_is_refused_with_the_number_it_would_need():
    labels = np.array([0] * 10 + [1] * 3)
    with pytest.raises(ValueError, match="class 1: 4 images are asked for, the pool has 3"):
        deal(labels, counts=np.array([[5, 2], [0, 2]]), rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="class 0: 10 images are asked for, the pool has 9"):
        skewed_counts([20], prevalence=0.5, skew=0, rng=np.random.default_rng(0), pool=[9, 99])
    with pytest.raises(ValueError, match="class 0: 10 images are asked for, the pool has 9"):
        dirichlet_counts(
            [20], shares=[0.5, 0.5], alpha=1e9, rng=np.random.default_rng(0), pool=[9, 99]
        )


def test_numbers_out_of_range_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"ratio=0\.5"):
        geometric_sizes(10, n=2, ratio=0.5)
    with pytest.raises(ValueError, match=r"n=1 .* ratio=2"):
        geometric_sizes(10, n=1, ratio=2)
    with pytest.raises(ValueError, match=r"skew=1\.5 must lie"):
        skewed_counts([5], prevalence=0.5, skew=1.5, rng=rng)
    with pytest.raises(ValueError, match="sizes are \\[5, 0\\]"):
        skewed_counts([5, 0], prevalence=0.5, skew=0.5, rng=rng)
    with pytest.raises(ValueError, match="alpha=0"):
        dirichlet_counts([5], shares=[0.5, 0.5], alpha=0.0, rng=rng)
    with pytest.raises(ValueError, match=r"shares \[0\.5, 0\.6\]"):
        dirichlet_counts([5], shares=[0.5, 0.6], alpha=1.0, rng=rng)
