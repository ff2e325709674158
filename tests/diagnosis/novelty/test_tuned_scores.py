"""One procedure for all: what it chooses, and that it does not look elsewhere."""

import numpy as np
import pytest

from medlib.diagnosis.novelty.candidates import METHODS
from medlib.diagnosis.novelty.tuned_scores import tune_scores
from medlib.measures.auc import auc

RNG = np.random.default_rng(0)


def some(n, labels=None, *, strange=False):
    """Depth "noise" knows nothing, depth "signal" tells strangers by its last feature."""
    labels = np.zeros(n, dtype=int) if labels is None else labels
    signal = RNG.normal(size=(n, 3)) + np.stack([6.0 * labels, 0 * labels, 0 * labels], axis=1)
    return {"noise": RNG.normal(size=(n, 3)), "signal": signal + np.array([0, 0, 5.0 * strange])}


def study():
    y, v = np.arange(150) % 2, np.arange(60) % 2
    known, validation, outliers = some(150, y), some(60, v), {"odd": some(40, strange=True)}
    return known, y, {"validation": validation, "validation_labels": v, "outliers": outliers}


def test_the_depth_that_sees_is_chosen_by_every_distance():
    known, y, rest = study()
    found = tune_scores(known, y, **rest)
    for method in METHODS[:4]:
        best = found.best(method)
        assert best.depth == "signal", method
        assert best.validation_auc > 0.9
        usual, odd = best(rest["validation"]), best(rest["outliers"]["odd"])
        assert best.validation_auc == pytest.approx(auc(odd, usual).value)
        assert best.validation_auc >= found.best(method, among=["noise"]).validation_auc
    assert found.classifier_depth == "signal"
    right = found.logits(rest["validation"]).argmax(axis=1) == rest["validation_labels"]
    assert right.mean() > 0.95


def test_a_kind_may_be_left_out_of_the_choice_of_the_depth():
    known, y, rest = study()
    blind = some(40)
    blind["noise"] = blind["noise"] + 30  # a kind that only the other depth can see
    found = tune_scores(known, y, **{**rest, "outliers": rest["outliers"] | {"loud": blind}})
    assert found.best("Euclid", without="odd").depth == "noise"
    assert found.best("Euclid", without="loud").depth == "signal"
    assert set(found.best("Euclid").by_kind) == {"odd", "loud"}


def test_it_is_repeatable_and_knows_nothing_of_a_kind_that_it_was_not_given():
    known, y, rest = study()
    first, second = (tune_scores(known, y, **rest) for _ in range(2))
    new = some(5)
    for method in METHODS:
        assert np.array_equal(first.best(method)(new), second.best(method)(new))


def test_bad_input_is_refused():
    known, y, rest = study()
    with pytest.raises(ValueError, match="outliers is empty"):
        tune_scores(known, y, **{**rest, "outliers": {}})
    with pytest.raises(ValueError, match="nothing of"):
        tune_scores(known, y, **rest).best("Mahalanobis", among=["nowhere"])
