"""Learned weights come to one over twice the loss, and the value to half the sum of logarithms."""

import math

import pytest
import torch

from medlib.diagnosis.joint.learned_weights import LearnedWeights


@pytest.mark.parametrize("losses", [(0.5, 2.0), (0.01, 3.0)])
def test_weights_come_to_one_over_twice_the_loss(losses):
    weights = LearnedWeights(2)
    optimizer = torch.optim.LBFGS(weights.parameters(), max_iter=200, line_search_fn="strong_wolfe")
    given = [torch.tensor(loss) for loss in losses]

    def closure():
        optimizer.zero_grad()
        value = weights(given)
        value.backward()
        return value

    optimizer.step(closure)
    assert weights.weights().tolist() == pytest.approx(
        [1 / (2 * loss) for loss in losses], rel=1e-3
    )
    least = sum(0.5 * (1 + math.log(2 * loss)) for loss in losses)
    assert float(weights(given).detach()) == pytest.approx(least, abs=1e-4)


def test_a_loss_more_or_less_and_no_loss_are_refused():
    with pytest.raises(ValueError, match="1 losses, but 2 weights"):
        LearnedWeights(2)([torch.tensor(1.0)])
    with pytest.raises(ValueError, match="at least one loss"):
        LearnedWeights(0)
    with pytest.raises(ValueError, match="2 tasks, but 1 first log variances"):
        LearnedWeights(2, first_log_variance=[0.0])


def test_a_mean_that_begins_at_minus_the_logarithm_of_n_is_a_sum():
    n, losses = 50, (0.7, 0.02)
    sums, means = LearnedWeights(2), LearnedWeights(2, first_log_variance=(0.0, -math.log(n)))
    of_sums = sums([torch.tensor(losses[0]), torch.tensor(n * losses[1])])
    of_means = means([torch.tensor(loss) for loss in losses])
    assert float((of_sums - of_means).detach()) == pytest.approx(math.log(n) / 2, rel=1e-5)
    for value in (of_sums, of_means):
        value.backward()
    assert torch.allclose(sums.log_variance.grad, means.log_variance.grad)
