"""The ceiling is high where classes lie apart, and one half where nothing tells them."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from medlib.diagnosis.novelty.ceiling import supervised_auc


def test_equals_scikit_learns_cross_validation():
    rng = np.random.default_rng(0)
    out, known = rng.normal(0.5, 1, (60, 4)), rng.normal(size=(90, 4))
    ours = supervised_auc(out, known, rng=np.random.default_rng(7)).value
    state = int(np.random.default_rng(7).integers(2**31))
    truth = np.repeat([1, 0], [60, 90])
    peer = cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression(C=0.01)),
        np.concatenate([out, known]),
        truth,
        cv=StratifiedKFold(4, shuffle=True, random_state=state),
        method="decision_function",
    )
    assert ours == pytest.approx(roc_auc_score(truth, peer), abs=2e-3)


def test_knows_nothing_where_there_is_nothing():
    rng = np.random.default_rng(1)
    found = [
        supervised_auc(rng.normal(size=(80, 3)), rng.normal(size=(80, 3)), rng=rng).value
        for _ in range(20)
    ]
    assert np.mean(found) == pytest.approx(0.5, abs=0.06)


def test_too_few_are_refused():
    with pytest.raises(ValueError, match="4 at least"):
        supervised_auc(np.zeros((2, 1)), np.zeros((9, 1)), rng=np.random.default_rng(0))
