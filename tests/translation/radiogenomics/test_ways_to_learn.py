"""Ways begin alike, are reproducible, and each changes what it says it changes."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from medlib.translation.radiogenomics.balanced_auc import balanced_auc
from medlib.translation.radiogenomics.standardised_auc import standardised_auc
from medlib.translation.radiogenomics.ways_to_learn import (
    RULES,
    WAYS,
    Patients,
    Setting,
    learn,
    read,
    worth,
)


def patients(n, seed):
    """Squares whose brightness inside is biology and whose noise is the hospital's."""
    rng = np.random.default_rng(seed)
    response = rng.integers(2, size=n)
    site = (rng.random(n) < np.where(response == 1, 0.85, 0.15)).astype(int)
    images = 0.5 * rng.standard_normal((n, 32, 32))
    smooth = (images + np.roll(images, 1, 1) + np.roll(images, 1, 2)) / np.sqrt(3)
    images = np.where(site[:, None, None] == 1, smooth, images)
    images[:, 12:20, 12:20] += (response * 0.8)[:, None, None]
    images = images.astype(np.float32)[:, None]
    return Patients(
        images=torch.from_numpy(images), site=torch.from_numpy(site),
        response=torch.from_numpy(response),
    )  # fmt: skip


def fit(way, *, steps=12, setting=None, seed=0):
    return learn(
        way, patients(64, 1), setting=setting or Setting(strength=1.0),
        validation=patients(60, 2), steps=steps, batch_size=32, looks=2,
        generator=torch.Generator().manual_seed(seed),
    )  # fmt: skip


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("way", WAYS)
def test_a_way_is_reproducible_and_differs_from_plain(way):
    first, again = fit(way), fit(way)
    assert same(first.looks[-1].state, again.looks[-1].state)
    assert np.isfinite(first.reader_loss) == (way == "adversary")
    if way != "plain":
        assert not same(first.looks[-1].state, fit("plain").looks[-1].state)


@pytest.mark.parametrize("way", ["adversary", "covariance", "within", "correlation", "kernel"])
def test_with_no_strength_it_is_plain(way):
    none = Setting(strength=0.0)
    assert same(fit(way, setting=none).looks[-1].state, fit("plain", setting=none).looks[-1].state)


@pytest.mark.parametrize("rule", RULES)
def test_what_a_rule_keeps_is_where_it_was_greatest(rule):
    found, held = fit("plain", steps=40), patients(60, 2)
    at = held.site.numpy(), held.response.numpy()
    kept = found.best(rule)
    scores, _ = read(found.network(kept), held.images)
    assert worth(scores, *at)[rule] == pytest.approx(kept.worth[rule])
    assert all(look.worth[rule] <= kept.worth[rule] for look in found.looks)
    assert [look.step for look in found.looks] == [20, 40]
    assert not same(found.looks[0].state, found.looks[1].state)


def test_rules_are_what_their_names_say():
    draw = np.random.default_rng(0)
    scores, site, response = draw.normal(size=60), np.arange(60) % 2, draw.integers(2, size=60)
    found = worth(scores, site, response)
    assert found["balanced"] == pytest.approx(balanced_auc(scores, site, response))
    assert found["standardised"] == pytest.approx(standardised_auc(scores, site, response))
    assert found["usual"] == pytest.approx(roc_auc_score(response, scores))


def test_the_reader_is_judged_before_it_learns_from_a_batch():
    """With one look a training of one step: the loss of a reader that has learned nothing."""
    found = fit("adversary", steps=1)
    assert abs(found.reader_loss - np.log(2)) < 0.1
    more = fit("adversary", steps=1, setting=Setting(strength=1.0, reader_steps=20))
    assert more.reader_loss == pytest.approx(found.reader_loss)


def test_a_strong_covariance_penalty_lowers_the_correlation():
    """Of patients whose hospital and response hang together: without, plain has none to lower."""
    held = patients(400, 3)

    def correlation(way, strength):
        setting = Setting(strength=strength)
        network = fit(way, steps=120, setting=setting).network()
        return abs(np.corrcoef(read(network, held.images)[0], held.site.numpy())[0, 1])

    plain = correlation("plain", 0.0)
    assert plain > 0.5, "the response goes with the hospital, and plain reads the response"
    assert correlation("covariance", 30.0) < plain / 2


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="way is 'magic'"):
        fit("magic")
    with pytest.raises(ValueError, match="strength >= 0"):
        fit("covariance", setting=Setting(strength=-1))
