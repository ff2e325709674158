"""Alone and pooled are the same loop, at its full strength, for as many steps."""

from dataclasses import replace

import pytest
import torch

from medlib.systems.federation.baselines import alone, pool, pooled
from medlib.systems.federation.federation import validated
from medlib.systems.federation.site_training import Recipe, train_at_site

RECIPE = Recipe(rounds=3, steps=2, batch_size=4, mu=0.5)


def trained(net, site, hospital):
    """As one run of six steps, without rounds."""
    whole = Recipe(rounds=1, steps=6, batch_size=4)
    return train_at_site(
        net, net.state_dict(), site, recipe=whole, seed=0, hospital=hospital, number=1
    ).weights


def test_alone_is_plain_training_without_seams_and_without_a_leash(net, sites):
    found = alone(net, sites, recipe=RECIPE, seed=0)
    for name in "AE":
        want = trained(net, sites[name], name)
        assert all(torch.equal(found[name].last[k], want[k]) for k in want)
        assert set(found[name].rounds[0].validation_loss) == {name}


def test_pooled_is_plain_training_on_all_images_judged_by_each_hospital(net, sites):
    found = pooled(net, sites, recipe=RECIPE, seed=0)
    want = trained(net, pool(sites), "pooled")
    assert all(torch.equal(found.last[k], want[k]) for k in want)
    at_best = found.rounds[found.best_round - 1].validation_loss
    assert at_best == {name: validated(net, found.weights, site)[0] for name, site in sites.items()}


def test_both_baselines_can_keep_their_last_round(net, sites):
    for name, done in alone(net, sites, recipe=RECIPE, seed=0, keep="last").items():
        assert done.best_round == RECIPE.rounds, name
    done = pooled(net, sites, recipe=RECIPE, seed=0, keep="last")
    assert all(torch.equal(done.weights[k], w) for k, w in done.last.items())


def test_a_pool_holds_every_image_once_whatever_the_order(sites):
    together, backwards = pool(sites), pool(dict(reversed(sites.items())))
    assert torch.equal(together.images, backwards.images)
    assert len(together) == sum(len(site) for site in sites.values())
    assert torch.equal(together.validation_labels[:8], sites["A"].validation_labels)
    assert torch.equal(together.images[-16:], sites["E"].images)


def test_no_hospital_is_refused():
    with pytest.raises(ValueError, match="no hospital"):
        pool({})


def test_a_pool_of_one_hospital_is_that_hospital(net, sites):
    one = {"pooled": replace(sites["B"])}
    mine, theirs = alone(net, one, recipe=RECIPE, seed=0), pooled(net, one, recipe=RECIPE, seed=0)
    assert all(torch.equal(v, theirs.last[k]) for k, v in mine["pooled"].last.items())
