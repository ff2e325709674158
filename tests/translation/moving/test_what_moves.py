"""Surgery on the real network: exactly what was meant moves, as far as its rate says."""

import numpy as np
import pytest
import torch

from medlib.nets.depths import depth_of
from medlib.nets.heads import with_head
from medlib.nets.norm_affine import norm_affine_parameters
from medlib.translation.moving.arms import Arm, moving_parameters
from medlib.translation.moving.finetuning import fine_tune
from medlib.translation.moving.gradual_unfreezing import GradualUnfreezing
from medlib.translation.moving.l2_sp import Pull
from medlib.translation.moving.layer_movement import movement_by_depth
from tests.translation.moving.surgery import data, head

HEAD = {"classifier.weight", "classifier.bias"}


def operate(source, steps=3, seed=0, validate=None, **how):
    return fine_tune(
        Arm("operated", **{"weight_decay": 0.0, **how}),
        source,
        *data(),
        head=head(),
        steps=steps,
        batch_size=4,
        generator=torch.Generator().manual_seed(seed),
        validate=validate,
        every=1,
    )


def moved(source, done):
    """Names of what differs, to the bit, from the source with the new head."""
    start = with_head(source, head()).state_dict()
    assert start.keys() == done.network.state_dict().keys()
    return {k for k, v in done.network.state_dict().items() if not torch.equal(v, start[k])}


def split(network):
    parameters = {name for name, _ in network.named_parameters()}
    return parameters, set(network.state_dict()) - parameters


def from_depth(names, depth):
    return {name for name in names if depth_of(name) >= depth}


@pytest.mark.parametrize("depth", range(10))
def test_a_freeze_plan_moves_what_lies_at_or_above_it_and_no_statistic(imagenet, depth):
    done = operate(imagenet, from_depth=depth)
    parameters, _ = split(done.network)
    assert moved(imagenet, done) == from_depth(parameters, depth)


@pytest.mark.parametrize("depth", [0, 4, 8, 9])
def test_with_batch_statistics_only_the_moving_depths_learn_them(imagenet, depth):
    done = operate(imagenet, from_depth=depth, statistics="batch")
    parameters, buffers = split(done.network)
    assert moved(imagenet, done) == from_depth(parameters | buffers, depth)
    assert not done.network.training


def test_head_only_and_norm_only(imagenet):
    assert moved(imagenet, operate(imagenet, moves="head")) == HEAD
    norm = operate(imagenet, moves="norm")
    assert moved(imagenet, norm) == HEAD | set(norm_affine_parameters(norm.network))
    both = operate(imagenet, moves="norm", from_depth=6)
    expected = from_depth(moving_parameters(both.network, moves="norm"), 6)
    assert moved(imagenet, both) == expected


@pytest.mark.parametrize("stage", range(1, 12))
def test_gradual_unfreezing_moves_one_depth_more_at_each_stage(imagenet, stage):
    thaw = GradualUnfreezing(steps_per_depth=2)  # the last step's rate is next to nothing
    done = operate(imagenet, steps=2 * stage, unfreezing=thaw)
    parameters, _ = split(done.network)
    assert moved(imagenet, done) == from_depth(parameters, max(10 - stage, 0))


def test_unfreezing_lets_statistics_follow_only_where_it_has_thawed(imagenet):
    thaw = GradualUnfreezing(steps_per_depth=2)
    done = operate(imagenet, steps=6, unfreezing=thaw, statistics="batch")
    parameters, buffers = split(done.network)
    assert moved(imagenet, done) == from_depth(parameters | buffers, 7)


def test_a_validation_between_two_steps_thaws_and_freezes_nothing(imagenet):
    thaw = GradualUnfreezing(steps_per_depth=2)
    falling = iter(range(6, 0, -1))
    done = operate(
        imagenet, steps=6, unfreezing=thaw, statistics="batch", validate=lambda _: next(falling)
    )
    parameters, buffers = split(done.network)
    assert moved(imagenet, done) == from_depth(parameters | buffers, 7)
    plain = operate(imagenet, steps=6, unfreezing=thaw, statistics="batch")
    assert done.history.train_loss == plain.history.train_loss


