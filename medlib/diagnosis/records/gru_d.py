"""GRU-D and its simpler relatives: one recurrent cell that may see masks, intervals and decays.

With nothing switched on it is a plain GRU on filled rows. All arms of a comparison are this one
network, and differ in nothing but what is switched on.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["GruD", "RiskByHour"]

HOURS_A_DAY = 24.0


class GruD(nn.Module):
    r"""A gated recurrent unit over rows with gaps.

    With decays, inputs and states fade while nothing is measured:

    .. math::
        \gamma_t &= \exp(-\max(0, W_\gamma \delta_t + b_\gamma)) \\
        \hat x_t &= m_t x_t + (1 - m_t)(\gamma_{x,t} x_{t'} + (1 - \gamma_{x,t}) \bar x) \\
        \hat h &= \gamma_{h,t} \odot h_{t-1} \\
        r_t &= \sigma(W_r \hat x_t + U_r \hat h + V_r m_t + b_r) \\
        z_t &= \sigma(W_z \hat x_t + U_z \hat h + V_z m_t + b_z) \\
        \tilde h_t &= \tanh(W \hat x_t + U (r_t \odot \hat h) + V m_t + b) \\
        h_t &= (1 - z_t) \odot \hat h + z_t \odot \tilde h_t

    with m the mask, δ the time since the last measurement, x_{t'} the last value, and x̄ the
    channel's mean, which is 0 on the scale of the training patients. W_γ of the inputs is diagonal.

    Args:
        channels: D.
        hidden: width of the state h.
        masks: whether the gates see m.
        intervals: whether the gates see δ as well, in days.
        decays: whether inputs and states fade. δ counts in days here, so W_γ is in 1/day.
        generator: of the first weights.

    Example:
        >>> cell = GruD(3, 8, masks=True, decays=True, generator=torch.Generator().manual_seed(0))
        >>> x, m, delta = torch.zeros(2, 5, 3), torch.ones(2, 5, 3), torch.zeros(2, 5, 3)
        >>> cell(x, m, delta).shape
        torch.Size([2, 5, 8])

    Source: Che et al. (2018), doi:10.1038/s41598-018-24271-9.
    """

    def __init__(
        self,
        channels: int,
        hidden: int,
        *,
        masks: bool = False,
        intervals: bool = False,
        decays: bool = False,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.channels, self.hidden = channels, hidden
        self.masks, self.intervals, self.decays = masks, intervals, decays
        seen = channels * (1 + masks + intervals)
        self.of_input = nn.Linear(seen, 3 * hidden)  # W and V and b of r, z, h̃
        self.of_state = nn.Linear(hidden, 2 * hidden, bias=False)  # U of r, z
        self.of_reset = nn.Linear(hidden, hidden, bias=False)  # U of h̃
        if decays:
            self.input_rate = nn.Parameter(torch.empty(channels))
            self.input_start = nn.Parameter(torch.zeros(channels))
            self.state_rate = nn.Linear(channels, hidden)
        self._draw(generator)

    @torch.no_grad()
    def _draw(self, generator: torch.Generator) -> None:
        """Uniform first weights; rates W_γ begin between 0 and 1 a day, and 1/D for the state.

        The state's exponent adds over channels and hours: as it begins, little is left of a state
        after a night without measurements. Training makes it last longer.
        """
        reach = self.hidden**-0.5
        for parameter in self.parameters():
            parameter.uniform_(-reach, reach, generator=generator)
        if self.decays:
            self.input_rate.uniform_(0.0, 1.0, generator=generator)
            self.input_start.zero_()
            self.state_rate.weight.uniform_(0.0, 1.0 / self.channels, generator=generator)
            self.state_rate.bias.zero_()

    def input_decay(self, hours_since: Float[Tensor, "*batch channels"]) -> Tensor:
        """γ_x: 1 = the last value counts in full, 0 = the mean has taken its place."""
        days = hours_since / HOURS_A_DAY
        return torch.exp(-torch.relu(self.input_rate * days + self.input_start))

    def state_decay(self, hours_since: Float[Tensor, "*batch channels"]) -> Tensor:
        """γ_h, one for each number of the state."""
        return torch.exp(-torch.relu(self.state_rate(hours_since / HOURS_A_DAY)))

    def forward(
        self,
        carried: Float[Tensor, "batch hours channels"],
        mask: Float[Tensor, "batch hours channels"],
        hours_since: Float[Tensor, "batch hours channels"],
    ) -> Float[Tensor, "batch hours hidden"]:
        """The state after each hour.

        Args:
            carried: filled values; for decays the last value carried forward (0 before the first).
            mask: 1 where measured.
            hours_since: δ in hours.
        """
        if self.decays:
            fading = torch.where(mask > 0, 1.0, self.input_decay(hours_since))
            carried = carried * fading  # x̄ = 0
            state_decay = self.state_decay(hours_since).unbind(1)
        seen = [carried]
        seen += [mask] if self.masks else []
        seen += [hours_since / HOURS_A_DAY] if self.intervals else []
        driven = self.of_input(torch.cat(seen, dim=2))
        gates = driven[..., : 2 * self.hidden].unbind(1)
        candidates = driven[..., 2 * self.hidden :].unbind(1)
        h = carried.new_zeros(len(carried), self.hidden)
        states = []
        for hour in range(carried.shape[1]):
            if self.decays:
                h = state_decay[hour] * h
            r, z = torch.sigmoid(gates[hour] + self.of_state(h)).chunk(2, dim=1)
            fresh = torch.tanh(candidates[hour] + self.of_reset(r * h))
            h = torch.lerp(h, fresh, z)  # (1 - z) h + z fresh
            states.append(h)
        return torch.stack(states, dim=1)


class RiskByHour(nn.Module):
    """A logit after each hour, from the state of a `GruD`.

    Example:
        >>> cell = GruD(3, 8, generator=torch.Generator().manual_seed(0))
        >>> rows = torch.zeros(2, 5, 3)
        >>> RiskByHour(cell, generator=torch.Generator().manual_seed(1))(rows, rows, rows).shape
        torch.Size([2, 5])
    """

    def __init__(self, cell: GruD, *, generator: torch.Generator) -> None:
        super().__init__()
        self.cell = cell
        self.head = nn.Linear(cell.hidden, 1)
        with torch.no_grad():
            reach = cell.hidden**-0.5
            self.head.weight.uniform_(-reach, reach, generator=generator)
            self.head.bias.zero_()

    def forward(
        self,
        carried: Float[Tensor, "batch hours channels"],
        mask: Float[Tensor, "batch hours channels"],
        hours_since: Float[Tensor, "batch hours channels"],
    ) -> Float[Tensor, "batch hours"]:
        """The logit of the outcome at each hour."""
        return self.head(self.cell(carried, mask, hours_since))[..., 0]
