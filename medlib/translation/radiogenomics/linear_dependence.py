"""How much logits and features go with the hospital, linearly: penalties to minimise directly."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["mean_squared_correlation", "squared_covariance", "within_responses"]

_LEAST_VARIANCE = 1e-6


def mean_squared_correlation(
    features: Float[Tensor, "n features"], site: Float[Tensor, " sites"] | Int[Tensor, " sites"]
) -> Float[Tensor, ""]:
    r"""Mean over features of the squared correlation with the hospital.

    $$ P = \frac1d \sum_{j=1}^{d} \frac{\operatorname{cov}(f_j, s)^2}
                                     {\operatorname{var}(f_j) \operatorname{var}(s)} . $$

    Divided by the variances, so that shrinking all features does not lower it. Of features that
    know nothing of the hospital it is 1/(n - 1) in the mean, not 0. It sees means only: a hospital
    whose features spread more, around the same mean, costs nothing; see `kernel_dependence`.

    Args:
        features: one row a patient.
        site: the hospital, as numbers.

    Returns:
        Between 0 and 1, higher = more dependent; 0 if the batch is of one hospital.

    Raises:
        ValueError: fewer than two patients, or not one site a row.

    Example:
        >>> import torch
        >>> site = torch.tensor([0.0, 0.0, 1.0, 1.0])
        >>> features = torch.stack([site * 3, torch.tensor([0.0, 1.0, 0.0, 1.0])], dim=1)
        >>> round(mean_squared_correlation(features, site).item(), 4)
        0.5

    Source: `squared_covariance`, scaled.
    """
    if features.ndim != 2 or site.shape != features.shape[:1] or len(site) < 2:
        raise ValueError(
            f"features {tuple(features.shape)} and site {tuple(site.shape)}: one row and one site"
            " a patient, two patients at least"
        )
    away = features - features.mean(dim=0)
    place = site.to(features.dtype) - site.to(features.dtype).mean()
    variance, spread = away.square().mean(dim=0), place.square().mean()
    together = (away * place[:, None]).mean(dim=0)
    floor = _LEAST_VARIANCE
    return (together.square() / ((variance + floor) * spread.clamp_min(floor))).mean()


def squared_covariance(
    logit: Float[Tensor, " n"], site: Float[Tensor, " sites"] | Int[Tensor, " sites"]
) -> Float[Tensor, ""]:
    r"""Squared covariance of the logit with the hospital, over the variance of the hospital.

    $$ P = \frac{\operatorname{cov}(g, s)^2}{\operatorname{var}(s)} , $$

    for two hospitals of shares q and 1 - q it is q(1 - q) times the squared difference of their
    mean logits. Not divided by the variance of the logit, whose size the response's loss holds. Of
    logits that know nothing of the hospital it is their variance over n in the mean, not 0.

    Args:
        logit: one a patient.
        site: the hospital, as numbers.

    Returns:
        In squared logits, higher = more dependent; 0 if the batch is of one hospital.

    Raises:
        ValueError: fewer than two patients, or not one site a logit.

    Example:
        >>> import torch
        >>> site = torch.tensor([0.0, 0.0, 1.0, 1.0])
        >>> squared_covariance(torch.tensor([0.0, 1.0, 2.0, 3.0]), site).item()
        1.0

    Source: the covariance of Zafar et al. (2017), doi:10.48550/arXiv.1507.05259, as a penalty.
    """
    if logit.ndim != 1 or site.shape != logit.shape or len(site) < 2:
        raise ValueError(
            f"logit {tuple(logit.shape)} and site {tuple(site.shape)}: one logit and one site a"
            " patient, two patients at least"
        )
    place = site.to(logit.dtype) - site.to(logit.dtype).mean()
    together = ((logit - logit.mean()) * place).mean()
    return together.square() / place.square().mean().clamp_min(_LEAST_VARIANCE)


def within_responses(
    logit: Float[Tensor, " n"],
    site: Float[Tensor, " n"] | Int[Tensor, " n"],
    response: Int[Tensor, " n"],
) -> Float[Tensor, ""]:
    """`squared_covariance` among responders and among others, weighted by their numbers.

    The right target where the response decides which hospital a patient goes to: given the
    response, biology then knows nothing of the hospital, though over all patients it does.

    Args:
        logit: one a patient.
        site: the hospital.
        response: 0 or 1. A response with fewer than two patients counts as 0.

    Example:
        >>> import torch
        >>> site, response = torch.tensor([0.0, 1.0, 0.0, 1.0]), torch.tensor([0, 1, 0, 1])
        >>> within_responses(torch.tensor([1.0, 2.0, 1.0, 2.0]), site, response).item()
        0.0

    Source: Veitch et al. (2021), doi:10.48550/arXiv.2106.00545.
    """
    total = logit.new_zeros(())
    for value in (0, 1):
        own = response == value
        if int(own.sum()) >= 2:
            part = squared_covariance(logit[own], site[own])
            total = total + own.sum() / len(response) * part
    return total
