"""Through Flower's messages and strategies the weights are those of the plain loop, to the bit."""

from dataclasses import replace

import pytest
import torch

from medlib.systems.federation.federation import federate
from medlib.systems.federation.flower_rounds import federate_by_flower
from medlib.systems.federation.local_norms import norm_entries
from medlib.systems.federation.message_bytes import array_bytes
from medlib.systems.federation.poisoning import noise
from medlib.systems.federation.quiet_flower import import_flower
from medlib.systems.federation.robust_mean import median
from medlib.systems.federation.site_training import Recipe

RECIPE = Recipe(rounds=2, steps=2, batch_size=4)


def same_bits(by_flower, plain):
    for one, other in ((by_flower.weights, plain.weights), (by_flower.last, plain.last)):
        assert list(one) == list(other)
        for entry in one:
            assert one[entry].dtype == other[entry].dtype
            assert torch.equal(one[entry], other[entry]), entry
    assert by_flower.best_round == plain.best_round
    assert by_flower.validation_loss == tuple(r.validation_loss for r in plain.rounds)


def both(net, sites, *, recipe=RECIPE, **more):
    plain = federate(net, sites, recipe=recipe, seed=3, **more)
    return federate_by_flower(net, sites, recipe=recipe, seed=3, **more), plain


def test_fedavg(net, sites):
    same_bits(*both(net, sites))


@pytest.mark.parametrize(
    "recipe",
    [
        replace(RECIPE, mu=0.3),
        replace(RECIPE, keeps_state=True),
        replace(RECIPE, keeps_state=True, optimizer="adamw", rate=1e-2),
    ],
    ids=["fedprox", "momenta", "adamw"],
)
def test_fedprox_and_momenta_that_stay(net, sites, recipe):
    same_bits(*both(net, sites, recipe=recipe))


def test_fedbn(net, sites):
    by_flower, plain = both(net, sites, local=norm_entries(net))
    same_bits(by_flower, plain)
    all_of_it = federate_by_flower(net, sites, recipe=RECIPE, seed=3)
    assert by_flower.message_bytes < all_of_it.message_bytes


def test_absent_hospitals_and_liars(net, sites):
    same_bits(*both(net, sites, absent={"A": [2], "C": [1, 2]}, liars={"B": noise(0.1)}))


def test_flowers_own_median(net, sites):
    import_flower()
    from flwr.serverapp.strategy import FedMedian

    plain = federate(net, sites, recipe=RECIPE, seed=3, rule=median)
    same_bits(federate_by_flower(net, sites, recipe=RECIPE, seed=3, base=FedMedian), plain)


def test_bytes_of_messages_hold_the_arrays_both_ways(net, sites):
    run = federate_by_flower(net, sites, recipe=RECIPE, seed=3)
    size = array_bytes(net.state_dict())
    down, up = run.message_bytes
    messages = RECIPE.rounds * len(sites)
    # weights go down to be trained and once more to be validated; up once
    assert 2 * messages * size < down < 2 * messages * (size + 3000)
    assert messages * size < up < messages * (size + 4000)


def test_flower_unsorted_gives_other_bits(net, sites, monkeypatch):
    """What sorting guards against: replies in another order, added as they arrive."""
    from medlib.systems.federation import flower_rounds

    sorted_run = federate_by_flower(net, sites, recipe=RECIPE, seed=3)
    monkeypatch.setattr(
        flower_rounds, "_by_hospital",
        lambda replies: sorted(replies, key=lambda r: r.content["who"]["hospital"], reverse=True),
    )  # fmt: skip
    reverse = federate_by_flower(net, sites, recipe=RECIPE, seed=3)
    assert any(not torch.equal(v, reverse.last[k]) for k, v in sorted_run.last.items())


def test_a_training_that_breaks_down_is_an_error_reply(net, sites):
    broken = replace(sites["B"], images=sites["B"].images * float("nan"))
    same_bits(*both(net, {**sites, "B": broken}))


def test_flower_is_silent(net, sites, capfd, caplog):
    federate_by_flower(net, sites, recipe=RECIPE, seed=3)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
