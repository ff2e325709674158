"""The training loop: repeatable, clear about failure, keeping the best validated weights."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch import nn

from medlib.nets.batches import batches
from medlib.nets.training import OneCycle, device_of, train


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def squared_error(model, batch):
    x, y = batch
    return ((model(x) - y) ** 2).mean()


def line(n=32, seed=1):
    x = torch.randn(n, 3, generator=generator(seed))
    return x, x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.3


def linear(*, dropout=0.0, seed=2):
    net = nn.Sequential(nn.Dropout(dropout), nn.Linear(3, 1))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator(seed)))
    return net


def fit(net, data=None, *, steps=60, lr=0.1, seed=0, **options):
    return train(
        net,
        squared_error,
        line() if data is None else data,
        steps=steps,
        batch_size=options.pop("batch_size", 8),
        optimizer=torch.optim.SGD(net.parameters(), lr=lr),
        generator=generator(seed),
        **options,
    )


def weights(net):
    return torch.cat([parameter.detach().ravel() for parameter in net.parameters()])


def test_recovers_the_least_squares_solution_of_numpy():
    x, y = line()
    net = linear()
    fit(net, steps=400, lr=0.2)
    design = np.column_stack([x.numpy(), np.ones(len(x))])
    expected, *_ = np.linalg.lstsq(design, y.numpy(), rcond=None)
    np.testing.assert_allclose(weights(net).numpy(), expected.ravel(), atol=1e-4)


def test_equal_seeds_give_equal_bits_even_with_dropout_and_other_draws_between():
    first, second = linear(dropout=0.5), linear(dropout=0.5)
    history = fit(first)
    torch.rand(17)
    again = fit(second)
    assert torch.equal(weights(first), weights(second))
    assert history == again
    other = linear(dropout=0.5)
    fit(other, seed=1)
    assert not torch.equal(weights(first), weights(other))


def test_leaves_the_global_generator_alone():
    net = linear(dropout=0.5)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    fit(net)
    assert torch.equal(torch.rand(3), expected)


@settings(deadline=None, max_examples=30)
@given(n=st.integers(1, 30), batch_size=st.integers(1, 30), passes=st.integers(1, 4))
def test_every_example_is_drawn_once_a_pass(n, batch_size, passes):
    batch_size = min(batch_size, n)
    stream = batches(n, batch_size=batch_size, generator=generator())
    drawn = torch.cat([next(stream) for _ in range(passes * n)])[: passes * n]
    assert torch.bincount(drawn, minlength=n).tolist() == [passes] * n


def test_keeps_the_best_validated_weights_and_stops():
    net = linear()
    seen = {}
    scores = iter([3.0, 1.0, 2.0, 2.5, 0.0])

    def validate(model):
        assert not model.training
        assert not torch.is_grad_enabled()
        score = next(scores)
        seen[score] = weights(model).clone()
        return score

    history = fit(net, steps=50, validate=validate, every=5, patience=2)
    assert history.validation_steps == (5, 10, 15, 20)
    assert history.validation_loss == (3.0, 1.0, 2.0, 2.5)
    assert (history.best_step, history.stopped_early, history.steps[-1]) == (10, True, 20)
    assert torch.equal(weights(net), seen[1.0])
    assert not net.training


def test_a_tie_is_no_improvement_and_the_first_of_the_best_is_kept():
    """As accuracy on few images often is: equal, although the weights went on."""
    net, seen = linear(), []
    scores = iter([2.0, 1.0, 1.0, 1.0, 0.5])

    def validate(model):
        seen.append(weights(model).clone())
        return next(scores)

    history = fit(net, steps=50, validate=validate, every=5, patience=2)
    assert history.validation_loss == (2.0, 1.0, 1.0, 1.0)
    assert (history.best_step, history.stopped_early, history.steps[-1]) == (10, True, 20)
    assert torch.equal(weights(net), seen[1])
    assert not torch.equal(seen[1], seen[3])


def test_validation_changes_nothing_of_the_training():
    plain, watched = linear(dropout=0.5), linear(dropout=0.5)
    history = fit(plain, steps=20)
    again = fit(watched, steps=20, validate=lambda model: 1.0 / weights(model).norm(), every=3)
    assert history.train_loss == again.train_loss
    assert again.validation_steps == (3, 6, 9, 12, 15, 18, 20)
    assert not again.stopped_early


def test_one_cycle_rises_to_each_groups_rate_and_falls():
    net = linear()
    layer = net[1]
    groups = [{"params": [layer.weight], "lr": 1e-3}, {"params": [layer.bias], "lr": 1e-2}]
    optimizer, schedule = OneCycle(peak_rate=1.0).start(groups, steps=20)
    history = train(
        net,
        squared_error,
        line(),
        steps=20,
        batch_size=4,
        optimizer=optimizer,
        schedule=schedule,
        generator=generator(),
    )
    rates = np.array(history.learning_rates)
    assert rates.shape == (20, 2)
    np.testing.assert_allclose(rates.max(0), [1e-3, 1e-2], rtol=1e-6)
    np.testing.assert_allclose(rates[:, 1], 10 * rates[:, 0], rtol=1e-6)
    assert rates[0, 0] < 1e-4
    assert rates[-1, 0] < 1e-6


def test_a_training_mode_of_ones_own_is_used_after_every_validation():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    before = net[1].running_mean.clone()

    def frozen_statistics(model):
        model.train()
        model[1].eval()

    fit(net, steps=6, every=2, validate=lambda model: 1.0, training_mode=frozen_statistics)
    assert torch.equal(net[1].running_mean, before)


def test_a_sampler_and_a_callback():
    net, calls = linear(), []
    history = train(
        net,
        squared_error,
        lambda rng: (x := torch.randn(5, 3, generator=rng), x.sum(1, keepdim=True)),
        steps=7,
        optimizer=torch.optim.SGD(net.parameters(), lr=0.1),
        generator=generator(),
        on_step=lambda step, loss: calls.append((step, loss)),
    )
    assert calls == list(zip(history.steps, history.train_loss, strict=True))
    assert history.best_step == 7


def test_history_is_frozen_and_device_is_the_models():
    history = fit(linear(), steps=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        history.best_step = 3
    assert device_of(nn.Flatten()).type == "cpu"
    assert device_of(nn.Linear(1, 1, device="meta")).type == "meta"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": (torch.empty(0, 3), torch.empty(0, 1))}, "training data are empty"),
        ({"data": ()}, "training data are empty"),
        ({"batch_size": 33}, "batch_size=33, but there are 32 examples"),
        ({"batch_size": None}, "batch_size is needed"),
        ({"data": (torch.zeros(4, 3), torch.zeros(5, 1))}, r"differ in length.*\(4, 3\), \(5, 1\)"),
        ({"data": lambda rng: line()}, "leave batch_size out"),
        ({"steps": 0}, "at least 1 step"),
        ({"every": 0, "validate": lambda model: 0.0}, "every=0"),
        ({"patience": 1}, "no validate function"),
        ({"patience": 0, "validate": lambda model: 0.0}, "patience=0"),
    ],
)
def test_errors_teach(options, message):
    with pytest.raises(ValueError, match=message):
        fit(linear(), **options)


def test_a_generator_is_required_and_losses_must_train_something():
    net = linear()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    options = {"steps": 1, "batch_size": 2, "optimizer": optimizer}
    with pytest.raises((ValueError, TypeCheckError), match="generator"):
        train(net, squared_error, line(), generator=np.random.default_rng(0), **options)
    with pytest.raises(ValueError, match="does not depend on any trainable"):
        train(net, lambda m, b: b[0].mean(), line(), generator=generator(), **options)
    with pytest.raises(ValueError, match="return a scalar"):
        train(net, lambda m, b: m(b[0]), line(), generator=generator(), **options)
    with pytest.raises(ValueError, match="is everything frozen"):
        OneCycle().start([], steps=3)


def test_a_loss_that_is_not_finite_names_its_step():
    with pytest.raises(FloatingPointError, match=r"at step \d+: lower the learning rate"):
        fit(linear(), steps=500, lr=1e3)
    with pytest.raises(FloatingPointError, match="validation loss is nan at step 25"):
        fit(linear(), validate=lambda model: float("nan"))
