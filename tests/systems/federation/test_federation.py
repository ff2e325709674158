"""The loop: order changes nothing, absence shifts nobody, and each policy does what it says."""

import math
from dataclasses import replace

import pytest
import torch

from medlib.systems.federation.federation import federate, validated
from medlib.systems.federation.local_norms import norm_entries
from medlib.systems.federation.message_bytes import array_bytes
from medlib.systems.federation.poisoning import scaled, sign_flip
from medlib.systems.federation.robust_mean import median
from medlib.systems.federation.site_training import Recipe, train_at_site
from medlib.systems.federation.weighted_mean import weighted_mean

RECIPE = Recipe(rounds=3, steps=2, batch_size=4)


def go(net, sites, *, recipe=RECIPE, seed=0, **more):
    return federate(net, sites, recipe=recipe, seed=seed, **more)


def same(one, other):
    return set(one) == set(other) and all(torch.equal(one[k], other[k]) for k in one)


def round_by_hand(net, weights, sites, number, **more):
    return {
        name: train_at_site(
            net, weights, site, recipe=RECIPE, seed=0, hospital=name, number=number, **more
        ).weights
        for name, site in sites.items()
    }


def test_it_is_rounds_of_training_and_a_mean(net, sites):
    images = {name: len(site) for name, site in sites.items()}
    weights = net.state_dict()
    for number in (1, 2, 3):
        weights = weighted_mean(round_by_hand(net, weights, sites, number), images=images)
    assert same(go(net, sites).last, weights)


def test_order_of_hospitals_and_global_draws_change_no_bit(net, sites):
    backwards = dict(reversed(sites.items()))
    one = go(net, sites)
    torch.manual_seed(7)
    other = go(net, backwards)
    assert same(one.last, other.last)
    assert one.rounds == other.rounds
    assert not same(one.last, go(net, sites, seed=1).last)


def test_the_best_round_is_kept_and_is_what_validation_says(net, sites):
    done = go(net, sites, recipe=replace(RECIPE, rate=3.0, schedule="constant", rounds=4))
    means = [sum(r.validation_loss.values()) / 5 for r in done.rounds]
    assert done.best_round == 1 + means.index(min(means))
    assert done.best_round < 4, "or this test shows nothing"
    for name, site in sites.items():
        loss, auc = validated(net, done.weights, site)
        at_best = done.rounds[done.best_round - 1]
        assert (loss, auc) == (at_best.validation_loss[name], at_best.validation_auc[name])
        assert done.by_hospital[name] is done.weights
    assert not same(done.weights, done.last)


def test_the_last_round_can_be_kept_whatever_validation_says(net, sites):
    recipe = replace(RECIPE, rate=3.0, schedule="constant", rounds=4)
    done = go(net, sites, recipe=recipe, keep="last")
    assert done.best_round == 4
    assert same(done.weights, done.last)
    assert done.rounds == go(net, sites, recipe=recipe).rounds, "keeping changes no training"


def test_the_last_round_of_norms_that_stay_at_home_is_each_hospitals_own(net, sites):
    recipe = replace(RECIPE, rate=3.0, schedule="constant", rounds=4)
    done = go(net, sites, recipe=recipe, local=norm_entries(net), keep="last")
    for name, site in sites.items():
        last = done.rounds[-1].validation_loss[name]
        assert validated(net, done.by_hospital[name], site)[0] == last
    assert any(
        min(r.validation_loss[name] for r in done.rounds) < done.rounds[-1].validation_loss[name]
        for name in sites
    ), "or this test shows nothing"


def test_who_is_absent_shifts_nobodys_draws(net, sites):
    images = {name: len(site) for name, site in sites.items()}
    first = weighted_mean(
        round_by_hand(net, net.state_dict(), {k: v for k, v in sites.items() if k != "B"}, 1),
        images=images,
    )
    want = weighted_mean(round_by_hand(net, first, sites, 2), images=images)
    done = go(net, sites, absent={"B": [1, 3]})
    rounds = done.rounds
    assert [r.took_part for r in rounds] == [tuple("ACDE"), tuple("ABCDE"), tuple("ACDE")]
    want = weighted_mean(
        round_by_hand(net, want, {k: v for k, v in sites.items() if k != "B"}, 3), images=images
    )
    assert same(done.last, want)
    assert set(rounds[0].validation_loss) == set("ABCDE")


def test_bytes_are_those_of_whoever_trained(net, sites):
    size = array_bytes(net.state_dict())
    done = go(net, sites, absent={"A": [1], "B": [1]})
    assert [r.bytes_up for r in done.rounds] == [3 * size, 5 * size, 5 * size]
    assert [r.bytes_down for r in done.rounds] == [3 * size, 5 * size, 5 * size]
    local = norm_entries(net)
    assert go(net, sites, local=local).rounds[0].bytes_up == 5 * array_bytes(
        net.state_dict(), local=local
    )


def test_nobody_there_leaves_the_weights(net, sites):
    done = go(net, {"A": sites["A"]}, absent={"A": [1, 2, 3]})
    assert same(done.last, net.state_dict())
    assert [r.took_part for r in done.rounds] == [(), (), ()]


def test_waiting_costs_time_and_changes_no_weight(net, sites):
    waited = go(net, sites, late={"C": 2})
    assert same(waited.last, go(net, sites).last)
    assert [r.ticks for r in waited.rounds] == [3, 3, 3]


