"""A U-Net learns to mark, from the score that its loss asks for, the same on every call."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from medlib.nets.segmenter import PIXEL_LOSSES, PixelLoss, fit_segmenter, pixel_probabilities


def squares(n=24, seed=0):
    """Bright squares on noise, and where they are; every fourth image is empty."""
    rng = np.random.default_rng(seed)
    images = rng.normal(0, 0.3, size=(n, 1, 16, 16)).astype(np.float32)
    masks = np.zeros(images.shape, dtype=bool)
    for i in range(n):
        if i % 4:
            row, column = rng.integers(1, 11, size=2)
            masks[i, 0, row : row + 4, column : column + 4] = True
    return torch.from_numpy(images + np.float32(2) * masks), torch.from_numpy(masks)


def fitted(loss, *, steps=60, seed=1):
    images, masks = squares()
    return fit_segmenter(
        images, masks, validation=squares(8, seed=9), loss=loss, steps=steps, every=20,
        peak_rate=1e-2, generator=torch.Generator().manual_seed(seed),
    )  # fmt: skip


@pytest.mark.parametrize("name", PIXEL_LOSSES)
def test_each_loss_learns_to_mark_bright_squares(name):
    images, masks = squares(12, seed=5)
    marked = pixel_probabilities(fitted(PIXEL_LOSSES[name]).network, images) > 0.5
    truth = masks[:, 0]
    dice = 2 * (marked & truth).sum() / (marked.sum() + truth.sum())
    assert dice > (0.7 if name == "Tversky" else 0.8)  # which marks rather too much


def test_the_same_generator_gives_the_same_bits_and_leaves_the_global_one_alone():
    before = torch.random.get_rng_state()
    first, second = (fitted(PIXEL_LOSSES["Dice"], steps=3).network for _ in range(2))
    other = fitted(PIXEL_LOSSES["Dice"], steps=3, seed=2).network
    x = squares(2, seed=3)[0]
    assert torch.equal(first(x), second(x))
    assert not torch.equal(first(x), other(x))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("first_logit", [-6.0, 3.0])
def test_the_last_layer_starts_at_the_score_asked_for(first_logit):
    nearly_still = PixelLoss(lambda logits, masks: (logits * 0).sum(), first_logit=first_logit)
    network = fitted(nearly_still, steps=1).network
    first = pixel_probabilities(network, torch.zeros(1, 1, 16, 16)).logit().mean()
    assert float(first) == pytest.approx(first_logit, abs=0.5)


def test_the_weights_of_the_least_validation_loss_are_kept():
    done = fitted(PIXEL_LOSSES["cross-entropy"])
    images, masks = squares(8, seed=9)
    with torch.no_grad():
        again = F.binary_cross_entropy_with_logits(done.network(images), masks.float())
    assert float(again) == pytest.approx(done.validation_loss, rel=1e-5)
    assert 1 <= done.best_step <= 60


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_overlap_losses_are_one_minus_the_ratio_of_soft_counts(seed):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 1, 4, 5, generator=generator)
    masks = (torch.rand(3, 1, 4, 5, generator=generator) < 0.3).float()
    masks[0] = 0
    p = logits.sigmoid()
    tp, fp, fn = (p * masks).sum(), (p * (1 - masks)).sum(), ((1 - p) * masks).sum()
    dice = 1 - 2 * tp / (2 * tp + fp + fn)
    tversky = 1 - tp / (tp + 0.1 * fp + 0.9 * fn)
    if tp > 0.1:  # both add a little to numerator and denominator
        assert float(PIXEL_LOSSES["Dice"].of(logits, masks)) == pytest.approx(float(dice), abs=1e-4)
        assert float(PIXEL_LOSSES["Tversky"].of(logits, masks)) == pytest.approx(
            float(tversky), abs=1e-4
        )


def test_what_does_not_fit_is_refused_by_name():
    images, masks = squares(4)
    options = {"loss": PIXEL_LOSSES["Dice"], "steps": 1, "generator": torch.Generator()}
    with pytest.raises(ValueError, match=r"must both be \(n, 1,"):
        fit_segmenter(images, masks[:2], validation=(images, masks), **options)
    odd = images[..., :14]
    with pytest.raises(ValueError, match="multiples of 4"):
        fit_segmenter(odd, masks[..., :14], validation=(images, masks), **options)
