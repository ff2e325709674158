"""The probe's scores meet scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from medlib.nets.features import fit_head
from medlib.translation.seeing.linear_probe import probe


@pytest.mark.parametrize("labels", [2, 4])
def test_scores_are_the_library_s(labels):
    rng = np.random.default_rng(labels)
    y = np.arange(80) % labels
    x = rng.normal(size=(80, 6)) + np.eye(6)[y]
    train, test = (x[:40], y[:40]), (x[40:], y[40:])
    got = probe(train, test, strength=0.5)
    head = fit_head(*train, strength=0.5)
    guess = head.predict_proba(test[0])
    each = [roc_auc_score(test[1] == k, guess[:, k]) for k in range(labels)]
    assert got.auc == pytest.approx(np.mean(each), abs=1e-12)
    assert got.accuracy == accuracy_score(test[1], head.predict(test[0]))
    assert got.auc > 0.6


def test_labels_must_occur_on_both_sides():
    x = np.zeros((4, 1))
    with pytest.raises(ValueError, match=r"labels are \[0, 1\] in training, \[0\] in the test"):
        probe((x, np.array([0, 1, 0, 1])), (x, np.array([0, 0, 0, 0])))
