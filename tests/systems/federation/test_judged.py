"""AUC at each hospital against scikit-learn, and what one AUC over all rewards."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from medlib.systems.federation.judged import (
    auc_by_hospital,
    auc_over_all,
    eight_views,
    scores_by_hospital,
)


def drawn(seed, *, n=200, prevalence=0.5, offset=0.0):
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) < prevalence * n).astype(int)
    return rng.normal(size=n) + labels + offset, labels


def test_each_is_scikit_learns():
    scored = {"A": drawn(0), "B": drawn(1, prevalence=0.2)}
    for name, value in auc_by_hospital(scored).items():
        assert value == pytest.approx(roc_auc_score(scored[name][1], scored[name][0]))
    scores, labels = (np.concatenate(parts) for parts in zip(*scored.values(), strict=True))
    assert auc_over_all(scored) == pytest.approx(roc_auc_score(labels, scores))


def test_to_know_the_hospital_counts_for_skill_unless_prevalence_is_matched():
    def over_all(prevalences):
        scored = {
            str(p): drawn(i, n=2000, prevalence=q, offset=3 * (p - 0.5))
            for i, (p, q) in enumerate(zip((0.1, 0.9), prevalences, strict=True))
        }
        return auc_over_all(scored), np.mean(list(auc_by_hospital(scored).values()))

    own, within = over_all((0.1, 0.9))
    matched, again = over_all((0.5, 0.5))
    assert within == pytest.approx(again, abs=0.02)
    assert own > within + 0.05 > matched + 0.05


def test_scores_are_of_the_hospitals_own_weights(net, sites):
    tests = {name: (sites[name].images, sites[name].labels) for name in "AB"}
    other = {k: v + 1 if v.is_floating_point() else v for k, v in net.state_dict().items()}
    one = scores_by_hospital(net, {"A": net.state_dict(), "B": net.state_dict()}, tests)
    two = scores_by_hospital(net, {"A": net.state_dict(), "B": other}, tests)
    np.testing.assert_array_equal(one["A"][0], two["A"][0])
    assert not np.array_equal(one["B"][0], two["B"][0])
    with pytest.raises(ValueError, match="hospital 'B' has test images and no weights"):
        scores_by_hospital(net, {"A": net.state_dict()}, tests)


def test_eight_views_are_all_different_and_keep_their_labels(sites):
    site = sites["A"]
    seen = eight_views(site)
    assert len(seen) == 8 * len(site)
    first = seen.images[:: len(site)]
    assert len({view.numpy().tobytes() for view in first}) == 8
    assert torch.equal(seen.labels[len(site) : 2 * len(site)], site.labels)
    assert torch.equal(seen.images.sum(dim=(1, 2, 3)).reshape(8, -1).std(dim=0) < 1e-3,
                       torch.ones(len(site), dtype=torch.bool))  # fmt: skip
    assert torch.equal(seen.validation_images, site.validation_images)
