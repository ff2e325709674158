"""GRU-D equals its paper's equations: by numbers worked out by hand, and by a loop of NumPy's."""

import numpy as np
import pytest
import torch

from medlib.diagnosis.records.filling import forward_fill
from medlib.diagnosis.records.gru_d import HOURS_A_DAY, GruD, RiskByHour
from medlib.diagnosis.records.hourly import hours_since, measured


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def of(tensor):
    return tensor.detach().double().numpy()


def by_the_paper(cell, rows):
    """Equations 3 to 13 of Che et al. (2018), one patient, one hour, one gate after the other."""
    hidden, channels = cell.hidden, cell.channels
    weights, bias = of(cell.of_input.weight), of(cell.of_input.bias)
    w = {gate: weights[k * hidden : (k + 1) * hidden, :channels] for k, gate in enumerate("rzh")}
    v = {gate: weights[k * hidden : (k + 1) * hidden, channels:] for k, gate in enumerate("rzh")}
    b = {gate: bias[k * hidden : (k + 1) * hidden] for k, gate in enumerate("rzh")}
    u = {"r": of(cell.of_state.weight)[:hidden], "z": of(cell.of_state.weight)[hidden:]}
    u["h"] = of(cell.of_reset.weight)
    states = np.zeros((*rows.shape[:2], hidden))
    for patient in range(len(rows)):
        h = np.zeros(hidden)
        last = np.zeros(channels)  # the mean, before anything was measured
        delta = np.zeros(channels)
        for hour in range(rows.shape[1]):
            x, m = rows[patient, hour], ~np.isnan(rows[patient, hour])
            if hour:
                before = ~np.isnan(rows[patient, hour - 1])
                delta = np.where(before, 1.0, 1.0 + delta)
            days = delta / HOURS_A_DAY
            gamma_x = np.exp(-np.maximum(0, of(cell.input_rate) * days + of(cell.input_start)))
            rate, start = of(cell.state_rate.weight), of(cell.state_rate.bias)
            gamma_h = np.exp(-np.maximum(0, rate @ days + start))
            x_hat = np.where(m, np.nan_to_num(x), gamma_x * last + (1 - gamma_x) * 0.0)
            h = gamma_h * h
            r = sigmoid(w["r"] @ x_hat + u["r"] @ h + v["r"] @ m + b["r"])
            z = sigmoid(w["z"] @ x_hat + u["z"] @ h + v["z"] @ m + b["z"])
            candidate = np.tanh(w["h"] @ x_hat + u["h"] @ (r * h) + v["h"] @ m + b["h"])
            h = (1 - z) * h + z * candidate
            states[patient, hour] = h
            last = np.where(m, np.nan_to_num(x), last)
    return states


def inputs(rows):
    mask = measured(rows)
    parts = (forward_fill(rows), mask, hours_since(mask))
    return [torch.from_numpy(part.astype(np.float32)) for part in parts]


def random_rows(seed, shape=(3, 9, 4)):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=shape).astype(np.float32)
    rows[rng.random(shape) < 0.6] = np.nan
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_it_equals_a_loop_over_the_papers_equations(seed):
    cell = GruD(4, 5, masks=True, decays=True, generator=generator(seed))
    with torch.no_grad():  # starts that bite, below and above zero
        cell.input_start.uniform_(-1, 1, generator=generator(seed + 10))
        cell.state_rate.bias.uniform_(-1, 1, generator=generator(seed + 20))
    rows = random_rows(seed)
    np.testing.assert_allclose(of(cell(*inputs(rows))), by_the_paper(cell, rows), atol=2e-6)


def test_two_hours_by_hand():
    """All weights 1 and one channel: numbers that anybody can check with a pocket calculator."""
    cell = GruD(1, 1, masks=True, decays=True, generator=generator())
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.fill_(1.0)
        cell.of_input.bias.zero_()
        cell.input_start.zero_()
        cell.state_rate.bias.fill_(-0.5)  # max(0, .) cuts: δ = 0.5 day and W = 1 leave no decay
    x, m = torch.tensor([[[2.0], [2.0]]]), torch.tensor([[[1.0], [0.0]]])
    delta = torch.tensor([[[0.0], [12.0]]])
    states = cell(x, m, delta)[0, :, 0].tolist()
    # hour 1: x̂ = 2, h = 0: r = z = σ(3) = 0.952574, h̃ = tanh(3) = 0.995055
    assert states[0] == pytest.approx(0.952574 * 0.995055, abs=1e-5)
    # hour 2: γ_x = e^{-0.5} = 0.606531, x̂ = 1.213061; γ_h = e^{-max(0, 0.5-0.5)} = 1
    # r = z = σ(1.213061 + 0.947864) = 0.896684; h̃ = tanh(1.213061 + 0.896684·0.947864) = 0.968205
    # h = 0.103316·0.947864 + 0.896684·0.968205
    assert states[1] == pytest.approx(0.966104, abs=2e-5)


def test_decays_are_between_0_and_1_and_begin_at_1():
    cell = GruD(3, 4, masks=True, decays=True, generator=generator())
    now, late = torch.zeros(1, 3), torch.full((1, 3), 1000.0)
    assert (cell.input_decay(now) == 1).all()
    assert (cell.input_decay(late) < cell.input_decay(torch.full((1, 3), 10.0))).all()
    assert ((cell.state_decay(late) >= 0) & (cell.state_decay(late) <= 1)).all()


def test_without_decays_masks_and_intervals_it_sees_values_alone():
    cell = GruD(2, 3, generator=generator())
    x, m, delta = torch.randn(2, 4, 2), torch.ones(2, 4, 2), torch.zeros(2, 4, 2)
    torch.testing.assert_close(cell(x, m, delta), cell(x, 0 * m, delta + 5))
    seeing = GruD(2, 3, masks=True, intervals=True, generator=generator())
    assert not torch.equal(seeing(x, m, delta), seeing(x, 0 * m, delta))
    assert not torch.equal(seeing(x, m, delta), seeing(x, m, delta + 5))


@pytest.mark.parametrize("switches", [{}, {"masks": True, "decays": True}, {"masks": True}])
def test_the_past_does_not_depend_on_the_future_bit_for_bit(switches):
    risk = RiskByHour(GruD(4, 5, **switches, generator=generator()), generator=generator(1))
    rows = random_rows(3)
    other = rows.copy()
    other[:, 5:] = random_rows(4)[:, 5:]
    assert torch.equal(risk(*inputs(rows))[:, :5], risk(*inputs(other))[:, :5])
    assert not torch.equal(risk(*inputs(rows))[:, 5:], risk(*inputs(other))[:, 5:])


def test_first_weights_come_from_the_generator_alone():
    one, two, other = (GruD(4, 5, decays=True, generator=generator(seed)) for seed in (0, 0, 1))
    assert all(map(torch.equal, one.parameters(), two.parameters()))
    assert not torch.equal(one.of_input.weight, other.of_input.weight)
