"""Is a patient's record in the sum? What the sum itself tells, masks or none.

Scores only, higher = more likely a member: whoever measures them holds members against records of
the same kind that are no members, by `medlib.measures.auc`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

__all__ = ["alignment_scores", "loss_scores", "record_gradients"]

Loss = Callable[[Tensor, Tensor], Tensor]


def loss_scores(
    model: nn.Module,
    loss: Loss,
    records: Float[Tensor, "n ..."],
    labels: Int[Tensor, " labels"],
) -> Float[Tensor, " n"]:
    """Minus each record's loss under the model that came of the sum: what was learnt fits better.

        score_i = -L(f(x_i), y_i)

    Args:
        model: after the sum of updates was applied, as all participants get to see it; in the mode
            in which it should answer.
        loss: of (logits, labels) of a batch, giving one number.
        records: one at a time is shown to the model.
        labels: of the records.

    Returns:
        Scores; higher = more likely a member. A threshold on them is the attack.

    Raises:
        ValueError: another number of labels than of records.

    Source: Yeom et al. 2018, adversary 1, doi:10.1109/CSF.2018.00027.
    """
    _check(records, labels)
    with torch.no_grad():
        return -torch.stack(
            [loss(model(records[i : i + 1]), labels[i : i + 1]) for i in range(len(records))]
        )


def record_gradients(
    model: nn.Module,
    loss: Loss,
    records: Float[Tensor, "n ..."],
    labels: Int[Tensor, " labels"],
) -> Float[Tensor, "n parameters"]:
    """The gradient of each record's own loss, all parameters in one row.

    Args:
        model: before the update, as all participants know it; in the mode in which it was trained,
            without layers that look at a whole batch.
        loss: of (logits, labels) of a batch, giving one number.
        records: one at a time is shown to the model.
        labels: of the records.

    Raises:
        ValueError: another number of labels than of records.
    """
    _check(records, labels)
    trained = [p for p in model.parameters() if p.requires_grad]
    rows = []
    for i in range(len(records)):
        value = loss(model(records[i : i + 1]), labels[i : i + 1])
        rows.append(torch.cat([g.flatten() for g in torch.autograd.grad(value, trained)]))
    return torch.stack(rows)


def alignment_scores(
    update: Float[Tensor, " values"], gradients: Float[Tensor, "n parameters"]
) -> Float[Tensor, " n"]:
    """How far the sum of updates points where a record alone would have pushed.

        score_i = cos(-update, ∇L_i)

    In many dimensions gradients of different records are nearly at right angles, and a member's
    own part in the sum stands out. Dividing by the length keeps records with a large loss, members
    or not, from leading.

    Args:
        update: the sum, or mean, of what clients added to the parameters: against the gradient.
        gradients: of each record, from `record_gradients` with the model before the update.

    Returns:
        Scores in -1..1; higher = more likely a member.

    Raises:
        ValueError: an update of another length, or one that is zero throughout.

    Example:
        >>> alignment_scores(torch.tensor([-2.0, 0.0]), torch.eye(2)).tolist()
        [1.0, -0.0]

    Source: the inner product is that of Dwork et al. 2015, doi:10.1109/FOCS.2015.46, "Robust
        traceability from trace amounts"; on gradients it is ours.
    """
    if update.shape != gradients.shape[1:]:
        raise ValueError(
            f"an update of {len(update)} and gradients of {gradients.shape[1]} parameters; "
            "both are of the same model"
        )
    if not update.norm() > 0:
        raise ValueError("the update is zero throughout; it points nowhere")
    lengths = gradients.norm(dim=1) * update.norm()
    return -(gradients @ update) / lengths.clamp_min(torch.finfo(update.dtype).tiny)


def _check(records: Tensor, labels: Tensor) -> None:
    if len(records) != len(labels):
        raise ValueError(f"{len(records)} records and {len(labels)} labels; one each")
