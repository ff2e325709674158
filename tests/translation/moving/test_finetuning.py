"""Fine-tuning: on the real network exactly the intended parameters and statistics move."""

import pytest
import torch
from torch import nn

from medlib.nets.heads import with_head
from medlib.translation.moving.arms import Arm, moving_parameters
from medlib.translation.moving.finetuning import fine_tune
from tests.translation.moving.surgery import data, head

ARMS = {
    "head": Arm("head", moves="head", peak_rate=1e-3),
    "norm": Arm("norm", moves="norm", peak_rate=1e-3),
    "norm, batch": Arm("norm, batch", moves="norm", peak_rate=1e-3, statistics="batch"),
    "graded": Arm("graded", moves="all", peak_rate=1e-3, depth_factor=0.6),
    "full": Arm("full", moves="all", peak_rate=1e-3),
    "scratch": Arm("scratch", moves="all", peak_rate=1e-3, pretrained=False, statistics="batch"),
}


def tune(arm, source, *, seed=0, steps=3, **options):
    return fine_tune(
        arm,
        source,
        *data(),
        head=head(),
        steps=steps,
        batch_size=4,
        generator=torch.Generator().manual_seed(seed),
        **options,
    )


@pytest.mark.parametrize("name", ARMS)
def test_exactly_the_intended_parameters_move(imagenet, name):
    arm = ARMS[name]
    start = with_head(imagenet, head()).state_dict()
    source = {key: value.clone() for key, value in imagenet.state_dict().items()}
    network = tune(arm, imagenet).network
    parameters = {key for key, _ in network.named_parameters()}
    moved = {k for k, v in network.state_dict().items() if not torch.equal(v, start[k])}
    assert moved & parameters == set(moving_parameters(network, moves=arm.moves))
    statistics = {k for k in start if "running" in k}
    assert moved & statistics == (statistics if arm.statistics == "batch" else set())
    assert all(torch.equal(source[k], v) for k, v in imagenet.state_dict().items())
    assert not network.training


def test_repeats_to_the_bit_and_follows_its_generator(imagenet):
    first, again, other = (tune(ARMS["graded"], imagenet, seed=s) for s in (0, 0, 1))
    for key, value in first.network.state_dict().items():
        assert torch.equal(value, again.network.state_dict()[key])
    assert first.history == again.history
    assert first.history.train_loss != other.history.train_loss


def test_a_pretrained_arm_starts_at_the_head_it_is_given(imagenet):
    images, labels = data()
    logits = with_head(imagenet, head()).eval()(images)
    expected = nn.functional.cross_entropy(logits, labels).item()
    losses = [
        fine_tune(
            ARMS[name],
            imagenet,
            images,
            labels,
            head=head(),
            steps=1,
            batch_size=len(images),
            generator=torch.Generator().manual_seed(0),
        ).history.train_loss[0]
        for name in ("head", "norm", "graded", "full")
    ]
    assert losses == pytest.approx([expected] * 4, rel=1e-5)


def test_early_layers_move_least_under_graded_rates(imagenet):
    network = tune(ARMS["graded"], imagenet).network
    now, then = dict(network.named_parameters()), dict(imagenet.named_parameters())

    def largest_move(prefix):
        return max((now[k] - then[k]).abs().max() for k in now if k.startswith(prefix))

    assert 3 * largest_move("stem") < largest_move("stages.3") < largest_move("head") / 3


def test_from_scratch_owes_nothing_to_the_source_or_the_head(imagenet):
    empty = with_head(imagenet, head())
    with torch.no_grad():
        for parameter in empty.parameters():
            parameter.zero_()
    a = tune(ARMS["scratch"], imagenet).network.state_dict()
    b = fine_tune(
        ARMS["scratch"],
        empty,
        *data(),
        head=head(seed=5),
        steps=3,
        batch_size=4,
        generator=torch.Generator().manual_seed(0),
    ).network.state_dict()
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_errors_teach(imagenet):
    images, labels = data()
    options = {"steps": 1, "batch_size": 4, "generator": torch.Generator().manual_seed(0)}
    with pytest.raises(ValueError, match="12 images, but 11 labels"):
        fine_tune(ARMS["full"], imagenet, images, labels[1:], head=head(), **options)
    with pytest.raises(ValueError, match="takes 64 features"):
        fine_tune(ARMS["full"], imagenet, images, labels, head=nn.Linear(64, 2), **options)
    with pytest.raises(ValueError, match="batch_size=40"):
        fine_tune(
            ARMS["full"], imagenet, images, labels, head=head(), **{**options, "batch_size": 40}
        )
