"""The image comes out of a hospital's gradient, and not out of what a mask leaves of it."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from medlib.systems.aggregation.gradient_matching import gradient_of, match_gradient, parted
from medlib.systems.aggregation.masking import mask
from medlib.systems.aggregation.quantisation import plan, quantise, sum_of

SHAPE = (1, 12, 12)


@pytest.fixture
def case():
    """A small smooth network, a blob, and the gradient that a hospital would send."""
    torch.manual_seed(3)
    net = nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), nn.Sigmoid(), nn.Flatten(), nn.Linear(6 * 144, 3)
    ).double()
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    image = torch.exp(-((y - 4) ** 2 + (x - 7) ** 2) / 8).double()[None, None]
    label = torch.tensor([1])
    return net, image, label, gradient_of(net, F.cross_entropy, image, label)


def attack(case, observed=None, *, seed=0, **other):
    net, _, label, gradient = case
    how = {"steps": 60, "distance": "squared", "rate": 1.0} | other
    return match_gradient(
        gradient if observed is None else observed,
        model=net,
        loss=F.cross_entropy,
        labels=label,
        shape=SHAPE,
        generator=torch.Generator().manual_seed(seed),
        **how,
    )


def psnr(found, image):
    return float(-10 * torch.log10(((found - image) ** 2).mean()))


@pytest.mark.parametrize(
    "how",
    [
        {"distance": "squared", "rate": 1.0, "steps": 60},
        {"distance": "cosine", "rate": 0.1, "steps": 250, "smoothness": 1e-3, "box": (0.0, 1.0)},
    ],
    ids=["squared", "cosine"],
)
def test_the_image_comes_out(case, how):
    done = attack(case, **how)
    assert psnr(done.images, case[1]) > 25
    assert 0 <= done.mismatch < 0.01
    assert done.steps == how["steps"]


def test_longer_search_comes_nearer(case):
    short, long = attack(case, steps=5), attack(case, steps=60)
    assert long.mismatch < short.mismatch
    assert psnr(long.images, case[1]) > psnr(short.images, case[1]) + 5


def test_out_of_what_the_server_sees_nothing_comes(case):
    _, image, _, gradient = case
    flat = torch.cat([g.flatten() for g in gradient])
    by = plan(clip=float(flat.abs().max()) * 1.01, clients=3)
    words = quantise(flat.numpy(), by=by).words
    seeds = {j: bytes([j]) * 32 for j in (2, 3)}
    masked = mask(words, me=1, self_seed=b"b" * 32, pair_seeds=seeds)
    plain, seen = (
        parted(torch.from_numpy(sum_of(w, by=by)), like=gradient) for w in (words, masked)
    )
    assert psnr(attack(case, plain).images, image) > 25, "quantised alone it would come out"
    how = {"distance": "cosine", "rate": 0.1, "steps": 100, "box": (0.0, 1.0)}
    done = attack(case, seen, **how)
    assert psnr(done.images, image) < 10
    assert done.mismatch > 0.8


def test_the_same_generator_the_same_image_and_nothing_global(case):
    state = torch.get_rng_state()
    one, two, other = (attack(case, seed=s, steps=5) for s in (1, 1, 2))
    assert torch.equal(one.images, two.images)
    assert not torch.equal(one.images, other.images)
    assert torch.equal(state, torch.get_rng_state())
    assert all(p.grad is None for p in case[0].parameters())


def test_smoothness_makes_smoother_images(case):
    how = {"distance": "cosine", "rate": 0.1, "steps": 150}
    rough, smooth = attack(case, **how), attack(case, smoothness=10.0, **how)
    rough, smooth = (one.images.diff(dim=-1).abs().mean() for one in (rough, smooth))
    assert smooth < 0.8 * rough


def test_the_objective_counts_the_roughness(case):
    how = {"distance": "cosine", "rate": 0.1, "steps": 5}
    plain, smooth = attack(case, **how), attack(case, smoothness=2.0, **how)
    images = smooth.images
    rough = images.diff(dim=-1).abs().mean() + images.diff(dim=-2).abs().mean()
    assert plain.objective == plain.mismatch
    assert smooth.objective == pytest.approx(smooth.mismatch + 2.0 * float(rough))


def test_the_box_holds(case):
    done = attack(case, box=(0.2, 0.6), distance="cosine", rate=0.1, steps=10)
    assert 0.2 <= float(done.images.min()) <= float(done.images.max()) <= 0.6


def test_a_vector_goes_apart_and_together():
    like = [torch.zeros(2, 3), torch.zeros(4)]
    vector = torch.arange(10.0)
    assert torch.equal(torch.cat([p.flatten() for p in parted(vector, like=like)]), vector)
    with pytest.raises(ValueError, match="9 values; the parameters hold 10"):
        parted(vector[1:], like=like)


def test_what_is_wrong_is_refused(case):
    gradient = case[3]
    with pytest.raises(ValueError, match="3 gradients of"):
        attack(case, gradient[:3])
    with pytest.raises(ValueError, match="not finite"):
        attack(case, [g * np.nan for g in gradient])
    with pytest.raises(ValueError, match="distance 'l1'"):
        attack(case, distance="l1")
    with pytest.raises(ValueError, match="steps 0"):
        attack(case, steps=0)
