"""One training for all: repeatable, tuned on validation, and it learns something plain."""

import numpy as np
import pytest
import torch

from medlib.diagnosis.fusion import fusion_training
from medlib.diagnosis.fusion.fusion_training import (
    Fitted,
    FusionRecipe,
    Scans,
    attention_to_pet,
    fit_fusion,
    fusion_logits,
    tuned_fusion,
)
from medlib.diagnosis.fusion.networks import FusionNet


def scans(n=24, seed=0):
    """A bright square that both modalities show."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((n, 16, 16), dtype=bool)
    for mask in masks:
        row, column = rng.integers(2, 10, size=2)
        mask[row : row + 4, column : column + 4] = True
    images = 0.5 + 0.5 * masks[:, None] + 0.05 * rng.normal(size=(n, 2, 16, 16))
    return Scans.of(images, np.full(n, 20.0), masks)


def fit(kind="early", seed=0, **options):
    recipe = FusionRecipe(steps=options.pop("steps", 4), every=2, batch_size=8, **options)
    generator = torch.Generator().manual_seed(seed)
    return fit_fusion(kind, scans(), scans(8, seed=1), recipe=recipe, generator=generator)


@pytest.mark.parametrize("kind", ["MRI", "late", "attention"])
def test_it_learns_what_is_plain(kind):
    fitted = fit(kind, steps=60, rate=0.02)
    new = scans(8, seed=2)
    logits = fusion_logits(fitted.network, new.images)
    assert logits[new.masks].mean() > logits[~new.masks].mean() + 2
    assert not fitted.network.training


def test_the_same_generator_gives_the_same_network():
    one, other = fit(dropout=0.5), fit(dropout=0.5)
    assert one.validation_loss == other.validation_loss
    assert fit(seed=1, dropout=0.5).validation_loss != one.validation_loss


def test_the_rate_that_validates_best_wins():
    recipe = FusionRecipe(steps=6, every=2, batch_size=8)
    found = tuned_fusion(
        "early", scans(), scans(8, seed=1), recipe=recipe, rates=(1e-6, 1e-2, 1e-5),
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    assert found.rate == 1e-2
    assert found.on_the_edge
    assert found.tried == 3
    alone = fit("early", steps=6, rate=1e-2)
    assert found.validation_loss == pytest.approx(alone.validation_loss)


def test_a_scan_has_one_scale_whatever_its_company():
    images = np.random.default_rng(0).random((6, 2, 4, 4))
    counts, masks = np.full(6, 20.0), np.ones((6, 4, 4), dtype=bool)
    many, one = Scans.of(images, counts, masks), Scans.of(images[:1], counts[:1], masks[:1])
    torch.testing.assert_close(many.images[:1], one.images)


def test_the_pet_of_another_goes_with_its_dose():
    images = np.random.default_rng(0).normal(size=(3, 2, 4, 4))
    own = Scans.of(images, np.array([2.0, 20.0, 200.0]), np.ones((3, 4, 4), dtype=bool))
    dealt = own.with_pet_of([1, 2, 0])
    assert torch.equal(dealt.images[:, 0], own.images[:, 0])
    assert torch.equal(dealt.images[:, 1:], own.images[[1, 2, 0], 1:])


def test_something_must_be_tried():
    with pytest.raises(ValueError, match="one rate"):
        tuned_fusion("early", scans(), scans(), recipe=FusionRecipe(), rates=(),
                     generator=torch.Generator())  # fmt: skip


def climbing(monkeypatch, losses, diverges=()):
    """The rates that are tried, in order, if these are the validation losses."""
    tried, some = [], scans(2)
    network = FusionNet("early", generator=torch.Generator())

    def instead(kind, learn, check, *, recipe, generator, device):
        tried.append(recipe.rate)
        if recipe.rate in diverges:
            raise FloatingPointError("the training loss is nan")
        return Fitted(network, recipe.rate, float(losses[recipe.rate]), 1, 0.0)

    monkeypatch.setattr(fusion_training, "fit_fusion", instead)
    found = tuned_fusion("early", some, some, recipe=FusionRecipe(), rates=tuple(losses),
                         generator=torch.Generator())  # fmt: skip
    return tried, found


def test_rates_are_tried_outward_until_the_best_lies_inside(monkeypatch):
    tried, found = climbing(monkeypatch, {5.0: 5, 4.0: 4, 3.0: 3, 2.0: 2, 1.0: 2.5, 0.5: 9})
    assert tried == [2.0, 3.0, 4.0, 1.0]  # of six, the fourth is the middle
    assert found.rate == 2.0
    assert found.tried == len(tried)
    assert not found.on_the_edge


def test_the_end_of_the_rates_is_an_edge(monkeypatch):
    tried, found = climbing(monkeypatch, {1.0: 5, 2.0: 4, 3.0: 3, 4.0: 2, 5.0: 1})
    assert tried == [2.0, 3.0, 4.0, 5.0]
    assert found.on_the_edge


def test_a_rate_that_diverges_loses(monkeypatch):
    tried, found = climbing(monkeypatch, {1.0: 2, 2.0: 3, 3.0: 1}, diverges=(3.0,))
    assert tried == [1.0, 2.0, 3.0]
    assert found.rate == 1.0
    with pytest.raises(FloatingPointError, match="diverged"):
        climbing(monkeypatch, {1.0: 2}, diverges=(1.0,))


def test_what_is_told_of_a_training():
    fitted = fit(steps=4)
    assert fitted.tried == 1
    assert 0 < fitted.train_loss < 5


def test_attention_is_that_of_the_network():
    images = scans(5).images
    network = fit("attention").network
    weight = attention_to_pet(network, images, batch_size=2)
    assert not weight.requires_grad
    torch.testing.assert_close(weight, network.with_weights(images)[1].detach())
    with pytest.raises(ValueError, match="no weights"):
        attention_to_pet(fit("early").network, images)
