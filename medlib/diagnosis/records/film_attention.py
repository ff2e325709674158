"""Attention from hours to films that looks back only: a film counts from the time it was taken."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

__all__ = ["FilmAttention", "visible"]


def visible(
    film_hours: Float[Tensor, "batch films"], hours: Float[Tensor, " hours"]
) -> Bool[Tensor, "batch hours films"]:
    """Whether a film had been taken by each hour. Places without a film have time inf.

    Example:
        >>> visible(torch.tensor([[2.0, 30.0]]), torch.tensor([1.0, 2.0]))[0].tolist()
        [[False, False], [True, False]]
    """
    return film_hours[:, None, :] <= hours[None, :, None]


class FilmAttention(nn.Module):
    r"""What the films taken so far say, hour by hour.

    The record's state at hour t asks, and every film that was taken by then answers:

    .. math::
        a_{tk} = q_t \cdot k_k / \sqrt d - \rho\, (t - t_k) \quad\text{for } t_k \le t, \qquad
        o_t = \sum_k \mathrm{softmax}_k(a_{tk})\, v_k

    A film with :math:`t_k > t` has weight 0 exactly. An answer "no film" is always among them, so
    that there is one before the first film. ρ ≥ 0, in 1/day, is learned: old films count less.

    Args:
        asks: width of the state that asks.
        films: width of a film's vector.
        width: d, of queries, keys and values.
        generator: of the first weights.

    Attributes:
        looks_back: False takes the condition out, and every film answers at every hour: a defect,
            by which a test of causality is shown to fail.

    Example:
        >>> attention = FilmAttention(8, 16, 4, generator=torch.Generator().manual_seed(0))
        >>> states, films = torch.zeros(2, 5, 8), torch.zeros(2, 3, 16)
        >>> attention(states, films, torch.full((2, 3), torch.inf)).shape
        torch.Size([2, 5, 4])

    Source of the scaled product: Vaswani et al. (2017), doi:10.48550/arXiv.1706.03762.
    """

    def __init__(self, asks: int, films: int, width: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.looks_back = True
        self.query = nn.Linear(asks, width)
        self.key = nn.Linear(films, width)
        self.value = nn.Linear(films, width)
        self.no_film = nn.Parameter(torch.empty(films))
        self.fading = nn.Parameter(torch.zeros(()))  # softplus(0) = 0.69 a day
        with torch.no_grad():
            for layer in (self.query, self.key, self.value):
                reach = layer.in_features**-0.5
                layer.weight.uniform_(-reach, reach, generator=generator)
                layer.bias.uniform_(-reach, reach, generator=generator)
            self.no_film.normal_(0, 0.1, generator=generator)

    def weights(
        self,
        states: Float[Tensor, "batch hours asks"],
        films: Float[Tensor, "batch films vector"],
        film_hours: Float[Tensor, "batch films"],
    ) -> Float[Tensor, "batch hours films_and_none"]:
        """The softmax; "no film" comes last.

        Args:
            states: one an hour, at hours 1, 2, ...
            films: vectors; anything finite where there is no film.
            film_hours: when each was taken, inf where there is none.
        """
        hours = torch.arange(1, states.shape[1] + 1, dtype=film_hours.dtype, device=states.device)
        query = self.query(states) / self.query.out_features**0.5
        scores = query @ self.key(films).transpose(1, 2)
        age_days = (hours[None, :, None] - film_hours[:, None, :]) / 24
        scores = scores - nn.functional.softplus(self.fading) * age_days.clamp(min=0.0)
        seen = visible(film_hours, hours if self.looks_back else torch.full_like(hours, 1e9))
        scores = scores.masked_fill(~seen, -torch.inf)
        none = query @ self.key(self.no_film)
        return torch.softmax(torch.cat([scores, none[..., None]], dim=2), dim=2)

    def forward(
        self,
        states: Float[Tensor, "batch hours asks"],
        films: Float[Tensor, "batch films vector"],
        film_hours: Float[Tensor, "batch films"],
    ) -> Float[Tensor, "batch hours width"]:
        """What the films say at each hour; arguments as of `weights`."""
        weights = self.weights(states, films, film_hours)
        none = self.value(self.no_film).expand(len(films), 1, -1)
        return weights @ torch.cat([self.value(films), none], dim=1)
