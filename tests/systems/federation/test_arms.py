"""Ways to learn that are called alike: what each sends, keeps, and how many steps it makes."""

import pytest
import torch

from medlib.systems.federation.arms import ARMS, learn
from medlib.systems.federation.baselines import alone
from medlib.systems.federation.federation import federate, validated
from medlib.systems.federation.message_bytes import array_bytes
from medlib.systems.federation.site_training import Recipe, validate_at_site

RECIPE = Recipe(rounds=2, steps=2, batch_size=4, mu=0.5)


@pytest.fixture
def done(net, sites):
    return {arm: learn(arm, net, sites, recipe=RECIPE, seed=3) for arm in ARMS}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def test_each_way_is_what_its_name_says(done, net, sites):
    own = alone(net, sites, recipe=RECIPE, seed=3)
    plain = Recipe(rounds=2, steps=2, batch_size=4)
    average = federate(net, sites, recipe=plain, seed=3)
    leashed = federate(net, sites, recipe=RECIPE, seed=3)
    for name in sites:
        assert same(done["local"].by_hospital[name], own[name].weights)
        assert same(done["fedavg"].by_hospital[name], average.weights)
        assert same(done["fedprox"].by_hospital[name], leashed.weights)
    assert not same(average.weights, leashed.weights)


def test_what_is_kept_is_what_was_validated(done, net, sites):
    for arm, found in done.items():
        for name, site in sites.items():
            again, _ = validate_at_site(
                net, found.by_hospital[name], site.validation_images, site.validation_labels
            )
            assert again == pytest.approx(found.kept_loss[name], abs=1e-6), arm
            assert 1 <= found.kept_round[name] <= 2
        assert len(found.course) == 2
        mean = sum(found.kept_loss.values()) / len(sites)
        assert mean <= min(found.course) + 1e-9


def test_the_last_round_is_kept_by_every_way_and_its_auc_told(net, sites):
    for arm in ARMS:
        found = learn(arm, net, sites, recipe=RECIPE, seed=3, keep="last")
        assert set(found.kept_round.values()) == {2}, arm
        for name, site in sites.items():
            told = (found.kept_loss[name], found.kept_auc[name])
            assert validated(net, found.by_hospital[name], site) == pytest.approx(told, abs=1e-6)


def test_only_weights_that_travel_are_counted(done, net):
    whole = array_bytes(net.state_dict()) * 5 * 2
    assert done["fedavg"].bytes_up == done["fedavg"].bytes_down == whole
    assert 0 < done["fedbn"].bytes_up < whole
    assert done["local"].bytes_up == done["pooled"].bytes_up == 0


def test_fedbn_differs_between_hospitals_and_pooled_makes_all_steps(done, net, sites):
    assert not same(done["fedbn"].by_hospital["A"], done["fedbn"].by_hospital["B"])
    counted = [k for k in net.state_dict() if k.endswith("num_batches_tracked")]
    state = done["pooled"].by_hospital["A"]
    assert int(state[counted[0]]) == done["pooled"].kept_round["A"] * 2 * len(sites)


def test_another_way_is_refused(net, sites):
    with pytest.raises(ValueError, match="arm is 'average'"):
        learn("average", net, sites, recipe=RECIPE, seed=3)


def test_a_loss_that_is_never_finite_keeps_the_first_weights(net, sites):
    broken = Recipe(rounds=2, steps=2, batch_size=4, rate=1e30)
    found = learn("fedbn", net, {"A": sites["A"]}, recipe=broken, seed=0)
    assert set(found.kept_round.values()) <= {0, 1, 2}
    if not found.kept_round["A"]:
        assert found.kept_loss["A"] == float("inf")
        assert found.kept_auc["A"] != found.kept_auc["A"], "not a number"