def test_unfreezing_never_goes_below_the_plan(imagenet):
    thaw = GradualUnfreezing(steps_per_depth=1)
    done = operate(imagenet, steps=8, unfreezing=thaw, from_depth=5)
    parameters, _ = split(done.network)
    assert moved(imagenet, done) == from_depth(parameters, 5)


@pytest.mark.parametrize("early_first", [False, True])
def test_moves_scale_with_the_rates(imagenet, early_first):
    how = {"peak_rate": 1e-3, "depth_factor": 0.6, "early_first": early_first}
    done = operate(imagenet, **how)
    rates = np.array(done.history.learning_rates)  # (steps, depths)
    factors = rates / rates[:, :1] if early_first else rates / rates[:, -1:]
    powers = 0.6 ** (np.arange(10) if early_first else 9 - np.arange(10))
    np.testing.assert_allclose(factors, np.broadcast_to(powers, factors.shape))
    for depth, reach in enumerate(rates.sum(axis=0)):
        jumps = torch.cat(
            [
                (w.detach() - done.start[n]).abs().flatten()
                for n, w in done.network.named_parameters()
                if depth_of(n) == depth
            ]
        )
        # Adam's first steps have the rate's length: no weight goes farther, the keenest ones
        # nearly so far
        assert 0.9 * reach < jumps.max().item() < 1.1 * reach + 2e-7


def test_weight_decay_shrinks_what_no_gradient_moves_and_none_leaves_it(imagenet):
    free, held = (operate(imagenet, weight_decay=decay) for decay in (0.0, 10.0))
    shrunk = np.prod([1 - 10.0 * rates[0] for rates in held.history.learning_rates])
    assert shrunk < 0.99
    ratios = []
    for name, a in free.network.named_parameters():
        b = held.network.get_parameter(name)
        still = (a == free.start[name]) & (a != 0)
        ratios.append((b[still] / a[still]).detach())
    ratios = torch.cat(ratios)
    assert len(ratios) > 1000
    # a few of them get a gradient once the others have shrunk
    assert ratios.median().item() == pytest.approx(shrunk, rel=1e-5)


def test_a_pull_toward_the_start_shortens_the_way_and_one_toward_zero_lengthens_it(imagenet):
    ways = {}
    for name, pull in {
        "free": None,
        "start": Pull(alpha=1000.0),
        "zero": Pull(alpha=1000.0, toward="zero"),
    }.items():
        done = operate(imagenet, steps=10, pull=pull)
        ways[name] = movement_by_depth(done.network, done.start)[1:9]
        parameters, _ = split(done.network)
        assert moved(imagenet, done) == parameters
    assert (ways["start"] < ways["free"]).all()
    assert (ways["zero"] > ways["free"]).all()


def test_a_pull_does_not_thaw_what_is_frozen(imagenet):
    done = operate(imagenet, from_depth=7, pull=Pull(alpha=10.0, beta=1.0, toward="zero"))
    parameters, _ = split(done.network)
    assert moved(imagenet, done) == from_depth(parameters, 7)


def test_the_source_and_the_head_are_left_as_they_were(imagenet):
    before = {k: v.clone() for k, v in imagenet.state_dict().items()}
    own = head()
    kept = own.weight.detach().clone()
    y = data()[1]
    fine_tune(
        Arm("by batch", statistics="batch"),
        imagenet,
        data()[0],
        y,
        head=own,
        steps=2,
        batch_size=4,
        generator=torch.Generator().manual_seed(0),
    )
    assert all(torch.equal(before[k], v) for k, v in imagenet.state_dict().items())
    assert torch.equal(own.weight, kept)


def test_repeats_to_the_bit_and_starts_where_it_says(imagenet):
    first, again = (operate(imagenet, depth_factor=0.6) for _ in range(2))
    for key, value in first.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[key])
    start = dict(with_head(imagenet, head()).named_parameters())
    assert first.start.keys() == start.keys()
    assert all(torch.equal(first.start[k], v) for k, v in start.items())
