"""Learned weights find the formula's; what is not shown cannot be weighed by."""

import pytest
import torch

from medlib.diagnosis.fusion.two_estimates import Truth
from medlib.diagnosis.fusion.weighing import Shown, Weighing, fit_weighing


def flat_truth(n=16, size=8):
    """Half of each map with an uptake of one, half with a quarter; theta is anything."""
    uptake = torch.full((n, size, size), 0.25)
    uptake[:, :, size // 2 :] = 1.0
    theta = torch.rand(n, size, size, generator=torch.Generator().manual_seed(0)) * 0.1
    return Truth(theta, uptake, uptake[:, None], uptake > 0)


def seen(truth, counts):
    dose = torch.full((len(truth),), counts)
    return truth.measure(dose, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def fitted():
    return fit_weighing(
        flat_truth(), shown=Shown(), counts=(5.0, 200.0), steps=150, batch_size=8, peak_rate=0.1,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip


@pytest.mark.parametrize("counts", [5.0, 30.0, 200.0])
def test_learned_weights_are_near_the_formula(fitted, counts):
    truth = flat_truth()
    some = seen(truth, counts)
    with torch.no_grad():
        weight = fitted(truth, some)[1]
    optimum = truth.mri_sd**2 / (truth.mri_sd**2 + some.variance)
    half = 4
    for part in (slice(0, half), slice(half, None)):
        assert weight[..., part].mean() == pytest.approx(optimum[..., part].mean().item(), abs=0.08)


def test_without_the_dose_the_weight_cannot_follow_it():
    truth = flat_truth()
    blind = fit_weighing(
        truth, shown=Shown(dose=False), counts=(5.0, 200.0), steps=3, batch_size=8,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    weights = [blind(truth, seen(truth, c))[1] for c in (5.0, 200.0)]
    torch.testing.assert_close(*weights)


def test_only_with_evidence_does_the_weight_depend_on_it():
    truth = flat_truth()
    one, other = seen(truth, 20.0), truth.measure(
        torch.full((len(truth),), 20.0), generator=torch.Generator().manual_seed(2)
    )  # fmt: skip
    for evidence in (False, True):
        network = Weighing(1, Shown(evidence=evidence), generator=torch.Generator().manual_seed(0))
        torch.nn.init.normal_(network.layers[-1].weight)
        same = torch.equal(network(truth, one)[1], network(truth, other)[1])
        assert same != evidence


def test_it_begins_with_the_mean_of_both():
    truth = flat_truth()
    some = seen(truth, 20.0)
    network = Weighing(1, Shown(), generator=torch.Generator().manual_seed(0))
    estimate, weight = network(truth, some)
    assert (weight == 0.5).all()
    torch.testing.assert_close(estimate, (some.mri + some.pet) / 2)


def test_gains_are_learned_only_if_asked():
    for gains in (False, True):
        network = fit_weighing(
            flat_truth(), shown=Shown(gains=gains, pet_gain=3.0), counts=(5.0, 200.0), steps=3,
            batch_size=8, generator=torch.Generator().manual_seed(0),
        )  # fmt: skip
        assert (network.gains != 1).any().item() == gains


def test_the_same_generator_gives_the_same_weights():
    one, other = (
        fit_weighing(
            flat_truth(), shown=Shown(), counts=(5.0, 200.0), steps=3, batch_size=8,
            generator=torch.Generator().manual_seed(4),
        )
        for _ in range(2)
    )  # fmt: skip
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
