"""Each rule keeps its own moment; of equal AUCs the one with less loss."""

import pytest
import torch
from torch import nn

from medlib.diagnosis.joint.kept import Keeping
from medlib.diagnosis.joint.two_headed import Answers

LABELS = torch.tensor([0, 0, 1, 1])


class Says(nn.Module):
    """A model of which every validation is told beforehand: scores of the four images."""

    def __init__(self):
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(4))

    def forward(self, images):
        scores = self.scores[images[:, 0, 0, 0].long()]
        return Answers(torch.stack([torch.zeros_like(scores), scores], dim=1), images)


@torch.no_grad()
def kept_of(*courses, fewer=None):
    images = torch.arange(4.0).reshape(4, 1, 1, 1)
    model, keeping = Says(), Keeping((images, LABELS), fewer=fewer, weight=lambda: 7.0)
    for step, scores in enumerate(courses, start=1):
        keeping.count(step, 0.0)
        model.scores.copy_(torch.tensor(scores))
        keeping(model)
    return {rule: kept.step for rule, kept in keeping.kept.items()}, keeping.kept


def test_order_and_loss_may_keep_different_steps():
    unsure, sure_and_ordered = (-0.5, 0.5, 0.4, 0.6), (-9.0, 5.0, 6.0, 9.0)
    steps, kept = kept_of(unsure, sure_and_ordered, (0.0, 0.0, 0.0, 0.0))
    assert steps == {"auc": 2, "loss": 1, "first": 1, "last": 3}
    assert kept["auc"].auc == 1.0
    assert kept["auc"].state["scores"].tolist() == pytest.approx(sure_and_ordered)
    assert kept["auc"].weight == 7.0


def test_of_equal_order_the_lesser_loss_is_kept_and_then_the_first():
    right, surer = (-1.0, -1.0, 1.0, 1.0), (-2.0, -2.0, 2.0, 2.0)
    assert kept_of(right, surer, surer)[0]["auc"] == 2


def test_fewer_images_make_a_choice_of_their_own():
    good_on_some, good_on_all_but_these = (-1.0, 3.0, 1.0, 2.0), (2.0, -1.0, 1.0, 3.0)
    steps, _ = kept_of(good_on_all_but_these, good_on_some, fewer=torch.tensor([0, 2]))
    assert steps["fewer"] == 2
    with pytest.raises(ValueError, match="an AUC needs both"):
        kept_of((0.0,) * 4, fewer=torch.tensor([0, 1]))
