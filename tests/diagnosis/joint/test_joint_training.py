"""Both heads learn, each from what it was given, the same on every call."""

import numpy as np
import pytest
import torch

from medlib.diagnosis.joint.joint_training import Masked, fit_two_headed


def bars(n, seed):
    """Bright bars on noise, upright or lying, and where they are."""
    rng = np.random.default_rng(seed)
    images = rng.normal(0, 0.3, size=(n, 1, 16, 16)).astype(np.float32)
    masks, labels = np.zeros(images.shape, dtype=bool), np.arange(n) % 2
    for i, label in enumerate(labels):
        row, column = rng.integers(1, 9, size=2)
        tall, wide = (2, 5) if label else (3, 3)
        masks[i, 0, row : row + tall, column : column + wide] = True
    images += np.float32(1.5) * masks
    return torch.from_numpy(images), torch.from_numpy(labels), torch.from_numpy(masks)


def fitted(*, same=True, weight=10.0, steps=150, seed=0, masks=True):
    x, y, m = bars(64, 0)
    other = bars(64, 5)
    masked = Masked(x, m, True) if same else Masked(other[0], other[2], False)
    v, w, _ = bars(64, 9)
    return fit_two_headed(
        x, y, masked=masked if masks else None, weight=weight, validation=(v, w), steps=steps,
        peak_rate=1e-2, every=25, generator=torch.Generator().manual_seed(seed),
    )  # fmt: skip


def dice_of(network):
    x, _, m = bars(64, 3)
    with torch.no_grad():
        marked = network(x).pixels > 0
    return float(2 * (marked & m).sum() / (marked.sum() + m.sum()))


@pytest.mark.parametrize("same", [True, False])
def test_masks_of_the_same_or_of_other_images_teach_to_mark(same):
    assert dice_of(fitted(same=same).network) > 0.6
    assert dice_of(fitted(same=same, weight=0.0).network) < 0.5


def test_the_class_is_learned():
    assert fitted(masks=False).validation_loss < 0.55


@pytest.mark.parametrize("way", ["learned", "balanced"])
def test_weights_move_from_where_they_began(way):
    done = fitted(weight=way, steps=60)
    assert done.weight > 1.5
    assert dice_of(done.network) > 0.3


def test_the_same_generator_gives_the_same_bits():
    first, again = fitted(steps=3), fitted(steps=3)
    x = bars(4, 1)[0]
    assert torch.equal(first.network(x).classes, again.network(x).classes)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="one of learned, balanced"):
        fitted(weight="auto")
    with pytest.raises(ValueError, match="must not be negative"):
        fitted(weight=-1.0)
    x, y, m = bars(8, 0)
    with pytest.raises(ValueError, match="8 labelled images, but 6 with masks"):
        fit_two_headed(
            x, y, masked=Masked(x[:6], m[:6], True), weight=1.0, validation=(x, y), steps=1,
            peak_rate=1e-3, generator=torch.Generator(),
        )  # fmt: skip
