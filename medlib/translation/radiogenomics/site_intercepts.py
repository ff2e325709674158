"""The intercept of each hospital, fitted anew to whatever the network says at the moment."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["fitted_intercepts"]

_ROUNDS, _LONGEST_MOVE = 30, 2.0


@torch.no_grad()
def fitted_intercepts(
    logit: Float[Tensor, " n"],
    site: Int[Tensor, " sites"],
    response: Int[Tensor, " responses"],
    *,
    hospitals: int = 2,
    precision: float = 0.01,
) -> Float[Tensor, " hospitals"]:
    r"""Solve $\sum_{i \in s} (y_i - \sigma(g_i + u_s)) = \kappa u_s$ for each hospital s.

    With these added, what is left to explain sums to (nearly) nothing at each hospital: the loss no
    longer gets smaller by telling hospitals apart, so that whoever learns g from it is not drawn to
    the scanner. Log-odds counted once beforehand do not do that: the log-odds ratio of a hospital
    grows when what also matters is put into the model (it does not *collapse*).

    Args:
        logit: g, of the patients of a batch.
        site: the hospital, 0, 1, ...
        response: 0 or 1.
        hospitals: how many there are; one that is not in the batch gets 0.
        precision: κ = 1/τ² of a normal prior, > 0: keeps the intercept finite where a batch has one
            kind of response from a hospital. 0.01 is an SD of 10 log-odds: hardly a prior.

    Returns:
        u, of each hospital; without a gradient.

    Raises:
        ValueError: lengths differ, a hospital out of range, or a precision that is not positive.

    Example:
        >>> logit, site = torch.zeros(8), torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
        >>> response = torch.tensor([0, 0, 0, 1, 1, 1, 1, 0])
        >>> [round(u, 2) for u in fitted_intercepts(logit, site, response).tolist()]
        [-1.08, 1.08]

    Source: Breslow and Clayton (1993), doi:10.1080/01621459.1993.10594284; that odds ratios do not
    collapse: Greenland, Robins and Pearl (1999), doi:10.1214/ss/1009211805.
    """
    if not len(logit) == len(site) == len(response):
        raise ValueError(f"{len(logit)} logits, {len(site)} sites, {len(response)} responses")
    if len(site) and not 0 <= int(site.min()) <= int(site.max()) < hospitals:
        raise ValueError(f"sites lie in {int(site.min())}..{int(site.max())}, of {hospitals}")
    if not precision > 0:
        raise ValueError(f"precision is {precision}; it must be positive")
    g, y = logit.double(), response.double()
    u = torch.zeros(hospitals, dtype=torch.float64, device=logit.device)
    for _ in range(_ROUNDS):
        p = torch.sigmoid(g + u[site])
        slope = torch.zeros_like(u).index_add(0, site, y - p) - precision * u
        curve = torch.zeros_like(u).index_add(0, site, p * (1 - p)) + precision
        move = (slope / curve).clamp(-_LONGEST_MOVE, _LONGEST_MOVE)
        u = u + move
        if float(move.abs().max()) < 1e-9:
            break
    return u.to(logit.dtype)
