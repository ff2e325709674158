"""Members of a small sum stand out; in none, and in another's, they do not."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from medlib.measures.auc import auc
from medlib.systems.aggregation.membership import alignment_scores, loss_scores, record_gradients


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(40, 30), nn.Tanh(), nn.Linear(30, 2)).double()


def people(n, seed):
    generator = torch.Generator().manual_seed(seed)
    records = torch.randn(n, 40, generator=generator, dtype=torch.float64)
    return records, torch.randint(2, (n,), generator=generator)


def step(net, records, labels, *, rate=0.1):
    """One step of each client's plain gradient descent, summed: what the server gets to see."""
    return -rate * record_gradients(net, F.cross_entropy, records, labels).sum(dim=0)


def area(scores_in, scores_out):
    return auc(scores_in.numpy(), scores_out.numpy()).value


def test_members_are_seen_in_one_step_by_their_direction():
    net, (inside, a), (outside, b) = network(), people(30, 1), people(30, 2)
    update = step(net, inside, a)
    of = [record_gradients(net, F.cross_entropy, r, y) for r, y in ((inside, a), (outside, b))]
    found = area(*(alignment_scores(update, g) for g in of))
    assert found > 0.7
    elsewhere = step(net, *people(30, 3))
    assert abs(area(*(alignment_scores(elsewhere, g) for g in of)) - 0.5) < 0.2


def test_the_more_are_summed_the_less_is_seen():
    net, (outside, b) = network(), people(100, 2)
    areas = []
    for n in (10, 400):
        inside, a = people(n, 1)
        update = step(net, inside, a)
        of = [record_gradients(net, F.cross_entropy, r, y) for r, y in ((inside, a), (outside, b))]
        areas.append(area(*(alignment_scores(update, g) for g in of)))
    assert areas[0] > areas[1] + 0.1


def test_members_are_seen_by_their_loss_after_long_training():
    net, (inside, a), (outside, b) = network(), people(30, 1), people(30, 2)
    before = [loss_scores(net, F.cross_entropy, r, y) for r, y in ((inside, a), (outside, b))]
    for _ in range(100):
        moved = nn.utils.parameters_to_vector(net.parameters()) + step(net, inside, a, rate=0.02)
        nn.utils.vector_to_parameters(moved.detach(), net.parameters())
    after = [loss_scores(net, F.cross_entropy, r, y) for r, y in ((inside, a), (outside, b))]
    assert abs(area(*before) - 0.5) < 0.2
    assert area(*after) > 0.9


def test_record_gradients_add_up_to_the_batchs():
    net, (records, labels) = network(), people(7, 4)
    rows = record_gradients(net, F.cross_entropy, records, labels)
    whole = torch.autograd.grad(
        F.cross_entropy(net(records), labels, reduction="sum"), list(net.parameters())
    )
    assert torch.allclose(rows.sum(dim=0), torch.cat([g.flatten() for g in whole]))
    assert all(p.grad is None for p in net.parameters())


def test_scores_are_what_they_say():
    net, (records, labels) = network(), people(5, 4)
    theirs = -F.cross_entropy(net(records), labels, reduction="none")
    assert torch.allclose(loss_scores(net, F.cross_entropy, records, labels), theirs)
    gradients = record_gradients(net, F.cross_entropy, records, labels)
    update = torch.ones(gradients.shape[1], dtype=torch.float64)
    cosines = F.cosine_similarity(-update[None], gradients)
    assert np.allclose(alignment_scores(update, gradients), cosines)


def test_what_is_wrong_is_refused():
    with pytest.raises(ValueError, match="an update of 3 and gradients of 2 parameters"):
        alignment_scores(torch.ones(3), torch.ones(4, 2))
    with pytest.raises(ValueError, match="zero throughout"):
        alignment_scores(torch.zeros(2), torch.ones(4, 2))
    for scores in (loss_scores, record_gradients):
        with pytest.raises(ValueError, match="2 records and 3 labels"):
            scores(network(), F.cross_entropy, torch.ones(2, 40).double(), torch.ones(3).long())