def test_left_out_is_absent_and_still_sends(net, sites):
    out = go(net, sites, late={"C": 1}, policy="leave_out")
    assert same(out.last, go(net, sites, absent={"C": [1, 2, 3]}).last)
    size = array_bytes(net.state_dict())
    assert [r.bytes_up // size for r in out.rounds] == [5, 4, 5], "it works on two rounds at once"
    assert [r.ticks for r in out.rounds] == [1, 1, 1]


def test_a_stale_update_is_what_was_learned_from_old_weights(net, sites):
    images = {name: len(site) for name, site in sites.items()}
    punctual = {k: v for k, v in sites.items() if k != "C"}
    old = round_by_hand(net, net.state_dict(), {"C": sites["C"]}, 1)
    first = weighted_mean(round_by_hand(net, net.state_dict(), punctual, 1), images=images)
    second = weighted_mean({**round_by_hand(net, first, punctual, 2), **old}, images=images)
    done = go(net, sites, late={"C": 1}, policy="stale")
    assert [r.took_part for r in done.rounds] == [tuple("ABDE"), tuple("ABCDE"), tuple("ABDE")]
    third = weighted_mean(round_by_hand(net, second, punctual, 3), images=images)
    assert same(done.last, third)


def test_norms_stay_at_home(net, sites):
    local = norm_entries(net)
    done = go(net, sites, local=local)
    for entry in local:
        assert torch.equal(done.last[entry], net.state_dict()[entry]), "never averaged"
    means = [done.by_hospital[name]["1.running_mean"] for name in sites]
    assert len({tuple(mean.tolist()) for mean in means}) == 5
    for name, site in sites.items():
        history = [r.validation_loss[name] for r in done.rounds]
        assert validated(net, done.by_hospital[name], site)[0] == min(history)


def test_a_hospital_whose_norms_stay_goes_on_with_its_own(net, sites):
    """By hand, over two rounds of two hospitals."""
    two = {name: sites[name] for name in "AB"}
    local = norm_entries(net)
    images = {name: len(site) for name, site in two.items()}
    starts = dict.fromkeys(two, net.state_dict())
    for number in (1, 2):
        states = {
            name: train_at_site(net, starts[name], site, recipe=RECIPE, seed=0, hospital=name,
                                number=number).weights
            for name, site in two.items()
        }  # fmt: skip
        shared = weighted_mean(
            {n: {k: v for k, v in s.items() if k not in local} for n, s in states.items()},
            images=images,
        )
        starts = {n: {**s, **shared} for n, s in states.items()}
    done = go(net, two, recipe=replace(RECIPE, rounds=3), local=local, absent={"A": [3], "B": [3]})
    assert done.rounds[1].validation_loss == {
        name: validated(net, starts[name], site)[0] for name, site in two.items()
    }


def test_a_median_withstands_a_liar_that_moves_the_mean(net, sites):
    liars = {"D": sign_flip(50.0)}
    honest, mean = go(net, sites).last, go(net, sites, liars=liars).last
    robust = go(net, sites, liars=liars, rule=median).last

    def apart(weights):
        return (weights["4.weight"] - honest["4.weight"]).abs().max()

    assert apart(mean) > 20 * apart(robust)


def test_a_lie_moves_parameters_and_no_statistics(net, sites):
    one = {"A": sites["A"], "B": sites["B"]}
    short = replace(RECIPE, rounds=1)
    honest, lied = go(net, one, recipe=short), go(net, one, recipe=short, liars={"A": scaled(5.0)})
    assert torch.equal(honest.last["1.running_var"], lied.last["1.running_var"])
    assert not torch.equal(honest.last["1.weight"], lied.last["1.weight"])


def test_a_training_that_breaks_down_is_told_and_the_others_go_on(net, sites):
    broken = replace(sites["B"], images=sites["B"].images * math.nan)
    done = go(net, {**sites, "B": broken})
    assert [r.failed for r in done.rounds] == [("B",)] * 3
    assert [r.took_part for r in done.rounds] == [tuple("ACDE")] * 3
    assert same(done.last, go(net, sites, absent={"B": [1, 2, 3]}).last)


def test_weights_that_are_not_finite_are_never_the_best(net, sites):
    def nothing(states, *, images):
        return {k: v * math.nan if v.is_floating_point() else v for k, v in states["A"].items()}

    done = go(net, sites, rule=nothing)
    assert done.best_round == go(net, sites, rule=nothing, keep="last").best_round == 0
    assert same(done.weights, net.state_dict())
    assert math.isnan(done.rounds[0].validation_auc["A"])


def test_an_auc_of_one_class_is_not_a_number(net, sites):
    lonely = replace(sites["A"], validation_labels=torch.zeros(8, dtype=torch.int64))
    assert math.isnan(go(net, {"A": lonely}).rounds[0].validation_auc["A"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"absent": {"Z": [1]}}, "no hospital 'Z'; there are A, B, C, D, E"),
        ({"late": {"A": 0}}, "'A' is late by 0 rounds"),
        ({"policy": "hurry"}, "policy is 'hurry'; choose one of wait, leave_out, stale"),
        ({"local": {"bn.weight"}}, "no entry 'bn.weight'"),
        ({"keep": "first"}, "keep is 'first'; choose one of best, last"),
    ],
)
def test_wrong_arguments_are_refused(net, sites, wrong, message):
    with pytest.raises(ValueError, match=message):
        go(net, sites, **wrong)


def test_a_judge_without_entries_of_its_own_is_refused(net, sites):
    with pytest.raises(ValueError, match="'F' does not train"):
        go(net, sites, judges={"F": sites["A"]}, local=norm_entries(net))
    with pytest.raises(ValueError, match="needs a hospital"):
        go(net, {})
