"""Attention sees no film before it was taken: weights are zero, bits stay, the sum is NumPy's."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medlib.diagnosis.records.film_attention import FilmAttention, visible


def attention(seed=0):
    return FilmAttention(5, 6, 4, generator=torch.Generator().manual_seed(seed))


def scene(seed=0, hours=8):
    source = torch.Generator().manual_seed(seed)
    states = torch.randn(3, hours, 5, generator=source)
    films = torch.randn(3, 4, 6, generator=source)
    taken = torch.rand(3, 4, generator=source) * hours
    taken[2, 1:] = torch.inf
    return states, films, taken.sort(dim=1).values


def test_it_equals_a_loop_of_numpy():
    layer = attention()
    states, films, taken = scene()
    made = layer(states, films, taken).detach().numpy()

    def linear(part, x):
        return part.weight.detach().numpy() @ x + part.bias.detach().numpy()

    none = layer.no_film.detach().numpy()
    rho = np.log1p(np.exp(layer.fading.item()))
    for patient in range(3):
        for t in range(8):
            query = linear(layer.query, states[patient, t].numpy()) / 2.0  # √4
            scores, values = [], []
            for film, at in zip(films[patient].numpy(), taken[patient].numpy(), strict=True):
                if at <= t + 1:
                    scores.append(query @ linear(layer.key, film) - rho * (t + 1 - at) / 24)
                    values.append(linear(layer.value, film))
            scores.append(query @ linear(layer.key, none))
            values.append(linear(layer.value, none))
            weights = np.exp(scores) / np.exp(scores).sum()
            np.testing.assert_allclose(made[patient, t], weights @ np.array(values), atol=1e-5)


@given(st.integers(0, 10_000))
def test_films_to_come_have_no_weight_and_change_no_bit(seed):
    layer, (states, films, taken) = attention(), scene(seed)
    hours = torch.arange(1.0, 9.0)
    weights = layer.weights(states, films, taken)
    seen = visible(taken, hours)
    assert (weights[..., :-1][~seen] == 0).all()
    assert (weights[..., :-1][seen] > 0).all()
    torch.testing.assert_close(weights.sum(dim=2), torch.ones(3, 8))
    later = taken > 4
    changed = torch.where(later[..., None], films + 7, films)
    moved = torch.where(later, taken + 3, taken)
    states_later = states.clone()
    states_later[:, 4:] = 0
    before, after = layer(states, films, taken), layer(states_later, changed, moved)
    assert torch.equal(before[:, :4], after[:, :4])


def test_a_film_counts_from_its_own_hour_on():
    states, films, taken = scene()
    layer, other = attention(), films.clone()
    other[0, 0] += 1
    same = (layer(states, films, taken) == layer(states, other, taken)).all(dim=2)[0]
    first = int(np.ceil(taken[0, 0].item()))
    assert same[: first - 1].all()
    assert not same[first - 1 :].any()


def test_before_the_first_film_the_answer_is_no_film():
    layer, (states, films, _) = attention(), scene()
    nothing = layer(states, films, torch.full((3, 4), torch.inf))
    torch.testing.assert_close(nothing, layer.value(layer.no_film).expand(3, 8, 4))


def test_old_films_count_less():
    layer = attention()
    with torch.no_grad():
        layer.query.weight.zero_(), layer.query.bias.zero_()
    films, taken = torch.zeros(1, 2, 6), torch.tensor([[1.0, 5.0]])
    weights = layer.weights(torch.zeros(1, 8, 5), films, taken)[0]
    assert (weights[4:, 0] < weights[4:, 1]).all()
    assert weights[0, 0].item() == pytest.approx(0.5)


def test_without_the_condition_a_later_film_answers():
    attention = FilmAttention(4, 3, 2, generator=torch.Generator().manual_seed(0))
    states, films, at = torch.ones(1, 6, 4), torch.ones(1, 2, 3), torch.tensor([[5.0, torch.inf]])
    assert (attention.weights(states, films, at)[0, :4, 0] == 0).all()
    attention.looks_back = False
    weights = attention.weights(states, films, at)
    assert (weights[0, :4, 0] > 0).all()
    assert (weights[0, :, 1] == 0).all()
