"""A round at one hospital: draws that nobody shifts, a schedule over all rounds, a leash."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from medlib.systems.federation.site_training import Recipe, train_at_site, validate_at_site

RECIPE = Recipe(rounds=4, steps=3, batch_size=5)


def go(net, site, *, recipe=RECIPE, number=1, seed=0, hospital="A", weights=None, momenta=None):
    weights = weights or net.state_dict()
    return train_at_site(
        net, weights, site, recipe=recipe, seed=seed, hospital=hospital, number=number,
        momenta=momenta,
    )  # fmt: skip


def same(one, other):
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_a_function_of_seed_hospital_and_round(net, sites):
    update = go(net, sites["A"])
    torch.manual_seed(99)
    assert same(update.weights, go(net, sites["A"]).weights)
    for other in ({"seed": 1}, {"hospital": "B"}, {"number": 2}):
        assert not same(update.weights, go(net, sites["A"], **other).weights), other


def test_what_was_given_is_not_changed(net, sites):
    before = {k: v.clone() for k, v in net.state_dict().items()}
    update = go(net, sites["A"])
    assert same(before, net.state_dict())
    assert not same(before, update.weights)
    assert update.images == 8


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_with_momenta_that_stay_rounds_are_no_seams(net, sites, optimizer):
    """Twelve steps in one round are twelve steps in four: same batches, rates and momenta."""
    recipe = replace(RECIPE, keeps_state=True, optimizer=optimizer)
    weights, momenta = net.state_dict(), {}
    for number in range(1, 5):
        update = go(net, sites["B"], recipe=recipe, number=number, weights=weights, momenta=momenta)
        weights, momenta = update.weights, update.momenta
    whole = go(net, sites["B"], recipe=replace(recipe, rounds=1, steps=12))
    assert same(whole.weights, weights)
    started_anew = go(net, sites["B"], recipe=recipe, number=4, weights=weights)
    assert not same(started_anew.weights, go(net, sites["B"], recipe=recipe, number=4,
                                             weights=weights, momenta=momenta).weights)  # fmt: skip


def test_it_is_a_plain_loop_of_torchs_optimiser(net, sites):
    """The first step of the second round, by hand: its rate, its batch, momentum from zero."""
    recipe = Recipe(rounds=2, steps=1, batch_size=8, rate=0.1, weight_decay=0.01)
    site = sites["A"]  # eight images: a batch is all of them
    found = go(net, site, recipe=recipe, number=2).weights
    net.train()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=0.01)
    F.cross_entropy(net(site.images), site.labels).backward()
    optimizer.step()
    for name, tensor in net.state_dict().items():
        torch.testing.assert_close(found[name], tensor, msg=name)


def test_every_image_is_seen_equally_often_over_rounds(net, sites):
    """Eight images, 12 steps of 5 in 4 rounds: 60 draws, each image 7 or 8 times."""
    seen = torch.zeros(8)
    site = replace(sites["A"], images=sites["A"].images.clone())
    marks = site.images[:, 0, 0, 0]

    class Spy(type(net[0])):
        def forward(self, images):
            for mark in images[:, 0, 0, 0]:
                seen[(marks == mark).nonzero().item()] += 1
            return super().forward(images)

    net[0].__class__ = Spy
    for number in range(1, 5):
        go(net, site, number=number)
    assert seen.sum() == 60
    assert seen.min() >= 7
    assert seen.max() <= 8


def test_a_small_hospital_takes_all_of_its_images(net, sites):
    big = replace(RECIPE, batch_size=64)
    assert same(
        go(net, sites["A"], recipe=big).weights,
        go(net, sites["A"], recipe=replace(RECIPE, batch_size=8)).weights,
    )


def test_a_leash_keeps_weights_near_and_is_not_counted_in_the_loss(net, sites):
    def distance(mu):
        update = go(net, sites["A"], recipe=replace(RECIPE, mu=mu, steps=10, schedule="constant"))
        return sum(
            (update.weights[k] - v).square().sum() for k, v in net.named_parameters()
        ), update.train_loss  # fmt: skip

    free, _ = distance(0.0)
    held, loss = distance(5.0)
    assert held < 0.8 * free
    assert 0 < loss < 2
    first = replace(RECIPE, steps=1)
    one, other = go(net, sites["A"], recipe=first), go(net, sites["A"], recipe=replace(first, mu=9))
    assert same(one.weights, other.weights), "no pull where the round began"


def test_validation_is_torchs_and_does_not_touch_statistics(net, sites):
    site = sites["C"]
    loss, scores = validate_at_site(
        net, net.state_dict(), site.validation_images, site.validation_labels, batch_size=3
    )
    net.eval()
    logits = net(site.validation_images)
    assert loss == pytest.approx(F.cross_entropy(logits, site.validation_labels).item(), rel=1e-5)
    torch.testing.assert_close(scores, (logits[:, 1] - logits[:, 0]).detach())
    assert net[1].num_batches_tracked == 0


def test_wrong_numbers_are_refused(net, sites):
    with pytest.raises(ValueError, match=r"round 5 is not one of the recipe's 1\.\.4"):
        go(net, sites["A"], number=5)
    empty = replace(sites["A"], images=torch.zeros(0, 1, 6, 6), labels=torch.zeros(0).long())
    with pytest.raises(ValueError, match="hospital 'A' has no image"):
        go(net, empty)
    for wrong in (
        {"steps": 0}, {"schedule": "step"}, {"optimizer": "lion"}, {"rate": 0.0}, {"mu": -1.0}
    ):  # fmt: skip
        with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
            replace(RECIPE, **wrong)
