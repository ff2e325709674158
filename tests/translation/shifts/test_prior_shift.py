"""Prior shift: laws of Bayes' correction, EM against a general optimiser, BBSE in closed form."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from medlib.translation.shifts.prior_shift import (
    bbse_prior,
    correct_prior,
    em_prior,
    joint_confusion,
    moved_threshold,
)

positive = st.floats(0.01, 1)
rates = arrays(float, 3, elements=positive).map(lambda a: a / a.sum())
tables = arrays(float, (7, 3), elements=positive).map(lambda a: a / a.sum(1, keepdims=True))


def gaussians(rng, n, prevalence, *, old, distance=2.0):
    """Scores of two normal classes, and the exact p(y=1|x) at the prevalence `old`."""
    y = (rng.random(n) < prevalence).astype(int)
    x = rng.normal(y * distance)
    one = old * norm.pdf(x, distance)
    p = one / (one + (1 - old) * norm.pdf(x))
    return x, y, np.stack([1 - p, p], axis=1)


@given(p=tables, old=rates, new=rates)
def test_correcting_back_restores_and_equal_rates_change_nothing(p, old, new):
    there = correct_prior(p, old=old, new=new)
    np.testing.assert_allclose(there.sum(1), 1)
    np.testing.assert_allclose(correct_prior(there, old=new, new=old), p, rtol=1e-9)
    np.testing.assert_allclose(correct_prior(p, old=old, new=old), p, rtol=1e-12)


@given(p=tables, old=rates, new=rates, order=st.permutations([0, 1, 2]))
def test_the_names_of_the_classes_do_not_matter(p, old, new, order):
    there = correct_prior(p, old=old, new=new)
    other = correct_prior(p[:, order], old=old[order], new=new[order])
    np.testing.assert_allclose(other, there[:, order], rtol=1e-12)


def test_corrected_probabilities_are_those_of_the_new_site():
    x, _, p = gaussians(np.random.default_rng(0), 500, 0.5, old=0.01)
    exact = norm.pdf(x, 2) / (norm.pdf(x, 2) + norm.pdf(x))
    there = correct_prior(p, old=np.array([0.99, 0.01]), new=np.array([0.5, 0.5]))
    np.testing.assert_allclose(there[:, 1], exact, rtol=1e-9)


@given(t=st.floats(0.01, 0.99), old=st.floats(0.001, 0.999), new=st.floats(0.001, 0.999))
def test_the_moved_threshold_decides_as_the_corrected_probability_does(t, old, new):
    moved = moved_threshold(t, old=old, new=new)
    assert 0 < moved < 1
    p = np.array([[1 - moved, moved]])
    corrected = correct_prior(p, old=np.array([1 - old, old]), new=np.array([1 - new, new]))
    assert corrected[0, 1] == pytest.approx(t, rel=1e-6)
    assert moved_threshold(t, old=old, new=old) == pytest.approx(t)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), prevalence=st.floats(0.05, 0.95), old=st.floats(0.01, 0.5))
def test_em_climbs_to_the_top_that_a_general_optimiser_finds(seed, prevalence, old):
    p = gaussians(np.random.default_rng(seed), 300, prevalence, old=old)[2]
    found = em_prior(p, old=np.array([1 - old, old]), tolerance=1e-9)
    assert (np.diff(found.log_likelihood) >= -1e-12).all()

    def loss(rate):
        return -np.log(p @ [(1 - rate) / (1 - old), rate / old]).mean()

    best = minimize_scalar(loss, bounds=(0, 1), method="bounded", options={"xatol": 1e-10})
    assert found.prior[1] == pytest.approx(best.x, abs=1e-4)
    assert found.prior.sum() == pytest.approx(1)


def test_em_and_bbse_recover_the_true_rate_within_their_sampling_error():
    rng, truth, old = np.random.default_rng(1), 0.5, np.array([0.99, 0.01])
    found = {"em": [], "bbse": []}
    for _ in range(60):
        x, y, _ = gaussians(rng, 20_000, 0.01, old=0.01)
        said = np.eye(2)[(x > 1).astype(int)]
        there, _, p = gaussians(rng, 400, truth, old=0.01)
        found["em"].append(em_prior(p, old=old).prior[1])
        confusion = joint_confusion(said, y)
        found["bbse"].append(
            bbse_prior(np.eye(2)[(there > 1).astype(int)], confusion=confusion).prior[1]
        )
    for name, values in found.items():
        error = np.std(values) / np.sqrt(len(values))
        assert abs(np.mean(values) - truth) < 4 * error, name
        assert np.std(values) < 0.05, name


def test_em_stays_at_home_where_nothing_changed_and_breaks_on_overconfidence():
    rng, old = np.random.default_rng(2), np.array([0.7, 0.3])
    p = gaussians(rng, 50_000, 0.3, old=0.3)[2]
    assert em_prior(p, old=old).prior[1] == pytest.approx(0.3, abs=0.01)
    sure = p**3 / (p**3).sum(1, keepdims=True)
    assert abs(em_prior(sure, old=old).prior[1] - 0.3) > 0.02


@given(
    tpr=st.floats(0, 1), fpr=st.floats(0, 1), old=st.floats(0.01, 0.99), said=st.integers(0, 100)
)
def test_bbse_of_two_classes_is_rogan_and_gladens_closed_form(tpr, fpr, old, said):
    assume(abs(tpr - fpr) > 0.05)
    confusion = np.array([[1 - fpr, 1 - tpr], [fpr, tpr]]) * [1 - old, old]
    answers = np.eye(2)[np.repeat([0, 1], [100 - said, said])]
    found = bbse_prior(answers, confusion=confusion)
    expected = (said / 100 - fpr) / (tpr - fpr)
    assert found.weights[1] * old == pytest.approx(expected, abs=1e-9)
    assert found.prior.sum() == pytest.approx(1)
    if 0 <= expected <= 1:
        assert found.prior[1] == pytest.approx(expected, abs=1e-9)


def test_bbse_returns_the_labelled_rates_on_the_labelled_images_themselves():
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, 200)
    soft = rng.dirichlet(np.ones(3), 200) + 0.5 * np.eye(3)[y]
    soft /= soft.sum(1, keepdims=True)
    found = bbse_prior(soft, confusion=joint_confusion(soft, y))
    np.testing.assert_allclose(found.weights, 1)
    np.testing.assert_allclose(found.prior, np.bincount(y) / 200)


def test_the_worse_the_classifier_the_worse_the_condition():
    conditions = [
        bbse_prior(np.eye(2), confusion=np.array([[0.9, 0.1 * (1 - t)], [0.0, 0.1 * t]])).condition
        for t in (1.0, 0.5, 0.1)
    ]
    assert conditions[0] == pytest.approx(1)
    assert conditions[0] < conditions[1] < conditions[2]


def test_joint_confusion_is_scikit_learns():
    from sklearn.metrics import confusion_matrix

    rng = np.random.default_rng(4)
    y, said = rng.integers(0, 3, (2, 100))
    ours = joint_confusion(np.eye(3)[said], y)
    np.testing.assert_allclose(ours, confusion_matrix(y, said, normalize="all").T)


def test_errors_teach():
    half, p = np.array([0.5, 0.5]), np.array([[0.9, 0.1]])
    with pytest.raises(ValueError, match="sums to 1"):
        correct_prior(np.array([[0.9, 0.3]]), old=half, new=half)
    with pytest.raises(ValueError, match="never seen"):
        correct_prior(p, old=np.array([1.0, 0.0]), new=half)
    with pytest.raises(ValueError, match=r"new=\[0.7, 0.7\]: rates"):
        correct_prior(p, old=half, new=np.array([0.7, 0.7]))
    with pytest.raises(ValueError, match="row 0 is certain"):
        correct_prior(np.array([[1.0, 0.0]]), old=half, new=np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match="both excluded"):
        moved_threshold(0.5, old=0.0, new=0.5)
    with pytest.raises(RuntimeError, match="hardly determined"):
        em_prior(np.array([[0.6, 0.4], [0.4, 0.6]]), old=np.array([0.3, 0.7]), max_steps=3)
    with pytest.raises(ValueError, match="needs a labelled image"):
        joint_confusion(np.eye(2), np.array([0, 0]))
    never = joint_confusion(np.eye(2)[[0, 0, 0]], np.array([0, 0, 1]))
    with pytest.raises(ValueError, match="singular"):
        bbse_prior(np.eye(2)[[0, 0]], confusion=never)
