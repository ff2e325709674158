import numpy as np
import pytest

from medlib.translation.shifts.chosen_at_home import choose_probe, cross_fitted


def test_no_image_is_judged_by_what_learned_from_it():
    # labels by chance, as many features as images: who learned from an image knows its label
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(60, 60)), np.tile([0, 1], 30)
    judged = cross_fitted(features, labels, strength=1e3)
    assert 0.3 < np.mean((judged > 0.5) == labels) < 0.7


def test_a_label_rarer_than_the_folds_is_in_the_learning_part_of_each():
    features, labels = np.arange(30.0)[:, None], np.repeat([0, 1], [28, 2])
    assert np.isfinite(cross_fitted(features, labels, strength=1.0)).all()
    with pytest.raises(ValueError, match="two are needed"):
        cross_fitted(features, np.repeat([0, 1], [29, 1]), strength=1.0)


def test_the_choice_is_the_least_of_the_losses_it_shows():
    rng = np.random.default_rng(1)
    labels = np.tile([0, 1], 40)
    noise = rng.normal(size=(80, 3))
    features = {
        "stem": noise,
        "stage1": noise + labels[:, None],
        "head": noise + labels[:, None] / 4,
    }
    found = choose_probe(features, labels, strengths=[1.0, 1e-4])
    assert (found.depth, found.strength) == ("stage1", 1.0)
    assert len(found.losses) == 6
    assert found.losses["stage1", 1.0] == min(found.losses.values())
